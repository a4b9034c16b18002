import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { GuardSummary } from '../../src/guard/summary';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { waitFor } from '../../src/lab/processes';
import { useLab } from '../support/lab';
import { restoreDriver } from '../support/restore-driver';

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Real commands between real backups and real gates. */
describe('vault-dr guard', () => {
  const lab = useLab();
  const file = (name: string) => join(lab().directory, name);
  const isThere = (name: string) =>
    readFile(file(name)).then(
      () => true,
      () => null,
    );

  const guard = async (...args: string[]): Promise<Ran & { summary: GuardSummary }> => {
    const ran = await lab().cli(['guard', '--cluster', 'lab', '--as', 'ana', '--json', ...args]);
    if (ran.stdout === '') throw new Error(ran.stderr);
    return { ...ran, summary: JSON.parse(ran.stdout) as GuardSummary };
  };
  /** Not waited for. */
  function start(...args: string[]) {
    const words = [join(PROJECT_ROOT, 'bin/vault-dr.js'), 'guard', '--cluster', 'lab', '--as', 'ana', ...args];
    const child = spawn(process.execPath, words, { env: lab().env, stdio: ['ignore', 'pipe', 'pipe'] });
    const streams = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    const ended = streams.then(([stdout, stderr, [code, signal]]) => ({
      code: code as number,
      signal: signal as string,
      stdout,
      stderr,
    }));
    return { child, ended };
  }
  /** A command that says that it runs, and ends when a file is there. */
  const held = (name: string) => [
    'sh',
    '-c',
    `touch ${file(name)}; while [ ! -e ${file(name)}.go ]; do sleep 0.1; done`,
  ];
  const runs = (name: string) => waitFor(`${name} runs`, () => isThere(name), { timeoutMs: 60_000, everyMs: 100 });
  const letGo = (name: string) => writeFile(file(`${name}.go`), '');

  const [backUp, pins] = [
    () => restoreDriver(lab()).json(['backup', '--cluster', 'lab']),
    async () => {
      const { stdout } = await lab().cli(['backups', 'list', '--cluster', 'lab', '--all', '--json']);
      const { pinned } = JSON.parse(stdout) as { pinned: { generation: string; by: string; reason: string }[] };
      return pinned;
    },
  ];
  async function unseal(name: string): Promise<void> {
    await waitFor(
      `${name} is unsealed`,
      async () => {
        for (const key of lab().unsealShares.slice(0, 3)) {
          await lab()
            .vault(name, 'PUT', 'sys/unseal', { body: { key } })
            .catch(() => null);
        }
        const status = await lab()
          .vault(name, 'GET', 'sys/seal-status')
          .catch(() => null);
        return (status?.body as { sealed?: boolean } | undefined)?.sealed === false ? true : null;
      },
      { timeoutMs: 60_000, everyMs: 500 },
    );
  }

  it('refuses while there is no good backup, and makes none', async () => {
    const { code, summary } = await guard('--', 'touch', file('never'));

    expect(code).toBe(7);
    expect(summary).toMatchObject({ outcome: 'refused', exitCode: 7, backup: null, command: null });
    expect(summary.refused.map(({ check }) => check)).toContain('backup-usable');
    expect(await isThere('never')).toBeNull();
    await backUp();
  }, 120_000);

  it('runs nothing that is not there', async () => {
    const missing = await lab().cli(['guard', '--cluster', 'lab', '--', 'no-such-program', '--json']);
    const none = await lab().cli(['guard', '--cluster', 'lab']);

    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toContain("'no-such-program' is not in the PATH. Nothing was changed.");
    expect(none.code).toBe(2);
    expect(none.stderr).toContain('There is no command to run. Nothing was changed.');
  }, 60_000);

  it('lets a command through between a pinned backup and a look at all nodes, and keeps its exit code', async () => {
    const well = await guard('--expect-version', '1.21.1', '--', 'true');
    const { code, stdout, stderr } = await lab().cli([
      'guard',
      '--cluster',
      'lab',
      '--',
      'sh',
      '-c',
      'echo out; exit 42',
    ]);

    expect(well).toMatchObject({ code: 0, summary: { outcome: 'passed', gate: { passed: true, gaps: [] } } });
    const { backup, before, after } = well.summary;
    expect(backup).toMatchObject({ verifiedIn: ['local', 'offsite'], pinnedIn: ['local', 'offsite'] });
    expect(after?.raftIndex).toBeGreaterThan(before?.raftIndex ?? Infinity);
    expect(after?.clusterId).toBe(before?.clusterId);
    expect(await pins()).toContainEqual({ generation: backup?.generation, by: 'ana', reason: 'guard: before true' });
    expect({ code, stdout }).toEqual({ code: 42, stdout: 'out\n' });
    expect(stderr).toContain('Pinned by earlier guards, and not let go: 1.');
    expect(stderr).toContain('lab serves as a whole');
  }, 180_000);

  it('waits for a node that the command has restarted, and passes once people have unsealed it', async () => {
    const { child, ended } = start('--json', '--', ...held('restart'));
    await runs('restart');
    await lab().killVault('vault-2');
    await letGo('restart');
    let seen = '';
    child.stderr.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    await waitFor('the gate sees it', () => Promise.resolve(/vault-2: it is sealed/.test(seen) || null), {
      timeoutMs: 60_000,
      everyMs: 200,
    });
    await unseal('vault-2');
    const { code, stdout } = await ended;

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'passed', gate: { gaps: [] } });
  }, 180_000);

  it('fails with the way back if a node stays away, and refuses the next command until it is back', async () => {
    const { ended } = start('--gate-timeout', '15s', '--', ...held('broken'));
    await runs('broken');
    await lab().killVault('vault-3');
    await letGo('broken');
    const failed = await ended;
    const again = await guard('--', 'touch', file('never'));
    await unseal('vault-3');

    expect(failed.code).toBe(9);
    expect(failed.stderr).toMatch(/✗ vault-3: it is sealed/);
    const [backup] = /\d{8}T\d{6}Z-\d{12}-[0-9a-f]{8}/.exec(failed.stderr) ?? [];
    expect(failed.stderr.split('\n')).toContain(`    vault-dr restore --cluster lab --backup ${backup}`);
    expect((await pins()).map(({ generation }) => generation)).toContain(backup);
    expect(again).toMatchObject({ code: 5, summary: { outcome: 'refused', backup: null } });
    expect(again.summary.refused.map(({ check }) => check)).toEqual(['serving']);
    expect(await isThere('never')).toBeNull();
  }, 180_000);

  it('fails if the nodes do not run the version that is expected', async () => {
    const { code, summary } = await guard('--expect-version', '1.22.0', '--gate-timeout', '1s', '--', 'true');

    expect(code).toBe(9);
    expect(summary.gate?.gaps).toContain('vault-1: it runs 1.21.1, expected 1.22.0');
  }, 120_000);

  it('leaves the pin when it is killed, and the next one says that nobody has seen the command end', async () => {
    const { child, ended } = start('--', ...held('orphan'));
    await runs('orphan');
    child.kill('SIGKILL');
    await letGo('orphan');
    await ended;
    const [newest] = (await pins()).toSorted((left, right) => (left.generation < right.generation ? 1 : -1));
    const refused = await guard('--', 'true');
    const accepted = await guard('--accept', 'alone', '--', 'true');

    expect(newest).toMatchObject({ by: 'ana', reason: 'guard: before sh' });
    expect(refused).toMatchObject({ code: 5, summary: { refused: [{ check: 'alone' }], backup: null } });
    expect(refused.stderr).toMatch(/sh of ana began at .*, and nobody has seen it end/);
    expect(accepted).toMatchObject({ code: 0, summary: { outcome: 'passed', accepted: [{ check: 'alone' }] } });
  }, 240_000);

  it('passes a signal on to the command, and looks at the cluster nevertheless', async () => {
    const { child, ended } = start('--json', '--', ...held('interrupted'));
    await runs('interrupted');
    child.kill('SIGTERM');
    const { code, stdout } = await ended;

    expect(code).toBe(143);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'passed', command: { exitCode: null, signal: 'SIGTERM' } });
  }, 120_000);

  it('refuses while an agent is away, unless that is accepted by its name', async () => {
    await lab().agents['vault-1']!.kill();
    const { code, summary } = await guard('--', 'touch', file('never'));
    await lab().agents['vault-1']!.start();

    expect(code).toBe(7);
    expect(summary.refused.map(({ check }) => check)).toEqual(expect.arrayContaining(['agents', 'identity', 'room']));
    expect(await isThere('never')).toBeNull();
  }, 240_000);

  it('is in the audit trail with the program alone', async () => {
    const trail = await readFile(file('controller/audit.jsonl'), 'utf8');
    const lines = trail.trim().split('\n');
    const records = lines.map((line) => JSON.parse(line) as { action: string; actor: string; details: object });
    const guards = records.filter(({ action }) => action.startsWith('guard.'));

    expect(guards.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['guard.begins', 'guard.passed', 'guard.failed']),
    );
    expect(guards[0]).toMatchObject({ actor: 'ana', details: { program: 'true', exitCode: null } });
    expect(JSON.stringify(guards)).not.toContain('exit 42');
  });
});
