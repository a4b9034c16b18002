import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createCommandDriver } from '../../../../src/host/service/command-driver';
import { useDirectory } from '../../../support/temporary';
import { SHOWN, type Shown } from '../../../support/systemd-outputs';

const inTest = useDirectory();

/** A `systemctl` and a `journalctl` that say what the real ones would say: there is no systemd where tests run. */
async function systemd(state: Shown | null, said = 'Job for vault.service failed.', journal = 'Vault server started!') {
  await mkdir(inTest('bin'), { recursive: true });
  await writeFile(inTest('shown'), state === null ? '' : SHOWN[state]);
  await writeFile(inTest('journal'), `line before\n${journal}\n`);
  const bus = 'echo "System has not been booted with systemd as init system (PID 1). Can\'t operate." >&2; exit 1';
  const scripts = {
    systemctl: [
      `echo "$*" >> ${inTest('calls')}`,
      `case "$*" in *show*) ${state === null ? bus : `cat ${inTest('shown')}`} ;;`,
      `*) echo "${said}" >&2; exit 1 ;; esac`,
    ].join('\n'),
    journalctl: `cat ${inTest('journal')}`,
  };
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(inTest('bin', name), `#!/bin/sh\n${script}\n`);
    await chmod(inTest('bin', name), 0o755);
  }
}

const path = process.env['PATH'];
beforeEach(() => {
  process.env['PATH'] = `${inTest('bin')}:${path}`;
});
afterEach(() => {
  process.env['PATH'] = path;
});

const driver = (changes: { start?: string[]; log?: string[] } = {}) =>
  createCommandDriver({
    driver: 'command',
    start: ['systemctl', 'start', 'vault'],
    stop: ['systemctl', 'stop', 'vault'],
    status: ['systemctl', 'is-active', '--quiet', 'vault'],
    timeoutSeconds: 10,
    ...changes,
  });

test('a check asks systemd, and starts and stops nothing', async () => {
  await systemd('packaged');

  await expect(driver().check?.()).resolves.toMatchObject({
    unit: {
      name: 'vault.service',
      loadState: 'loaded',
      startLimit: { starts: 3, interval: '1min' },
      missingPrograms: [],
    },
    missingCommands: [],
    unchecked: [],
  });
  expect(await readFile(inTest('calls'), 'utf8')).toMatch(/^show .* -- vault\.service\n$/);
});

test('a check names what is missing', async () => {
  await systemd('noBinary');

  await expect(driver({ start: ['systemctl', 'start', 'vault'] }).check?.()).resolves.toMatchObject({
    unit: { missingPrograms: ['/opt/none/vault'] },
  });
  await expect(driver({ start: ['start-vault-by-hand'] }).check?.()).resolves.toEqual({
    unit: null,
    missingCommands: ['start: start-vault-by-hand'],
    unchecked: ['whether `start-vault-by-hand` would start Vault (it names no systemd unit)'],
  });
});

test('a check that gets no answer says so, and why', async () => {
  await systemd(null);

  await expect(driver().check?.()).resolves.toEqual({
    unit: null,
    missingCommands: [],
    unchecked: [
      "whether `systemctl start vault` would start Vault (1: System has not been booted with systemd as init system (PID 1). Can't operate.)",
    ],
  });
});

test('a start that fails says how systemd has the unit, and how its log ends', async () => {
  await systemd('failed', undefined, '\u001b[31mError initializing storage: permission denied');

  await expect(driver().start()).rejects.toMatchObject({
    code: 'ServiceFailed',
    retryable: true,
    message:
      '`systemctl start vault` ended with 1 [service-command-failed]: Job for vault.service failed. systemd reports vault.service as failed (exit-code). ' +
      String.raw`The log ends with: \u{1B}[31mError initializing storage: permission denied`,
    advice: expect.stringContaining('journalctl --unit=vault') as string,
  });
  const { message } = (await driver({ log: ['echo', 'by its own command'] })
    .start()
    .catch((error: Error) => error)) as Error;
  expect(message).toMatch(/The log ends with: by its own command$/);
});

test.each<[Shown, string, RegExp]>([
  ['masked', 'as masked', /`systemctl unmask vault`/],
  ['maskedUntilReboot', 'as masked', /`systemctl unmask --runtime vault`/],
  ['limited', 'failed (start-limit-hit)', /3 times within 1min.*`systemctl reset-failed vault`/],
  ['notFound', 'as not-found', /Install Vault and its unit vault\.service/],
  ['badSetting', 'as bad-setting', /daemon-reload/],
])('a start that fails because the unit is %s says what to do', async (state, words, advice) => {
  await systemd(state);

  const error = await driver()
    .start()
    .catch((reason: unknown) => reason);

  expect(error).toMatchObject({ message: expect.stringContaining(words), advice: expect.stringMatching(advice) });
});

test('what looks like a secret, and what is long, stays in the log', async () => {
  await systemd('failed', 'no', 'Error: token hvs.CAESIJ is not valid');
  const said = async () =>
    (
      (await driver()
        .start()
        .catch((error: Error) => error)) as Error
    ).message;
  expect(await said()).not.toContain('log ends');

  await systemd('failed', 'no', `Error: ${'very long '.repeat(500)}`);
  expect((await said()).length).toBeLessThan(600);
});
