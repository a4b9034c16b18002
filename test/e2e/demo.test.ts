import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RESTORE_PHASES } from '../../src/contract/recovery';
import type { DemoReport } from '../../src/lab/demo/report';
import { patient, waitFor } from '../../src/lab/processes';
import { compiled } from '../../src/lab/project-root';

const NODES = ['vault-1', 'vault-2', 'vault-3'];

describe('the demo', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vault-dr-test-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test('loses a cluster, brings it back, proves it, and leaves nothing behind', async () => {
    const report = join(directory, 'report.json');
    const demo = startDemo(['--report', report]);
    await waitFor('the lab runs', async () => (await processesOfDemo()).length >= 8, { timeoutMs: 60_000 });

    const { code, output } = await demo.end;

    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('checks passed') as string });
    expect(await processesOfDemo()).toEqual([]);
    expect(await readdir(directory)).toEqual(['report.json']);
    const { ok, steps, checks, ...numbers } = JSON.parse(await readFile(report, 'utf8')) as DemoReport;
    expect(ok).toBe(true);
    expect(checks.filter((check) => !check.ok)).toEqual([]);
    expect(checks.map((check) => check.name)).toEqual([
      ...NODES.map((node) => `secrets through ${node}`),
      'secret written after the backup',
      'voters',
      'original cluster',
      'one share from each holder unsealed every node',
      'new backup after the restore',
      'copies in both repositories',
      'the previous data is kept',
      'the run continued after both kills',
      'unseal shares in clear',
      'nothing left running',
    ]);
    expect(steps.map((step) => step.name)).toEqual([
      'start the lab',
      'write 200 secrets',
      'back up',
      'destroy',
      ...RESTORE_PHASES.map((phase) => `restore: ${phase}`),
      'check',
    ]);
    for (const { seconds } of steps) expect(seconds).toBeGreaterThanOrEqual(0);
    expect(Object.keys(numbers).sort()).toEqual(['rpoSeconds', 'rtoHumanSeconds', 'rtoMachineSeconds']);
    // One who approves and three who hold shares take 6.5 seconds among them; the rest is what the machine did.
    expect(numbers.rtoHumanSeconds).toBeGreaterThan(6);
    expect(numbers.rtoMachineSeconds).toBeGreaterThan(5);
    const restoring = steps.filter((step) => step.name.startsWith('restore: '));
    const sum = restoring.reduce((total, step) => total + step.seconds, 0);
    // The run begins a moment before its first phase does.
    const beforePlan = (numbers.rtoHumanSeconds ?? 0) + (numbers.rtoMachineSeconds ?? 0) - sum;
    expect(Math.abs(beforePlan)).toBeLessThan(patient(3));
    expect(numbers.rpoSeconds).toBeGreaterThan(0);
    expect(numbers.rpoSeconds).toBeLessThan(patient(60));
  }, 240_000);

  test('an interrupt ends it and everything that it started', async () => {
    const demo = startDemo([]);
    await waitFor('the lab runs', async () => (await processesOfDemo()).length >= 8, { timeoutMs: 60_000 });

    demo.child.kill('SIGINT');

    expect((await demo.end).code).toBe(130);
    await waitFor('nothing is left', async () => (await processesOfDemo()).length === 0, { timeoutMs: 20_000 });
    await waitFor('its directory is gone', async () => (await readdir(directory)).length === 0, { timeoutMs: 20_000 });
  }, 120_000);

  test.each([
    { args: ['--kep'], message: "unknown option '--kep'" },
    { args: ['all'], message: 'too many arguments' },
    { args: ['--report', '/nowhere/at/all.json'], message: '/nowhere/at is not a writable directory' },
  ])('$args is refused with the usage, before anything starts', async ({ args, message }) => {
    const { code, output } = await startDemo(args).end;

    expect(code).toBe(2);
    expect(output).toContain(message);
    expect(output).toContain('Usage: npm run demo -- [options]');
    expect(await readdir(directory)).toEqual([]);
  });

  /** All of the demo's processes have its directory for temporary files in their environment or their arguments. */
  function startDemo(args: string[]) {
    const child = spawn(process.execPath, [compiled('src/lab/demo/main.js'), ...args], {
      env: { ...process.env, TMPDIR: directory, NO_COLOR: '1' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
    const end = once(child, 'close').then(([code]) => ({ code: code as number | null, output }));
    return { child, end };
  }

  async function processesOfDemo(): Promise<number[]> {
    const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
    const found = await Promise.all(
      pids.map(async (pid) => {
        const texts = ['environ', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => ''));
        return (await Promise.all(texts)).some((text) => text.includes(directory)) ? [pid] : [];
      }),
    );
    return found.flat();
  }
});
