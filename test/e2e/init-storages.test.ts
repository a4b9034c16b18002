import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { initIn } from '../support/init';
import { useLab } from '../support/lab';
import { useDirectory } from '../support/temporary';

const inTest = useDirectory();
const configured = async () => parse(await readFile(inTest('etc/vault-dr.yaml'), 'utf8')).clusters.prod;

describe('init of a cluster that stores in Consul', () => {
  const lab = useLab({ shape: 'consul-storage', nodes: 2, consulServers: 1 });
  const { init, startController } = initIn(lab, inTest);

  async function consulFlags(): Promise<string[]> {
    const { consul } = parse(await readFile(lab().configFile, 'utf8')).clusters.lab;
    const addresses = consul.addresses.flatMap((address: string) => ['--consul-address', address]);
    return [...addresses, '--consul-ca-file', consul.tls.caFile, '--consul-token-file', lab().consul!.tokenFile];
  }

  it('finds its nodes and the method, and what it writes makes a backup', async () => {
    const made = await init([...(await consulFlags()), '--yes']);

    expect(made).toMatchObject({ code: 0 });
    expect(made.stderr).toContain('storage consul, 2 nodes');
    expect(await configured()).toMatchObject({
      method: 'consul',
      nodes: lab().nodes.map(({ address }) => ({ address })),
    });
    const { controller, env } = await startController('init');
    try {
      const backup = await lab().cli(['backup', '--cluster', 'prod', '--json'], { env });
      expect(backup).toMatchObject({ code: 0 });
      expect(JSON.parse(backup.stdout)).toMatchObject({ content: { method: 'consul' }, missing: [] });
    } finally {
      await controller.stop();
    }
  }, 120_000);

  it('writes nothing in Vault if Consul does not take the token', async () => {
    const flags = (await consulFlags()).slice(0, -2);

    const { code, stderr } = await init([...flags, '--role', 'unasked', '--mount', 'unasked', '--yes']);

    expect(code).toBe(1);
    expect(stderr).toContain('--consul-token-file');
    expect((await lab().vault('vault-1', 'GET', 'sys/policies/acl/unasked')).status).toBe(404);
  }, 60_000);
});

describe('init of a server that stores in files', () => {
  const lab = useLab({ shape: 'file-storage' });
  const { init } = initIn(lab, inTest);

  it('finds the one node and its method, and says that agents make the backups', async () => {
    const made = await init(['--yes']);

    expect(made).toMatchObject({ code: 0 });
    expect(made.stderr).toContain('storage file, 1 node');
    expect(made.stderr).not.toContain('Warning');
    expect(made.stdout).toContain('Agents make these backups');
    expect(await configured()).toMatchObject({
      method: 'filesystem',
      filesystem: { window: { start: '02:30', minutes: 60 } },
      nodes: [{ address: lab().nodes[0]!.address }],
    });
  }, 60_000);
});

describe('init of a cluster of one node', () => {
  const lab = useLab({ nodes: 1 });
  const { init, startController } = initIn(lab, inTest);

  it('finds it, and what it writes makes a backup', async () => {
    const made = await init(['--yes']);

    expect(made).toMatchObject({ code: 0 });
    expect(made.stderr).toContain('storage raft, 1 node');
    const { address } = lab().nodes[0]!;
    expect(await configured()).toMatchObject({ nodes: [{ name: 'vault-1', address }] });
    const { controller, env } = await startController('init');
    try {
      const backup = await lab().cli(['backup', '--cluster', 'prod', '--json'], { env });
      expect(JSON.parse(backup.stdout)).toMatchObject({ encryption: 'age', warnings: [], missing: [] });
    } finally {
      await controller.stop();
    }
  }, 120_000);
});
