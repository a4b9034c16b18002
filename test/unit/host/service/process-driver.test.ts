import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { createProcessDriver } from '../../../../src/host/service/process-driver';
import type { ServiceDriver } from '../../../../src/host/service/service-driver';
import { startScript } from '../../../support/script';
import { useDirectory } from '../../../support/temporary';
import { eventually } from '../../../support/vault-node';

const drivers: ServiceDriver[] = [];

// Before the directory goes: what runs is known by a file in it.
afterEach(async () => {
  for (const driver of drivers.splice(0)) await driver.stop();
});
const inTest = useDirectory();

/** Says that it started and lives until it is ended; a path in its arguments tells it from other programs. */
function settings(script = 'echo started; : > "$0"; exec tail -f "$0"') {
  return {
    driver: 'process' as const,
    command: ['/bin/sh', '-c', script, inTest('program')],
    env: { GREETING: 'hello' },
    logFile: inTest('vault.log'),
    stopTimeoutSeconds: 0.3,
  };
}

function driverOf(script?: string): ServiceDriver {
  const driver = createProcessDriver(settings(script), inTest());
  drivers.push(driver);
  return driver;
}

const log = () => readFile(inTest('vault.log'), 'utf8').catch(() => '');
const starts = async () => (await log()).split('\n').filter((line) => line === 'started').length;
const pidOf = async () => Number((await readFile(inTest('vault.pid'), 'utf8')).split(' ')[0]);
const started = (times: number) => eventually(`start ${times}`, async () => ((await starts()) === times ? true : null));

/** Ids of the programs of this test that run, whoever started them. */
async function running(): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const mine = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return line.split('\0').includes(inTest('program')) ? [Number(pid)] : [];
    }),
  );
  return mine.flat();
}

/** The same, once there are so many: a launch that lost is gone in a moment, and a program that begins has no name yet. */
const settled = (count: number) =>
  eventually(`${count} running`, async () => {
    const pids = await running();
    return pids.length === count ? pids : null;
  });

describe('createProcessDriver', () => {
  it('starts, tells and stops a program, each as often as it is asked', async () => {
    const driver = driverOf();

    await expect(driver.status()).resolves.toBe('stopped');
    await driver.start();
    await driver.start();
    await started(1);
    await expect(driver.status()).resolves.toBe('running');
    expect(await settled(1)).toEqual([await pidOf()]);
    await driver.stop();
    await driver.stop();

    await expect(driver.status()).resolves.toBe('stopped');
    expect(await running()).toEqual([]);
    expect(await readdir(inTest())).toEqual(expect.not.arrayContaining(['vault.pid']));
  });

  it('gives the program its environment and keeps what it says in a file for its owner only', async () => {
    const driver = driverOf('echo "$GREETING" >&2; echo started; : > "$0"; exec tail -f "$0"');

    await driver.start();
    await started(1);

    expect(await log()).toBe('hello\nstarted\n');
    expect((await stat(inTest('vault.log'))).mode & 0o777).toBe(0o600);
    expect((await stat(inTest('vault.pid'))).mode & 0o022).toBe(0);
  });

  it('gives the program nothing else of its own environment, and the mask that a service manager would give', async () => {
    const [before, mask] = [process.env['VAULT_TOKEN'], process.umask(0o077)];
    process.env['VAULT_TOKEN'] = 'hvs.of-the-agent';
    try {
      const driver = driverOf('env; umask; echo started; : > "$0"; exec tail -f "$0"');
      await driver.start();
      await started(1);
    } finally {
      process.umask(mask);
      if (before === undefined) delete process.env['VAULT_TOKEN'];
      else process.env['VAULT_TOKEN'] = before;
    }

    const said = await log();
    expect(said).not.toContain('VAULT_TOKEN');
    expect(said).toContain(`PATH=${process.env['PATH']}\n`);
    expect(said).toContain('GREETING=hello\n');
    expect(said).toMatch(/^0?022$/m);
    expect((await stat(inTest('vault.pid'))).mode & 0o777).toBe(0o600);
  });

  it('writes its log through no link, and reads none', async () => {
    await writeFile(inTest('victim'), 'precious');
    await symlink(inTest('victim'), inTest('vault.log'));
    const driver = driverOf();

    await expect(driver.start()).rejects.toMatchObject({ code: 'NodeUnsafe', where: inTest('vault.log') });
    await expect(driver.recentLog?.()).rejects.toMatchObject({ code: 'NodeUnsafe' });

    expect(await readFile(inTest('victim'), 'utf8')).toBe('precious');
  });

  it('never runs two programs, whoever starts them at the same time', async () => {
    const [one, two] = [driverOf(), driverOf()];

    await Promise.all([one.start(), two.start(), one.start(), two.start()]);
    await started(1);

    expect(await settled(1)).toEqual([await pidOf()]);
    expect(await starts()).toBe(1);
  });

  it('starts nothing that comes late, after a stop', async () => {
    // A launch that hangs where it is about to become the program.
    await mkdir(inTest('bin'));
    const slow = `#!/bin/sh\nuntil [ -e '${inTest('go')}' ]; do sleep 0.02; done\nexec /bin/ln "$@"\n`;
    await writeFile(inTest('bin/ln'), slow, { mode: 0o755 });
    const env = { PATH: `${inTest('bin')}:${process.env['PATH']}` };
    const late = createProcessDriver({ ...settings(), env }, inTest()).start();
    await eventually('the launch', async () => ((await running()).length > 0 ? true : null));
    const driver = driverOf();
    await driver.start();
    await late;

    await driver.stop();
    await writeFile(inTest('go'), '');
    await settled(0);

    await expect(driver.status()).resolves.toBe('stopped');
    expect(await starts()).toBeLessThanOrEqual(1);
  });

  it('starts it again right after the program was killed', async () => {
    const driver = driverOf();
    await driver.start();
    await started(1);
    const before = await pidOf();

    process.kill(before, 'SIGKILL');
    // Its command line is gone a moment before the process is; until then a start rightly finds it.
    await eventually('the end', async () => ((await driver.status()) === 'stopped' ? true : null));
    await settled(0);
    await Promise.all([driver.start(), driver.start()]);
    await started(2);

    expect(await settled(1)).toEqual([await pidOf()]);
    expect(await pidOf()).not.toBe(before);
  });

  it('adopts a program that outlived the agent which started it', async () => {
    const agent = startScript(`
      await load('host/service/process-driver').createProcessDriver(${JSON.stringify(settings())}, ${JSON.stringify(inTest())}).start();
      console.log('up');
      setInterval(() => undefined, 1000);
    `);
    expect(await agent.line()).toBe('up');
    await agent.kill();
    await started(1);
    const pid = await pidOf();

    const driver = driverOf();
    await driver.start();

    await expect(driver.status()).resolves.toBe('running');
    expect(await pidOf()).toBe(pid);
    expect(await settled(1)).toEqual([pid]);
    await driver.stop();
    expect(await running()).toEqual([]);
  });

  it('never runs two when the agent before was killed in the middle of a start', async () => {
    const agent = startScript(`
      const { createProcessDriver } = load('host/service/process-driver');
      const { spawn } = require('node:child_process');
      console.log('begin');
      void createProcessDriver(${JSON.stringify(settings())}, ${JSON.stringify(inTest())}).start();
      const look = () => require('node:fs').existsSync(${JSON.stringify(inTest('vault.log'))}) ? process.kill(process.pid, 'SIGKILL') : setImmediate(look);
      look();
    `);
    expect(await agent.line()).toBe('begin');
    await eventually('the log', async () => (await readdir(inTest())).includes('vault.log') || null);

    await driverOf().start();
    await agent.kill();
    await started(1);

    expect(await settled(1)).toEqual([await pidOf()]);
  });

  it('ends a program that ignores SIGTERM', async () => {
    const driver = driverOf('trap "" TERM; echo started; : > "$0"; exec tail -f "$0"');
    await driver.start();
    await started(1);

    await driver.stop();

    expect(await running()).toEqual([]);
  });

  it('ends a program that is frozen', async () => {
    const driver = driverOf();
    await driver.start();
    await started(1);
    process.kill(await pidOf(), 'SIGSTOP');

    await driver.stop();

    expect(await running()).toEqual([]);
  });

  it.each([
    ['a start time', (start: string, boot: string) => [String(Number(start) + 1), boot]],
    ['a boot', (start: string) => [start, '00000000-0000-0000-0000-000000000000']],
  ])('leaves a process alone that has the same id but %s of its own', async (_what, change) => {
    const someone = driverOf();
    await someone.start();
    await started(1);
    const [pid = '', start = '', boot = ''] = (await readFile(inTest('vault.pid'), 'utf8')).trim().split(' ');
    await writeFile(inTest('vault.pid'), `${[pid, ...change(start, boot)].join(' ')}\n`);
    try {
      const driver = driverOf();

      await expect(driver.status()).resolves.toBe('stopped');
      await driver.stop();

      expect(await settled(1)).toEqual([Number(pid)]);
    } finally {
      process.kill(Number(pid), 'SIGKILL');
    }
  });

  it('leaves nothing behind of a program that ends at once', async () => {
    const driver = driverOf('echo "no such configuration"; exit 1');

    // Whether the start still sees it run is a matter of luck.
    const errors: unknown[] = [];
    await driver.start().catch((error: unknown) => errors.push(error));

    await eventually('its end', async () => ((await driver.status()) === 'stopped' ? true : null));
    expect(errors).toEqual(errors.map(() => expect.objectContaining({ code: 'ServiceFailed' })));
    expect(await log()).toBe('no such configuration\n');
  });
});

describe('supervise', () => {
  it('starts the program, and again when it was killed, until it is stopped', async () => {
    const driver = driverOf();
    const events: string[] = [];
    const end = new AbortController();

    const supervision = driver.supervise?.(end.signal, (message) => events.push(message));
    await started(1);
    process.kill(await pidOf(), 'SIGKILL');
    await started(2);
    end.abort();
    await supervision;

    expect(events).toEqual(Array(2).fill('Vault is not running; starting it'));
    await expect(driver.status()).resolves.toBe('running');
  });

  it('leaves a program stopped that was stopped on purpose, also when another agent supervises it', async () => {
    const driver = driverOf();
    await driver.start();
    await started(1);
    const events: string[] = [];
    const end = new AbortController();

    await driver.stop();
    const next = driverOf();
    const supervision = next.supervise?.(end.signal, (message) => events.push(message));
    // Takes its turn behind the first look of the supervision.
    await next.stop();
    end.abort();
    await supervision;

    expect(events).toEqual([]);
    expect(await starts()).toBe(1);
    expect(await running()).toEqual([]);
  });
});
