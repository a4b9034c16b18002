import { parseConfig } from '../../../src/config/load';
import { serverSettings, vaultConfig } from '../../../src/lab/server-settings';
import { productConfig, temporalConfig } from '../../../src/lab/write-config';
import { layOut } from '../../../src/lab/layout';
import { s3Endpoint } from '../../../src/lab/object-store';

const BOB = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAlOk4Y7N1YkkfqJDgjF7jnhGzL9x4ERC3cc1L2kBEgv bob@lab';

const PORTS = Array.from({ length: 31 }, (_, index) => 21_000 + index);
const layout = layOut('/srv/lab', '/dev/shm/lab', PORTS, { nodes: 3 });
const VALUES = {
  labId: '0123456789abcdef',
  vault: '/usr/bin/vault',
  backupRecipient: 'age1abc',
  s3Endpoint: 'http://127.0.0.1:9000',
  approvers: [{ name: 'bob', key: BOB }],
  agentPublicKeys: { 'vault-1': 'MCow' },
};

test('the configuration of the lab is one that the product accepts', () => {
  const text = productConfig(layout, VALUES);

  const config = parseConfig(text, 'vault-dr.yaml');

  const cluster = config.clusters['lab'];
  expect(cluster?.nodes.map((node) => node.name)).toEqual(['vault-1', 'vault-2', 'vault-3']);
  expect(cluster?.nodes[1]?.service).toMatchObject({
    driver: 'process',
    command: ['/usr/bin/vault', 'server', '-config=/srv/lab/vault-2/vault.hcl'],
    env: { VAULT_DR_LAB: '0123456789abcdef' },
  });
  expect(cluster?.repositories).toEqual(['local', 'offsite']);
  expect(cluster?.backup.encryption).toEqual({ age: ['age1abc'] });
  expect(config.repositories['offsite']).toMatchObject({
    type: 's3',
    endpoint: 'http://127.0.0.1:9000',
    objectLock: { mode: 'GOVERNANCE', days: 1 },
  });
});

test('a second cluster has its own nodes and its own access, and shares the repositories', () => {
  const both = layOut('/srv/lab', '/dev/shm/lab', PORTS, { nodes: 3, staging: 2 });

  const { lab, staging } = parseConfig(productConfig(both, VALUES), 'vault-dr.yaml').clusters;

  expect(staging?.nodes.map((node) => node.name)).toEqual(['staging-1', 'staging-2']);
  expect(staging?.repositories).toEqual(lab?.repositories);
  expect(staging?.restore.identities).toEqual(lab?.restore.identities);
  expect(staging?.auth).not.toEqual(lab?.auth);
  for (const key of ['dataDir', 'stateDir', 'runtimeDir', 'address', 'clusterAddress'] as const) {
    const all = [...(lab?.nodes ?? []), ...(staging?.nodes ?? [])].map((node) => node[key]);
    expect(new Set(all).size).toBe(5);
  }
});

test('a node listens where the product looks for it, and keeps its data there', () => {
  const [node] = layout.clusters[0].nodes;

  const text = vaultConfig(serverSettings(layout, node!, null));

  expect(text).toContain(`address = "${new URL(node!.address).host}"`);
  expect(text).toContain(`api_addr = "${node!.address}"`);
  expect(text).toContain(`cluster_address = "${node!.clusterAddress}"`);
  expect(text).toContain(`path = "${node!.dataDir}"`);
  expect(text).not.toContain('seal "');
});

test('a node on a host of its own listens there and on its loopback, and reaches Temporal and S3', () => {
  const network = {
    services: { host: '198.18.0.254', through: [] },
    nodes: [{ host: '198.18.0.1', clusterHost: '198.19.0.1', through: ['nsenter', '--net=/srv/net'] }],
  };
  const far = layOut('/srv/lab', '/dev/shm/lab', PORTS, { nodes: 1, network });
  const node = far.clusters[0].nodes[0]!;
  const port = Number(new URL(node.address).port);

  const text = vaultConfig(serverSettings(far, node, null));

  expect(new URL(node.address).hostname).toBe('198.18.0.1');
  expect(node.clusterAddress).toMatch(/^198\.19\.0\.1:\d+$/);
  expect(node.through).toEqual(['nsenter', '--net=/srv/net']);
  expect(text).toContain(`address = "0.0.0.0:${port}"`);
  expect(text).toContain(`cluster_address = "${node.clusterAddress}"`);
  expect(temporalConfig(far)).toContain(`address = "198.18.0.254:${far.temporal.port}"`);
  expect(s3Endpoint(far)).toBe(`http://198.18.0.254:${far.objectStore.ports.s3}`);
});

test('with auto-unseal each node names the seal Vault, and the token only by its file', () => {
  const sealed = layOut('/srv/lab', '/dev/shm/lab', PORTS, { nodes: 1, staging: 1, seal: 'transit' });
  const sealVault = sealed.sealVault!;

  for (const { nodes } of sealed.clusters) {
    const text = vaultConfig(serverSettings(sealed, nodes[0]!, sealVault));
    expect(text).toContain('seal "transit" {');
    expect(text).toContain(`address = "${sealVault.address}"`);
    expect(text).toContain(`token = "file://${sealVault.tokenFile}"`);
  }
});

test('no port is given away twice, in the largest lab', () => {
  const { clusters, sealVault, temporal, objectStore } = layOut('/srv/lab', '/dev/shm/lab', PORTS, {
    nodes: 7,
    staging: 1,
    seal: 'transit',
  });

  const ports = [
    ...[...clusters.flatMap(({ nodes }) => nodes), sealVault!].flatMap(({ address, clusterAddress }) => [
      Number(new URL(address).port),
      Number(clusterAddress.split(':')[1]),
    ]),
    temporal.port,
    temporal.uiPort,
    temporal.httpPort,
    temporal.metricsPort,
    ...Object.values(objectStore.ports),
  ];

  expect(ports).toHaveLength(8 * 2 + 2 + 4 + 8);
  expect(new Set(ports).size).toBe(ports.length);
  expect(ports.every((port) => PORTS.includes(port))).toBe(true);
});

test('no port is given away twice where the clusters store in Consul', () => {
  const { clusters, consul } = layOut('/srv/lab', '/dev/shm/lab', PORTS, { nodes: 3, seal: 'transit', consul: 3 });

  const ports = [
    ...consul!.servers.flatMap(({ address, rpcPort, serfPort }) => [Number(new URL(address).port), rpcPort, serfPort]),
    ...clusters[0].nodes.map(({ address }) => Number(new URL(address).port)),
  ];
  expect(new Set(ports).size).toBe(3 * 3 + 3);
  expect(ports.every((port) => PORTS.includes(port))).toBe(true);
});

test('more nodes than there are ports for are refused', () => {
  expect(() => layOut('/srv/lab', '/dev/shm/lab', PORTS.slice(0, 10), { nodes: 3, staging: 2 })).toThrow(
    /10 ports are too few for 5 nodes/,
  );
});
