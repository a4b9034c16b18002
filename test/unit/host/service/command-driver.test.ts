import { readFile } from 'node:fs/promises';
import { createCommandDriver } from '../../../../src/host/service/command-driver';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const sh = (script: string) => ['/bin/sh', '-c', script];

function driverOf(commands: { start?: string; stop?: string; status?: string }, timeoutSeconds = 10) {
  const { start = 'true', stop = 'true', status = 'true' } = commands;
  return createCommandDriver({
    driver: 'command',
    start: sh(start),
    stop: sh(stop),
    status: sh(status),
    timeoutSeconds,
  });
}

test('exit status 0 means that the service runs, 3 that it does not', async () => {
  await expect(driverOf({ status: 'exit 0' }).status()).resolves.toBe('running');
  await expect(driverOf({ status: 'exit 3' }).status()).resolves.toBe('stopped');
});

test('any other exit status of the status command is an error, not an answer', async () => {
  await expect(
    driverOf({ status: 'echo "Unit vault.service could not be found."; exit 4' }).status(),
  ).rejects.toMatchObject({
    code: 'ServiceFailed',
    message: expect.stringMatching(
      /^`\/bin\/sh -c .*` ended with 4 \[service-command-failed\]: Unit vault\.service could not be found\.$/,
    ),
    advice: expect.stringContaining('Run the command on that host'),
  });
});

test('runs the commands as they are, with no shell between', async () => {
  const driver = createCommandDriver({
    driver: 'command',
    start: ['/bin/sh', '-c', 'printf "%s" "$1" > "$0"', inTest('out'), '$HOME; `id`'],
    stop: ['true'],
    status: ['true'],
    timeoutSeconds: 10,
  });

  await driver.start();

  expect(await readFile(inTest('out'), 'utf8')).toBe('$HOME; `id`');
});

test('what a failed command said is in the message, its last part if it is long', async () => {
  const driver = driverOf({ start: 'yes noise | head -c 5000; echo "last words" >&2; exit 1', stop: 'kill -9 $$' });

  const message = await driver.start().catch((error: Error) => error.message);

  expect(message).toMatch(/last words$/);
  expect(message).toContain('ended with 1');
  expect(String(message).length).toBeLessThan(700);
  await expect(driver.stop()).rejects.toMatchObject({
    code: 'ServiceFailed',
    message: expect.stringContaining('signal'),
  });
});

test('a command that does not exist is named', async () => {
  const driver = createCommandDriver({
    driver: 'command',
    start: ['/does/not/exist'],
    stop: ['true'],
    status: ['true'],
    timeoutSeconds: 10,
  });

  await expect(driver.start()).rejects.toMatchObject({
    message: '`/does/not/exist` ended with ENOENT [service-command-failed].',
  });
});

test('a command that hangs is given up, also when it ignores SIGTERM', async () => {
  const driver = driverOf({ stop: 'trap "" TERM; exec tail -f /dev/null' }, 0.3);

  await expect(driver.stop()).rejects.toMatchObject({
    code: 'ServiceFailed',
    retryable: true,
    message: expect.stringContaining('ended with time-out'),
  });
});

test('reads the log where a command for it is configured', async () => {
  const driver = createCommandDriver({
    driver: 'command',
    start: ['true'],
    stop: ['true'],
    status: ['true'],
    log: sh('echo one; echo two; echo noise >&2'),
    timeoutSeconds: 10,
  });

  await expect(driver.recentLog?.()).resolves.toBe('one\ntwo\n');
  await expect(driverOf({}).recentLog?.()).resolves.toBeNull();
});

test('hands nothing of the agent to the commands but what a program needs', async () => {
  process.env['TEST_SECRET'] = 'hvs.of-the-agent';
  try {
    await driverOf({ start: `env > ${inTest('out')}` }).start();
  } finally {
    delete process.env['TEST_SECRET'];
  }

  expect(await readFile(inTest('out'), 'utf8')).toContain('PATH=');
  expect(await readFile(inTest('out'), 'utf8')).not.toContain('TEST_SECRET');
});
