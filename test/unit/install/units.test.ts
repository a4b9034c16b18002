import { execFile, execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { PACKAGED, type Part, PARTS, UNIT_NAMES, unitText } from '../../../src/install/units';
import { MEMORY_ENVIRONMENT } from '../../../src/process-memory';
import { describeIf } from '../../support/describe-if';
import { useDirectory } from '../../support/temporary';

const run = promisify(execFile);
const inTest = useDirectory();

/** The values of a setting, in their order. */
function valuesOf(text: string, name: string): string[] {
  return text.split('\n').flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []));
}

test('the controller runs as its own user and may do nothing else', () => {
  const text = unitText('controller');

  expect(valuesOf(text, 'User')).toEqual(['vault-dr']);
  expect(valuesOf(text, 'ExecStart')).toEqual(['/usr/bin/vault-dr worker']);
  expect(valuesOf(text, 'CapabilityBoundingSet')).toEqual(['']);
  expect(valuesOf(text, 'ReadWritePaths')).toEqual(['-/var/backups/vault']);
});

test('the pages read repositories, write nothing, and do not see the keys of a controller', () => {
  const text = unitText('web', { ...PACKAGED.web, hidden: ['/etc/vault-dr/signing.key'] });

  expect(valuesOf(text, 'ExecStart')).toEqual(['/usr/bin/vault-dr web']);
  expect(valuesOf(text, 'CapabilityBoundingSet')).toEqual(['']);
  expect(valuesOf(text, 'ReadWritePaths')).toEqual([]);
  expect(valuesOf(text, 'InaccessiblePaths')).toEqual(['-/etc/vault-dr/signing.key']);
});

test('the agent keeps three capabilities, and writes where packages put the data of a Vault', () => {
  const text = unitText('agent');

  expect(valuesOf(text, 'User')).toEqual([]);
  expect(valuesOf(text, 'ExecStart')).toEqual(['/usr/bin/vault-dr agent']);
  expect(valuesOf(text, 'CapabilityBoundingSet')).toEqual(['CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER']);
  expect(valuesOf(text, 'AmbientCapabilities')).toEqual([]);
  expect(valuesOf(text, 'SecureBits')).toEqual([]);
  expect(valuesOf(text, 'ReadWritePaths')).toContain('-/opt/vault');
  expect(valuesOf(text, 'RuntimeDirectoryMode')).toEqual(['0700']);
});

test.each(PARTS)('the unit of the %s keeps its memory small', (part) => {
  const settings = Object.entries(MEMORY_ENVIRONMENT).map(([name, value]) => `${name}=${value}`);

  expect(valuesOf(unitText(part), 'Environment')).toEqual(expect.arrayContaining(settings));
});

test('an agent that is not root gets the same three as ambient ones', () => {
  const text = unitText('agent', { ...PACKAGED.agent, user: 'vault-dr-agent' });

  expect(valuesOf(text, 'User')).toEqual(['vault-dr-agent']);
  expect(valuesOf(text, 'AmbientCapabilities')).toEqual(valuesOf(text, 'CapabilityBoundingSet'));
  // Who may write there is root.
  expect(valuesOf(text, 'ReadWritePaths')).not.toContain('-/run/systemd/system');
  expect(valuesOf(text, 'ReadWritePaths')).not.toContain('-/etc/systemd/system');
  // Or access(2), by which plans look at directories, does not count them.
  expect(valuesOf(text, 'SecureBits')).toEqual(['no-setuid-fixup']);
});

test('nothing is taken from an agent that starts Vault as its child, which outlives it', () => {
  const text = unitText('agent', { ...PACKAGED.agent, runsVault: true });

  expect(valuesOf(text, 'KillMode')).toEqual(['process']);
  expect(text).not.toMatch(/CapabilityBoundingSet|SystemCallFilter|ProtectSystem|NoNewPrivileges/);
});

test('credentials are loaded under their names, decrypted where they are encrypted', () => {
  const credentials = [
    { name: 'vault-dr-role-id', isEncrypted: false },
    { name: 'vault-dr-secret-id', isEncrypted: true },
  ];
  const text = unitText('controller', { ...PACKAGED.controller, credentials });

  expect(valuesOf(text, 'LoadCredential')).toEqual(['vault-dr-role-id']);
  expect(valuesOf(text, 'LoadCredentialEncrypted')).toEqual(['vault-dr-secret-id']);
});

test('what is installed in a home can be read there', () => {
  const program = ['/home/ana/.nvm/node', '/home/ana/vault-dr.js'];

  expect(valuesOf(unitText('controller'), 'ProtectHome')).toEqual(['yes']);
  expect(valuesOf(unitText('controller', { ...PACKAGED.controller, program }), 'ProtectHome')).toEqual(['read-only']);
});

test('a name or path is one word, whatever is in it', () => {
  const text = unitText('agent', {
    ...PACKAGED.agent,
    program: ['/opt/a b/50%', '$HOME'],
    writable: ['/srv/$x/va ult"\n%h'],
  });

  expect(valuesOf(text, 'ExecStart')).toEqual(['"/opt/a b/50%%" $$HOME agent']);
  expect(valuesOf(text, 'ReadWritePaths')).toEqual([
    String.raw`"-/srv/$x/va ult\"\n%%h"`,
    '-/run/systemd/system',
    '-/etc/systemd/system',
  ]);
});

describeIf(hasAnalyze(), 'no systemd-analyze of systemd 250 or newer')('systemd-analyze', () => {
  const EXPOSURE: Record<Part, number> = { controller: 1.5, agent: 2.4, sandbox: 4, web: 1.5 };

  test.each(PARTS)('says how little a %s is exposed, and finds no mistake in its unit', async (part) => {
    const file = inTest(UNIT_NAMES[part]);
    await writeFile(file, unitText(part, { ...PACKAGED[part], program: [process.execPath] }));

    const { stdout } = await run('systemd-analyze', ['security', '--offline=yes', '--no-pager', file]);
    const verified = await run('systemd-analyze', ['verify', '--man=no', file]);

    expect(Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThanOrEqual(EXPOSURE[part]);
    expect(verified.stdout + verified.stderr).toBe('');
  });
});

function hasAnalyze(): boolean {
  try {
    const [, version] =
      /^systemd (\d+)/.exec(execFileSync('systemd-analyze', ['--version'], { encoding: 'utf8' })) ?? [];
    return Number(version) >= 250;
  } catch {
    return false;
  }
}
