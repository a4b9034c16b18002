import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { patient, waitFor } from '../../../src/lab/processes';
import { PROJECT_ROOT } from '../../../src/lab/project-root';
import { useDirectory } from '../../support/temporary';

/** It takes 0.1 s, on a busy machine longer. Whatever was not killed would run for minutes. */
const LIMIT_MS = 10_000;
const CTRL_C = '\x03';

/** Starts processes that ignore signals, are detached, or lose their parent; and a lab, which cleans up when its owner is dead. */
const HANGING_TEST = `
  const { spawn } = require('node:child_process');
  const { writeFileSync } = require('node:fs');
  const start = (script, options) => spawn('sh', ['-c', script, __filename], { stdio: 'ignore', ...options });
  test('hangs', () => new Promise(() => {
    start('sleep 300; true');
    start('trap "" HUP INT TERM; while :; do sleep 300; done');
    start('sleep 300; true', { detached: true });
    start('setsid sleep 300 &');
    start(process.env.LAB_SCRIPT, {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: { ...process.env, VAULT_DR_LAB: 'lab' },
    });
    setInterval(() => undefined, 1_000);
    writeFileSync(__filename + '.up', '');
  }), 600_000);`;
const LAB = 'cat > /dev/null; sleep 0.3; : > "$0.cleaned"';
const LAB_THAT_STAYS = 'sleep 300; true';

const inTest = useDirectory();
const TESTS = ['one.test.js', 'two.test.js'];

beforeEach(async () => {
  // With two at once Jest runs each in a process of its own.
  const config = { rootDir: inTest(), transform: {}, maxWorkers: 2 };
  await writeFile(inTest('jest.config.js'), `module.exports = ${JSON.stringify(config)};`);
  for (const name of TESTS) await writeFile(inTest(name), HANGING_TEST);
});
afterEach(async () => {
  await Promise.allSettled((await processes()).map(async (pid) => process.kill(pid, 'SIGKILL')));
});

describe('a run of tests ends at once, and leaves nothing behind,', () => {
  const node = [process.execPath, 'scripts/run.mjs', 'test'];
  const npm = ['npm', 'test', '--'];

  it.each([
    { how: 'node gets SIGINT', command: node, signals: ['SIGINT'], code: 130 },
    { how: 'node gets SIGTERM twice', command: node, signals: ['SIGTERM', 'SIGTERM'], code: 143 },
    { how: 'npm gets SIGTERM', command: npm, signals: ['SIGTERM'], code: 143 },
  ] as const)('when $how', async ({ command, signals, code }) => {
    const child = start([...command, '--config', inTest('jest.config.js')]);
    await untilItHangs(child);

    const ended = endOf(child);
    for (const signal of signals) child.kill(signal);

    expect(await ended).toEqual({ code, inTime: true });
    expect(await processes()).toEqual([]);
    expect(TESTS.map((name) => existsSync(inTest(`${name}.cleaned`)))).toEqual([true, true]);
  });

  it.each([
    ['once', CTRL_C],
    ['twice', CTRL_C + CTRL_C],
  ])('when Ctrl-C is pressed %s in its terminal', async (_times, keys) => {
    const command = [...npm, '--config', inTest('jest.config.js')].join(' ');
    const child = start(['script', '-qec', command, '/dev/null']);
    await untilItHangs(child);

    const ended = endOf(child);
    child.stdin?.write(keys);

    expect(await ended).toEqual({ code: 130, inTime: true });
    expect(await processes()).toEqual([]);
  });

  it('when Jest dies of the SIGINT of a terminal before node has seen its own', async () => {
    const child = start([...node, '--config', inTest('jest.config.js')]);
    await untilItHangs(child);

    const ended = endOf(child);
    process.kill(await jest(), 'SIGINT');

    expect(await ended).toEqual({ code: 130, inTime: true });
    expect(await processes()).toEqual([]);
  });

  it('also when a lab does not end by itself', async () => {
    const child = start([...node, '--config', inTest('jest.config.js')], LAB_THAT_STAYS);
    await untilItHangs(child);

    const ended = endOf(child);
    child.kill('SIGINT');

    expect(await ended).toEqual({ code: 130, inTime: true });
    expect(await processes()).toEqual([]);
  });
});

function start([program = '', ...args]: string[], lab = LAB): ChildProcess {
  return spawn(program, args, {
    cwd: PROJECT_ROOT,
    env: { ...process.env, LAB_SCRIPT: lab, OF_THIS_TEST: inTest(), VAULT_DR_KEEP_LAB: '' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
}

async function untilItHangs(child: ChildProcess): Promise<void> {
  await waitFor('both tests run', async () => TESTS.every((name) => existsSync(inTest(`${name}.up`))), {
    timeoutMs: 50_000,
    giveUp: () => (child.exitCode === null ? undefined : `the run ended with ${child.exitCode}`),
  });
}

async function endOf(child: ChildProcess): Promise<{ code: number | null; inTime: boolean }> {
  const started = Date.now();
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, inTime: Date.now() - started < patient(LIMIT_MS) };
}

async function jest(): Promise<number> {
  const pids = await processes();
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8')));
  return pids[commands.findIndex((command) => command.includes('bin/jest.js'))] ?? 0;
}

/** Those that have the directory of this test in their environment. */
async function processes(): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      return environment.includes(`OF_THIS_TEST=${inTest()}`) ? [pid] : [];
    }),
  );
  return found.flat();
}
