import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { useDirectory } from '../support/temporary';

const WRITE_SUMS = `import { writeSums } from ${JSON.stringify(join(PROJECT_ROOT, 'packaging/sums.mjs'))};
writeSums(process.argv[1], ['b.tgz', 'a.deb'], process.argv[2]);`;

describe('checksums of packages', () => {
  const inTest = useDirectory();

  it('are signed so that openssl can tell, and nothing else passes', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    writeFileSync(inTest('key.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    const { status } = writeSums(privateKey);
    const checked = spawnSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: inTest(), encoding: 'utf8' });

    expect(status).toBe(0);
    expect(checked.stdout).toBe('a.deb: OK\nb.tgz: OK\n');
    expect(verify()).toBe(0);

    writeFileSync(inTest('SHA256SUMS'), readFileSync(inTest('SHA256SUMS'), 'utf8').replace(/^./, 'x'));
    expect(verify()).toBe(1);
  });

  it('are not signed with a key of another kind', () => {
    const { status, stderr } = writeSums(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);

    expect(status).toBe(1);
    expect(stderr).toContain('is no Ed25519 key');
  });

  function writeSums(key: KeyObject) {
    writeFileSync(inTest('a.deb'), 'a');
    writeFileSync(inTest('b.tgz'), 'b');
    writeFileSync(inTest('key.pem'), key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const args = ['--input-type=module', '--eval', WRITE_SUMS, inTest(), inTest('key.pem')];
    return spawnSync(process.execPath, args, { encoding: 'utf8' });
  }

  /** As docs/install.md says. @returns its exit status */
  function verify() {
    const args = [
      '-verify',
      '-rawin',
      '-pubin',
      '-inkey',
      'key.pub.pem',
      '-in',
      'SHA256SUMS',
      '-sigfile',
      'SHA256SUMS.sig',
    ];
    return spawnSync('openssl', ['pkeyutl', ...args], { cwd: inTest() }).status;
  }
});

it('npm pack is refused, because its package would have no program', () => {
  const { status, stderr } = spawnSync('npm', ['pack', '--dry-run'], { cwd: PROJECT_ROOT, encoding: 'utf8' });

  expect(status).toBe(1);
  expect(stderr).toContain('npm run package -- --only npm');
});
