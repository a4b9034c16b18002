import { PACKAGED, unitText } from '../../src/install/units';
import { whyNoContainers } from '../support/container';
import { describeIf } from '../support/describe-if';
import { SystemdHost } from '../support/systemd-host';

const lacks = whyNoContainers(['bwrap']);
const STATE = '/var/lib/vault-dr/sandbox';
/** Looks for a way out of its namespaces, and for the one way that it has. */
const PROGRAM = `#!/usr/bin/bash
id=$(id -u) caps=$(grep -E 'Cap(Eff|Bnd)' /proc/self/status | tr '\n' ' ') mounts=$(unshare --mount true 2>&1) users=$(unshare --user true 2>&1)
key=$(exec 3<>/dev/tcp/localhost/443 && head -c 3 <&3)
echo "$id $caps; $mounts; $users; $key"
`;

/** By step. Nobody in the fence could ever get more than setuid, setgid, kill and net_bind_service, and the Vault has nothing. */
const WORKS = {
  'make a fence': 'ok',
  'start a program in it': 'ok',
  'prove it again': 'ok',
  'end it': 'ok',
  says: expect.stringMatching(/^65533 CapEff:\s+0+ CapBnd:\s+0+4e0 ;.*not permitted; .*not permitted; key$/) as string,
};

/** Whether the unit leaves a sandbox host what it needs, and nothing else, can only be seen where systemd applies it. */
describeIf(lacks === null, lacks ?? '')('the unit of a sandbox host', () => {
  let host: SystemdHost;

  beforeAll(async () => {
    host = await SystemdHost.boot({ programs: ['/usr/bin/bwrap'] });
    await host.write('/etc/hosts', '127.0.0.1 localhost\n');
    await host.write('/usr/local/bin/scratch-vault', PROGRAM, 0o755);
    await host.write(
      '/etc/systemd/system/key-service.service',
      `[Service]\nExecStart=/usr/local/bin/node -e 'require("net").createServer((to) => to.end("key")).listen(443)'\n`,
    );
    await host.must('systemctl', 'daemon-reload');
    await host.must('systemctl', 'start', 'key-service');
  }, 600_000);

  afterAll(async () => {
    await host?.discard();
  });

  async function work(change: (unit: string) => string = (unit) => unit): Promise<Record<string, string>> {
    const node = ['/usr/local/bin/node', '-r', '/srv/vault-dr/test/support/typescript-hook.js'];
    const program = [...node, '/srv/vault-dr/test/support/fence-work-process.ts'];
    const text = unitText('sandbox', { ...PACKAGED.sandbox, program }).replace('Restart=always', 'Restart=no');
    await host.write('/etc/systemd/system/vault-dr-sandbox.service', change(text));
    await host.must('systemctl', 'daemon-reload');
    await host.must('rm', '-f', `${STATE}/results.json`);
    await host.must('systemctl', 'start', '--wait', 'vault-dr-sandbox');
    const log = () => host.must('journalctl', '--unit=vault-dr-sandbox', '--lines=20', '--output=cat');
    const results = await host.try(['cat', `${STATE}/results.json`]);
    return JSON.parse(results.code === 0 ? results.stdout : JSON.stringify({ log: await log() })) as Record<
      string,
      string
    >;
  }

  test('lets it make a fence, in which a Vault has no right and one way out', async () => {
    expect(await work()).toEqual(WORKS);
    expect(await host.must('ls', STATE)).toBe('results.json\n');
    expect(await host.show('vault-dr-sandbox.service', 'MemorySwapMax')).toBe('0');
  }, 300_000);

  test.each([
    'SYS_ADMIN',
    'NET_ADMIN',
    'SETUID',
    'SETGID',
    'SETPCAP',
    'KILL',
    'CHOWN',
    'DAC_OVERRIDE',
    'NET_BIND_SERVICE',
  ])(
    'needs CAP_%s',
    async (name) => {
      expect(await work((unit) => unit.replace(`CAP_${name}`, ''))).not.toEqual(WORKS);
    },
    300_000,
  );

  test.each(['mnt', 'pid', 'net', 'ipc', 'uts'])(
    'needs namespaces of the kind %s',
    async (kind) => {
      const results = await work((unit) =>
        unit.replace(/^(RestrictNamespaces=.*)$/m, (line) => line.replace(kind, '')),
      );

      expect(results['make a fence']).not.toBe('ok');
    },
    300_000,
  );
});
