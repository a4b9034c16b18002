import { polkitRule, RULE_FILE } from '../../src/install/polkit-rule';
import { whyNoContainers } from '../support/container';
import { describeIf } from '../support/describe-if';
import type { DriverAnswer, DriverOrder } from '../support/systemd-driver-process';
import { SystemdHost } from '../support/systemd-host';

const RUN = '01a20e44-4ffd-79d7-a62f-52f6f5151414';
const OTHER = '01a20e44-4ffd-79d7-a62f-52f6f5151415';
const HELD = '/run/systemd/system/vault.service.d/10-held-by-vault-dr.conf';
const lacks = whyNoContainers();

/** A real systemd, whose answers nobody should invent. What it starts is a shell: how Vault itself ends is its own matter. */
describeIf(lacks === null, lacks ?? '')('driver systemd', () => {
  let host: SystemdHost;

  beforeAll(async () => {
    host = await SystemdHost.boot();
    await host.must('useradd', '--system', 'vault-dr');
  }, 600_000);

  afterAll(async () => {
    await host?.discard();
  });

  beforeEach(async () => {
    await host.try(['systemctl', 'kill', '--signal=SIGKILL', 'vault']);
    await host.try(['systemctl', 'unmask', 'vault']);
    await host.try(['systemctl', 'unmask', '--runtime', 'vault']);
    await host.must('sh', '-c', 'rm -rf /run/systemd/system/vault* /etc/systemd/system/*vault* /var/lib/vault-dr');
    await unit('');
    await host.try(['systemctl', 'stop', 'vault']);
    await host.try(['systemctl', 'reset-failed']);
    await host.write(
      '/var/lib/vault-dr/claim.json',
      JSON.stringify({ run: RUN, cluster: 'prod', startedAt: '2026-11-27T00:00:00.000Z' }),
      0o600,
    );
    await host.must('chmod', '0700', '/var/lib/vault-dr');
  });

  /** Where packages put theirs. */
  async function unit(settings: string, command = 'exec sleep infinity', name = 'vault.service'): Promise<void> {
    await host.write('/usr/local/bin/vault', `#!/bin/sh\n${command}\n`, 0o755);
    await host.write(
      `/usr/lib/systemd/system/${name}`,
      `${settings.includes('[Unit]') ? '' : '[Unit]\n'}${settings.includes('[Service]') ? settings : `${settings}\n[Service]\n`}
ExecStart=/usr/local/bin/vault server -config=/etc/vault.d
[Install]
WantedBy=multi-user.target
`,
    );
    await host.must('systemctl', 'daemon-reload');
  }

  async function driver(
    verb: DriverOrder['do'],
    {
      unit: name = 'vault',
      timeoutSeconds = 60,
      over = [] as string[],
      as = [] as string[],
      stateDir = '/var/lib/vault-dr',
    } = {},
  ): Promise<DriverAnswer> {
    const node = { name: 'vault-1', stateDir, service: { driver: 'systemd' as const, unit: name, timeoutSeconds } };
    const order: DriverOrder = { node, do: verb, over };
    return (await host.node('test/support/systemd-driver-process.ts', order, as)) as DriverAnswer;
  }

  const state = () => host.show('vault.service', 'ActiveState');

  test('starts and stops a unit, and says whether it runs', async () => {
    expect(await driver('status')).toEqual({ result: 'stopped', waits: [] });
    expect(await driver('start')).toEqual({ waits: [] });
    expect(await driver('start')).toEqual({ waits: [] });
    expect(await driver('status')).toEqual({ result: 'running', waits: [] });
    expect(await driver('serverStart')).toMatchObject({ result: { paths: ['/etc/vault.d'] } });
    expect(await driver('stop')).toEqual({ waits: [] });
    expect(await driver('stop')).toEqual({ waits: [] });
    expect(await driver('status')).toEqual({ result: 'stopped', waits: [] });
  });

  test('nobody starts what a run has stopped: no person, no other unit, no timer, no socket; then the run does', async () => {
    await unit('[Service]\nRestart=always\nRestartSec=100ms');
    await host.write(
      '/etc/systemd/system/needs-vault.service',
      '[Unit]\nRequires=vault.service\nAfter=vault.service\n[Service]\nExecStart=/bin/sleep infinity\n',
    );
    await host.write('/etc/systemd/system/vault.timer', '[Timer]\nOnActiveSec=200ms\nAccuracySec=10ms\n');
    await host.write('/etc/systemd/system/vault.socket', '[Socket]\nListenStream=/run/vault.sock\n');
    await host.must('systemctl', 'daemon-reload');
    await driver('start');

    await driver('stop');

    expect(await host.must('cat', HELD)).toContain(`# Held by run ${RUN} of vault-dr`);
    const byHand = await host.try(['systemctl', 'start', 'vault']);
    expect(byHand.code).toBe(1);
    expect(byHand.stderr).toContain('Assertion failed on job for vault.service');
    expect((await host.try(['systemctl', 'restart', 'vault'])).code).toBe(1);
    expect((await host.try(['systemctl', 'start', 'needs-vault'])).code).toBe(1);
    await host.must('systemctl', 'start', 'vault.timer', 'vault.socket');
    await host.try(['sh', '-c', "echo x | timeout 1 sh -c 'exec 3<>/run/vault.sock' || true; sleep 1"]);
    expect(await state()).toBe('inactive');
    // How Vault is started can still be seen, unlike in a unit that is masked.
    expect(await driver('serverStart')).toMatchObject({ result: { paths: ['/etc/vault.d'] } });
    expect(await driver('check')).toMatchObject({
      result: {
        unit: {
          loadState: 'loaded',
          managed: { heldBy: RUN, holdProblem: null, triggeredBy: ['vault.socket', 'vault.timer'] },
        },
      },
    });

    await driver('start');

    expect(await state()).toBe('active');
    expect((await host.try(['ls', '/run/systemd/system/vault.service.d'])).code).toBe(2);
    expect(await host.show('vault.service', 'NeedDaemonReload')).toBe('no');
    await host.must('systemctl', 'stop', 'vault.timer', 'vault.socket');
  });

  test('holds a unit whose file is in /etc, where a mask at run time would have no effect', async () => {
    await host.must('mv', '/usr/lib/systemd/system/vault.service', '/etc/systemd/system/vault.service');
    await host.must('systemctl', 'daemon-reload');

    await driver('stop');

    expect((await host.try(['systemctl', 'start', 'vault'])).code).toBe(1);
    await driver('start');
    expect(await state()).toBe('active');
  });

  test('after a crash the next agent lets a unit start again once the run is over, and not before', async () => {
    await driver('stop');

    expect(await driver('settle', { over: [OTHER] })).toMatchObject({ result: [] });
    expect((await host.try(['systemctl', 'start', 'vault'])).code).toBe(1);
    expect(await driver('settle', { over: [RUN] })).toMatchObject({ result: [RUN] });
    expect(await driver('settle', { over: [RUN] })).toMatchObject({ result: [] });
    await host.must('systemctl', 'start', 'vault');
  });

  test('leaves alone what somebody else has masked, and says so', async () => {
    await host.must('systemctl', 'mask', '--runtime', 'vault');

    await driver('stop');
    const started = await driver('start');

    expect(started.failed?.code).toBe('ServiceFailed');
    expect(started.failed?.message).toContain(
      'vault.service is masked, by somebody else than vault-dr [unit-not-started].',
    );
    expect(started.failed?.advice).toContain('systemctl unmask --runtime vault');
    expect(await driver('settle', { over: [RUN] })).toMatchObject({ result: [] });
    expect(await host.show('vault.service', 'LoadState')).toBe('masked');
  });

  test('starts a unit that was started too often, and says that it reset it', async () => {
    await unit('[Unit]\nStartLimitIntervalSec=600\nStartLimitBurst=2\n[Service]', 'exit 7');
    for (let time = 0; time < 4; time++) await host.try(['systemctl', 'start', 'vault']);
    await host.write('/usr/local/bin/vault', '#!/bin/sh\nexec sleep infinity\n', 0o755);
    expect((await host.try(['systemctl', 'start', 'vault'])).code).toBe(1);

    expect((await driver('start')).waits).toEqual(['reset of vault.service, which had failed (exit-code)']);
    expect(await state()).toBe('active');
  });

  test('stops one that systemd restarts for ever', async () => {
    await unit('[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=60', 'exit 7');
    await host.try(['systemctl', 'start', 'vault']);
    expect(await host.show('vault.service', 'SubState')).toBe('auto-restart');
    expect(await driver('status')).toMatchObject({ result: 'stopped' });

    await driver('stop');

    expect(await host.show('vault.service', 'SubState')).toBe('dead');
  });

  test('waits for a notification; one that never comes is a start that is not over, and is reported meanwhile', async () => {
    // Ready five seconds after the second start is there to wait for it, however slow the machine.
    const isAwaited = '[ -e /run/vault-second ] && pgrep --full "systemctl start -- vault"';
    await unit(
      '[Service]\nType=notify\nNotifyAccess=all',
      `until ${isAwaited}; do sleep 0.2; done; sleep 5; systemd-notify --ready; exec sleep infinity`,
    );
    const early = await driver('start', { timeoutSeconds: 1 });
    expect(early.failed?.message).toContain('vault.service is still starting (start) [unit-not-started].');
    await host.write('/run/vault-second', '');
    const done = await driver('start');
    expect(done).not.toHaveProperty('failed');
    expect(done.waits.join()).toMatch(/start of vault\.service for \d s, which is activating \(start\)/);
  });

  test('a Vault that takes 40 s to stop is waited for, not killed; too long is an error, and the next try waits again', async () => {
    await unit(
      '[Service]\nKillMode=process\nTimeoutStopSec=120',
      "trap 'sleep 40; exit 0' TERM; sleep infinity & wait; wait",
    );
    await driver('start');
    const pid = await host.show('vault.service', 'MainPID');
    const began = Date.now();

    const early = await driver('stop', { timeoutSeconds: 3 });

    expect(early.failed?.code).toBe('ServiceFailed');
    expect(early.failed?.message).toContain(
      'vault.service is still stopping after 3 s (stop-sigterm); systemd kills it after TimeoutStopSec=2min [unit-still-stopping].',
    );
    expect(early.waits.join()).toMatch(/stop of vault\.service for \d s, which is deactivating \(stop-sigterm\)/);
    expect(await driver('status')).toMatchObject({ result: 'running' });
    expect(await driver('stop')).not.toHaveProperty('failed');
    expect(Date.now() - began).toBeGreaterThan(38_000);
    expect(await host.show('vault.service', 'Result')).toBe('success');
    expect((await host.try(['kill', '-0', pid])).code).not.toBe(0);
  }, 120_000);

  test.each<[string, string, string, RegExp]>([
    [
      'fails',
      '[Service]\nType=notify',
      'echo "Error parsing config" >&2; exit 7',
      /vault\.service did not start \(exit-code, exit status 7\)[^]*The log ends with: .*Error parsing config/,
    ],
    [
      'has a condition that is not met',
      '[Unit]\nConditionFileNotEmpty=/etc/vault.d/vault.hcl\n[Service]',
      'exec sleep infinity',
      /did not start vault\.service, because a condition of its unit is not met[^]*ConditionFileNotEmpty=\/etc\/vault\.d\/vault\.hcl/,
    ],
    [
      'requires another that fails',
      '[Unit]\nRequires=vault-disk.service\nAfter=vault-disk.service\n[Service]',
      'exec sleep infinity',
      /a unit that it requires failed \(vault-disk\.service\)/,
    ],
    [
      'cannot be loaded',
      '[Service]\nType=nonsense\nRestart=bad\nExecStart=',
      'exit',
      /systemd can't load vault\.service \(bad-setting/,
    ],
  ])('says of a unit that %s what is wrong', async (_what, settings, command, message) => {
    await host.write('/etc/systemd/system/vault-disk.service', '[Service]\nType=oneshot\nExecStart=/bin/false\n');
    if (settings.endsWith('ExecStart=')) {
      await host.write('/usr/lib/systemd/system/vault.service', '[Service]\nRestart=always\n');
      await host.must('systemctl', 'daemon-reload');
    } else await unit(settings, command);

    expect((await driver('start')).failed?.message).toMatch(message);
  });

  test('quotes the log of a start that has ended before the journal read it', async () => {
    await unit('[Service]\nType=notify', 'echo "Error parsing config" >&2; exit 7');
    // A busy host does that; here the journal stands still meanwhile.
    await host.must('systemctl', 'kill', '--signal=STOP', 'systemd-journald');
    await host.must(
      'sh',
      '-c',
      'systemd-run --collect --on-active=1 --timer-property=AccuracySec=1ms systemctl kill --signal=CONT systemd-journald',
    );

    expect((await driver('start')).failed?.message).toContain('The log ends with: Error parsing config');
  });

  test('a unit that is not there is an error for whoever asks, stops or starts', async () => {
    for (const verb of ['status', 'stop', 'start'] as const) {
      expect((await driver(verb, { unit: 'vualt' })).failed?.message).toContain(
        'systemd has no unit vualt.service [unit-not-started].',
      );
    }
  });

  test('holds the unit behind an alias, and an instance of a template beside its drop-ins', async () => {
    await host.write(
      '/etc/systemd/system/vault@.service',
      '[Service]\nExecStart=/usr/local/bin/vault server -config=/etc/%i\n',
    );
    await host.write(
      '/etc/systemd/system/vault@prod.service.d/more.conf',
      '[Service]\nEnvironment=VAULT_RAFT_NODE_ID=a\n',
    );
    await host.must('ln', '-s', '/usr/lib/systemd/system/vault.service', '/etc/systemd/system/openvault.service');
    await host.must('systemctl', 'daemon-reload');

    await driver('stop', { unit: 'openvault' });
    expect((await host.try(['systemctl', 'start', 'vault'])).code).toBe(1);
    await driver('start', { unit: 'openvault' });
    expect(await state()).toBe('active');

    await driver('stop', { unit: 'vault@prod' });
    expect((await host.try(['systemctl', 'start', 'vault@prod'])).code).toBe(1);
    expect((await host.try(['systemctl', 'start', 'vault@test'])).code).toBe(0);
    expect(await driver('serverStart', { unit: 'vault@prod' })).toMatchObject({ result: { paths: ['/etc/prod'] } });
    await driver('start', { unit: 'vault@prod' });
    expect(await host.show('vault@prod.service', 'ActiveState')).toBe('active');
    await host.must('systemctl', 'stop', 'vault@prod', 'vault@test');
  });

  test('names what systemd stops with it', async () => {
    await host.write(
      '/etc/systemd/system/vault-proxy.service',
      '[Unit]\nBindsTo=vault.service\n[Service]\nExecStart=/bin/sleep infinity\n',
    );
    await host.must('systemctl', 'daemon-reload');
    await host.must('systemctl', 'start', 'vault-proxy');

    expect(await driver('check')).toMatchObject({
      result: { unit: { managed: { alsoStops: ['vault-proxy.service'] } } },
    });
  });

  describe('an agent that is not root', () => {
    const as = ['setpriv', '--reuid=vault-dr', '--regid=vault-dr', '--clear-groups'];
    const asUser = { as, stateDir: '/nonexistent' };

    test('is refused by systemd, and says what to do', async () => {
      await host.must('rm', '-f', RULE_FILE);

      const { failed } = await driver('start', asUser);

      expect(failed?.message).toContain('[unit-denied]');
      expect(failed?.advice).toContain('vault-dr install agent --user');
      expect(await state()).toBe('inactive');
    });

    test('starts and stops its unit with the rule, but no other, and can hold none', async () => {
      await host.write(RULE_FILE, polkitRule('vault-dr', 'vault.service'));
      await host.must('systemctl', 'restart', 'polkit');

      expect(await driver('start', asUser)).not.toHaveProperty('failed');
      expect(await state()).toBe('active');
      expect(await driver('check', asUser)).toMatchObject({
        result: { unit: { managed: { holdProblem: "the agent can't write to /run/systemd/system (EACCES)" } } },
      });
      expect(await driver('stop', asUser)).not.toHaveProperty('failed');
      expect(await state()).toBe('inactive');
      expect((await driver('stop', { ...asUser, unit: 'dbus' })).failed?.message).toContain('[unit-denied]');
    });
  });
});
