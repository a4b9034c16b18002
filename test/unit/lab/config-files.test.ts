import { parseConfig } from '../../../src/config/load';
import { productConfig, vaultConfig } from '../../../src/lab/config-files';
import { layOut } from '../../../src/lab/layout';

const PORTS = Array.from({ length: 31 }, (_, index) => 21_000 + index);
const layout = layOut('/srv/lab', '/dev/shm/lab', PORTS, 3);

test('the configuration of the lab is one that the product accepts', () => {
  const text = productConfig(layout, {
    vault: '/usr/bin/vault',
    backupRecipient: 'age1abc',
    s3Endpoint: 'http://127.0.0.1:9000',
    agentPublicKeys: { 'vault-1': 'MCow' },
  });

  const config = parseConfig(text, 'vault-dr.yaml');

  const cluster = config.clusters['lab'];
  expect(cluster?.nodes.map((node) => node.name)).toEqual(['vault-1', 'vault-2', 'vault-3']);
  expect(cluster?.nodes[1]?.service).toMatchObject({
    driver: 'process',
    command: ['/usr/bin/vault', 'server', '-config=/srv/lab/vault-2/vault.hcl'],
  });
  expect(cluster?.repositories).toEqual(['local', 'offsite']);
  expect(cluster?.backup.encryption).toEqual({ age: ['age1abc'] });
  expect(config.repositories['offsite']).toMatchObject({
    type: 's3',
    endpoint: 'http://127.0.0.1:9000',
    objectLock: { mode: 'GOVERNANCE', days: 1 },
  });
});

test('a node listens where the product looks for it, and keeps its data there', () => {
  const [node] = layout.nodes;

  const text = vaultConfig(node!);

  expect(text).toContain(`address         = "${new URL(node!.address).host}"`);
  expect(text).toContain(`api_addr      = "${node!.address}"`);
  expect(text).toContain(`cluster_address = "${node!.clusterAddress}"`);
  expect(text).toContain(`path    = "${node!.dataDir}"`);
});

test('no port is given away twice', () => {
  const { nodes, temporal, objectStore } = layOut('/srv/lab', '/dev/shm/lab', PORTS, 7);

  const ports = [
    ...nodes.flatMap((node) => [Number(new URL(node.address).port), Number(node.clusterAddress.split(':')[1])]),
    temporal.port,
    temporal.uiPort,
    temporal.httpPort,
    temporal.metricsPort,
    ...Object.values(objectStore.ports),
  ];

  expect(new Set(ports).size).toBe(ports.length);
  expect(ports.every((port) => PORTS.includes(port))).toBe(true);
});

test('more nodes than there are ports for are refused', () => {
  expect(() => layOut('/srv/lab', '/dev/shm/lab', PORTS.slice(0, 10), 5)).toThrow(/10 ports are too few/);
});
