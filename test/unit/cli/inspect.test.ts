import { createReadStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { render } from '../../../src/cli/inspect';
import { withDataArchive } from '../../../src/host/archive/write-archive';
import { inspectSnapshot } from '../../../src/vault/snapshot/inspect-snapshot';
import { buildFileData, buildRaftData } from '../../support/data-directory';
import { buildSnapshot, CORE_ENTRIES, sha256 } from '../../support/snapshot-builder';
import { useDirectory } from '../../support/temporary';

const HOOK = join(__dirname, '../../support/typescript-hook.js');
const MAIN = join(__dirname, '../../../src/cli/main.ts');
const inTest = useDirectory();

/** The whole program, in a process of its own, without any configuration. */
async function vaultDr(args: string[], input?: string): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['-r', HOOK, MAIN, ...args], { env: { PATH: process.env['PATH'] } });
  if (input === undefined) child.stdin.end();
  else createReadStream(input).pipe(child.stdin);
  const ended = new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? -1)));
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { exitCode, stdout, stderr };
}

it('shows what a snapshot holds', async () => {
  const archive = await buildSnapshot();
  await writeFile(inTest('a.snap'), archive);

  const shown = render(
    'a.snap',
    await inspectSnapshot(createReadStream(inTest('a.snap')), { identities: [] }, 'a.snap'),
  );

  expect(shown).toContain('a.snap: a complete snapshot\n');
  expect(shown).toContain(`sha256 ${sha256(archive)}`);
  expect(shown).toContain('index 37, term 3');
  expect(shown).toContain('shamir, 3 of 5 shares');
  expect(shown).toContain('core/keyring, core/seal-config, core/hsm/barrier-unseal-keys, core/shamir-kek');
  expect(shown).toMatch(/vault-2 +10\.0\.0\.2:8201 +nonvoter/);
  expect(shown).toMatch(/logical\/7163c756 +2 +360 B/);
  expect(shown).toMatch(/total +7 +/);
  expect(shown).not.toContain('leases');
});

it('shows the leases that will be revoked once they have run out', async () => {
  const leases = ['database/creds/a/1', 'database/creds/b/2', 'auth/approle/login/3'];
  const entries = leases.map((id) => ({ key: `sys/expire/id/${id}`, value: Buffer.alloc(1) }));
  await writeFile(inTest('a.snap'), await buildSnapshot({ entries: [...CORE_ENTRIES, ...entries] }));

  const shown = render(
    'a.snap',
    await inspectSnapshot(createReadStream(inTest('a.snap')), { identities: [] }, 'a.snap'),
  );

  expect(shown).toMatch(/leases by mount +count[^]*database +2[^]*auth\/approle +1[^]*total +3/);
});

it.each(['raft', 'file'] as const)('shows what a copy of a data directory holds (storage: %s)', async (storage) => {
  await mkdir(inTest('data'));
  await (storage === 'raft' ? buildRaftData(inTest('data')) : buildFileData(inTest('data')));
  const options = { storage, signal: new AbortController().signal };
  await withDataArchive(inTest('data'), options, ({ body }) => writeFile(inTest('a.snap'), body));

  const shown = render(
    'a.snap',
    await inspectSnapshot(createReadStream(inTest('a.snap')), { identities: [] }, 'a.snap'),
  );

  expect(shown).toContain('a.snap: a complete copy of a data directory\n');
  expect(shown.includes('index 37, term 3')).toBe(storage === 'raft');
  expect(shown.includes('of node a1b2c3d4-0000-4000-8000-000000000001')).toBe(storage === 'raft');
  expect(shown.includes('left out    core/_lock, core/_migration, core/lock')).toBe(storage === 'file');
  expect(shown).toContain('shamir, 3 of 5 shares');
  expect(shown).toMatch(/total +7 +/);

  const { exitCode, stdout } = await vaultDr(['inspect', '--json', inTest('a.snap')]);
  expect([exitCode, (JSON.parse(stdout) as { dataDirectory: unknown }).dataDirectory]).toEqual([
    0,
    expect.objectContaining({ storage }),
  ]);
});

it('answers in JSON, from standard input too, and with 6 for what is not whole', async () => {
  const archive = await buildSnapshot();
  await writeFile(inTest('whole.snap'), archive);
  await writeFile(inTest('cut.snap'), archive.subarray(0, archive.length / 2));

  const [whole, piped, cut, absent] = await Promise.all([
    vaultDr(['inspect', inTest('whole.snap'), '--json']),
    vaultDr(['inspect', '-', '--json'], inTest('whole.snap')),
    vaultDr(['inspect', inTest('cut.snap'), '--json']),
    vaultDr(['inspect', inTest('absent.snap')]),
  ]);

  expect(whole.exitCode).toBe(0);
  expect(JSON.parse(whole.stdout)).toMatchObject({
    file: inTest('whole.snap'),
    encryption: 'none',
    archive: { sha256: sha256(archive), sizeBytes: archive.length },
    raft: { index: 37, term: 3, peers: [{ id: 'vault-1' }, { id: 'vault-2' }] },
    seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
    keys: { count: 7, byPrefix: { 'logical/7163c756': { count: 2 } } },
    leases: { total: 0, byMount: {} },
    requiredKeys: expect.arrayContaining(['core/keyring']),
  });
  expect(JSON.parse(piped.stdout)).toMatchObject({ archive: { sha256: sha256(archive) } });
  expect(cut.exitCode).toBe(6);
  expect(JSON.parse(cut.stdout)).toMatchObject({
    exitCode: 6,
    error: { code: 'CopyDamaged', message: expect.stringMatching(/damaged or incomplete.*is truncated/s) },
  });
  expect(absent).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('absent.snap') });
});
