import type { DriverAnswer, DriverOrder } from '../support/systemd-driver-process';
import { whyNoContainers } from '../support/container';
import { describeIf } from '../support/describe-if';
import { SystemdHost } from '../support/systemd-host';

const RUN = '01a20e44-4ffd-79d7-a62f-52f6f5151414';
const OTHER = '01a20e44-4ffd-79d7-a62f-52f6f5151415';
/** Of its own: filters belong to control groups, which containers of this machine share by name. */
const UNIT = `fenced-${process.pid}.service`;
const DROP_INS = `/etc/systemd/system/${UNIT}.d`;
const FENCE = `${DROP_INS}/zz-quiet-by-vault-dr.conf`;
const HERE = '10.9.0.1';
const THERE = '10.9.0.7';
const CUT = { reach: [HERE], targets: [{ host: THERE, port: 8_200 }] };
const lacks = whyNoContainers();

/** Serves, and does as a Vault would that revokes something elsewhere: whether that left the host is in a file. */
const SERVER = `
require('net').createServer((client) => client.end('served')).listen(8200, '0.0.0.0');
setInterval(() => {
  const socket = require('dgram').createSocket('udp4');
  socket.on('error', () => undefined);
  socket.send('x', 9, '${THERE}', (error) => {
    require('fs').writeFileSync('/run/left-the-host', error ? error.code : 'yes');
    socket.close();
  });
}, 50);
`;

/** Where systemd really filters, and where it only says so. The server is a stand-in: what counts is what its packets do. */
describeIf(lacks === null, lacks ?? '')('the fence around a unit', () => {
  let host: SystemdHost;

  beforeAll(async () => {
    host = await SystemdHost.boot({ mayFilter: true, keepsDisk: true });
    await prepare();
  }, 600_000);

  afterAll(async () => {
    await host?.discard([UNIT]);
  });

  beforeEach(async () => {
    await host.try(['systemctl', 'stop', UNIT]);
    await host.must('rm', '-rf', DROP_INS, '/run/left-the-host');
    await host.must('systemctl', 'daemon-reload');
    await host.try(['systemctl', 'reset-failed']);
  });

  async function prepare(): Promise<void> {
    await host.write('/usr/local/bin/vault.js', SERVER);
    await host.write(
      `/usr/lib/systemd/system/${UNIT}`,
      '[Service]\nUser=daemon\nProtectSystem=full\nPrivateTmp=yes\nNoNewPrivileges=yes\nMemoryDenyWriteExecute=no\n' +
        'ExecStartPre=+/bin/install -m 0666 /dev/null /run/left-the-host\nExecStart=/usr/local/bin/node /usr/local/bin/vault.js\n' +
        '[Install]\nWantedBy=multi-user.target\n',
    );
    await host.must('systemctl', 'daemon-reload');
    await host.must('systemctl', 'enable', UNIT);
    await network();
  }

  /** Another host, as far as packets can tell. */
  async function network(): Promise<void> {
    await host.must(
      'sh',
      '-ec',
      `ip netns add out; ip link add v0 type veth peer name v1; ip link set v1 netns out
       ip addr add ${HERE}/24 dev v0; ip link set v0 up
       ip netns exec out ip addr add ${THERE}/24 dev v1; ip netns exec out ip link set v1 up`,
    );
  }

  async function driver(verb: DriverOrder['do'], order: Partial<DriverOrder> = {}): Promise<DriverAnswer> {
    const service = { driver: 'systemd' as const, unit: UNIT, timeoutSeconds: 60 };
    const node = { name: 'vault-1', stateDir: '/var/lib/vault-dr', service };
    return (await host.node('test/support/systemd-driver-process.ts', {
      node,
      do: verb,
      cut: CUT,
      run: RUN,
      ...order,
    })) as DriverAnswer;
  }

  /** Who is served, and whether anything leaves. */
  async function seen(): Promise<Record<string, string>> {
    const ask = (address: string) => ['timeout', '10', 'bash', '-c', `cat </dev/tcp/${address}/8200`];
    const from = async (...command: string[]) => {
      const { stdout } = await host.try(command);
      return stdout === 'served' ? 'served' : 'not served';
    };
    // After this moment, so that it is no outcome of before.
    await host.must('sh', '-c', ': >/run/left-the-host');
    await host.must('timeout', '60', 'sh', '-c', 'until [ -s /run/left-the-host ]; do sleep 0.05; done');
    return {
      elsewhere: await from('ip', 'netns', 'exec', 'out', ...ask(HERE)),
      loopback: await from(...ask('127.0.0.1')),
      'own address': await from(...ask(HERE)),
      leaves: await host.must('cat', '/run/left-the-host'),
    };
  }

  const OPEN = { elsewhere: 'served', loopback: 'served', 'own address': 'served', leaves: 'yes' };
  const CLOSED = { elsewhere: 'not served', loopback: 'served', 'own address': 'served', leaves: 'EPERM' };

  test('lets only its own host reach Vault and nothing leave, until it is lifted, at once and without a restart', async () => {
    expect(await driver('start')).toEqual({ waits: [] });
    expect(await seen()).toEqual(OPEN);
    await driver('stop');
    expect(await driver('quietProblem')).toEqual({ result: null, waits: [] });

    expect(await driver('fence')).toEqual({ waits: [] });
    expect(await driver('placedBy')).toEqual({ result: RUN, waits: [] });
    expect(await driver('start')).not.toHaveProperty('failed');

    expect(await seen()).toEqual(CLOSED);
    const process = await host.show(UNIT, 'MainPID');
    expect(await driver('lift')).toEqual({ waits: [] });
    expect(await seen()).toEqual(OPEN);
    expect(await host.show(UNIT, 'MainPID')).toBe(process);
    expect((await host.try(['ls', DROP_INS])).code).toBe(2);
    expect(await host.show(UNIT, 'NeedDaemonReload')).toBe('no');
    expect(await driver('placedBy')).toEqual({ result: null, waits: [] });
  }, 120_000);

  test('is still there after a power cut, and around a Vault that was started by nobody', async () => {
    await driver('fence');
    await driver('start');

    await host.reboot([UNIT]);
    await network();

    expect(await host.show(UNIT, 'ActiveState')).toBe('active');
    expect(await seen()).toEqual(CLOSED);
    expect(await host.must('journalctl', `--unit=${UNIT}`, '--boot', '--output=cat')).not.toContain('not proved');
  }, 120_000);

  test('holds also where the agent was killed between its file and systemd, in both directions', async () => {
    await driver('fence');
    const text = await host.must('cat', FENCE);
    await driver('lift');
    await host.write(FENCE, text);

    await driver('fence');
    await driver('start');
    expect(await seen()).toEqual(CLOSED);

    await host.must('rm', FENCE);
    await driver('lift');
    expect(await seen()).toEqual(OPEN);
  }, 120_000);

  test('passes to a later run, with what that leaves open', async () => {
    await driver('fence');

    await driver('fence', { run: OTHER, cut: { reach: [HERE, THERE], targets: [] } });
    await driver('start');

    expect(await driver('placedBy')).toEqual({ result: OTHER, waits: [] });
    expect(await seen()).toEqual({ ...CLOSED, elsewhere: 'served', leaves: 'yes' });
  }, 120_000);

  test('with a hole that somebody else has made in it Vault does not start', async () => {
    await host.write(`${DROP_INS}/zzz-own.conf`, `[Service]\nIPAddressAllow=${THERE}\n`);
    await driver('fence');

    const { failed } = await driver('start');

    expect(failed?.message).toContain(`The fence is not proved: it reaches ${THERE} port 8200`);
    expect(await host.show(UNIT, 'MainPID')).toBe('0');
  }, 120_000);

  test('where systemd may not filter, the plan says so, and Vault does not start behind what is none', async () => {
    await host.discard([UNIT]);
    host = await SystemdHost.boot();
    await prepare();

    expect((await driver('quietProblem')).result).toContain('IPAddressDeny= has no effect on this host');
    await driver('fence');
    const { failed } = await driver('start');

    expect(failed?.message).toContain('IPAddressDeny= has no effect on this host');
    expect(await host.show(UNIT, 'MainPID')).toBe('0');
  }, 300_000);
});
