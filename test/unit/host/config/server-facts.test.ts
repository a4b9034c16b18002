import { createHash } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import type { HostedNode } from '../../../../src/config/schema';
import { isSamePlace, leftOutFiles, serverFacts } from '../../../../src/host/config/server-facts';
import { UNKNOWN_START } from '../../../../src/vault/config/server-start';
import { readServerConfig } from '../../../../src/vault/config/vault-config';
import { useDirectory } from '../../../support/temporary';

const path = useDirectory();
const HASH_OF_X = createHash('sha256').update('x').digest('hex');
const NODES = [
  { name: 'vault-1', address: 'https://127.0.0.1:8200', clusterAddress: '127.0.0.1:8201' },
  { name: 'vault-2', address: 'https://vault-2.example.com:8200', clusterAddress: '10.0.0.2:8201' },
];

async function factsOf(config: string, start = { ...UNKNOWN_START, environmentKnown: true }) {
  await mkdir(path('data'), { recursive: true });
  await writeFile(path('vault.hcl'), config);
  const node = { ...NODES[0], dataDir: path('data'), configFiles: [path('vault.hcl')] } as unknown as HostedNode;
  const server = (await readServerConfig(node.configFiles, start))!;
  return {
    details: (await serverFacts(server, start, node, NODES)).server!,
    leftOut: await leftOutFiles(server, start, node),
  };
}

it('takes a directory for the same by whatever name', async () => {
  await mkdir(path('data'), { recursive: true });
  await symlink(path('data'), path('link'));

  for (const name of [`${path('data')}/`, `${path('.')}/./data`, path('link'), `${path('link')}/../data`]) {
    expect([name, await isSamePlace(name, path('data'))]).toEqual([name, true]);
  }
  expect(await isSamePlace(`${path('link')}/not/there`, `${path('data')}/not/there`)).toBe(true);
  expect(await isSamePlace(path('data'), path('other'))).toBe(false);
});

it.each([
  ['cluster_addr = "https://10.0.0.1:8201"', '10.0.0.1:8201'],
  ['cluster_addr = "https://[2001:db8::1]:8201"', '[2001:db8::1]:8201'],
  ['cluster_addr = "https://{{ GetPrivateIP }}:8201"', null],
  ['cluster_addr = "10.0.0.1:8201"', null],
  ['', null],
])('says by which address the others know it: %s', async (line, address) => {
  expect((await factsOf(`storage "raft" {}\n${line}`)).details.clusterAddress).toBe(address);
});

it('takes the address of the environment before that of the file', async () => {
  const start = {
    ...UNKNOWN_START,
    environmentKnown: true,
    environment: { VAULT_CLUSTER_ADDR: 'https://10.0.0.2:8201' },
  };

  expect(
    (await factsOf('storage "raft" {}\ncluster_addr = "https://10.0.0.1:8201"', start)).details.clusterAddress,
  ).toBe('10.0.0.2:8201');
});

it('says of each retry_join which node it leads to', async () => {
  const { details } = await factsOf(`
    storage "raft" {
      path = "${path('data')}/"
      retry_join { leader_api_addr = "https://VAULT-2.example.com:8200/" }
      retry_join { leader_api_addr = "https://10.0.0.2:8200" }
      retry_join { leader_api_addr = "https://localhost:8200" }
      retry_join { leader_api_addr = "https://10.0.0.2:9200" }
      retry_join { leader_api_addr = "https://me:secret@192.0.2.7:8200" }
      retry_join { auto_join = "provider=aws tag_key=vault secret_access_key=secret" }
    }`);

  expect(details.ownDataDir).toBe(true);
  expect(details.retryJoin.map(({ node }) => node)).toEqual(['vault-2', 'vault-2', 'vault-1', null, null, null]);
  expect(details.retryJoin.slice(4)).toMatchObject([
    { text: 'leader_api_addr = "https://192.0.2.7:8200"', file: path('vault.hcl') },
    { text: 'auto_join = "provider=aws …"' },
  ]);
  expect(JSON.stringify(details)).not.toContain('secret');
});

it('finds what Vault needs and is not there, and what no backup would have', async () => {
  await mkdir(path('tls'), { recursive: true });
  await mkdir(path('plugins'), { recursive: true });
  for (const file of ['tls/vault.pem', 'plugins/oracle', 'unseal.key', 'tls/ca.pem']) await writeFile(path(file), 'x');

  const { details, leftOut } = await factsOf(`
    plugin_directory = "${path('plugins')}"
    pid_file = "${path('unseal.key')}"
    license_path = "${path('vault.hclic')}"
    storage "raft" {
      path = "${path('data')}"
      retry_join { leader_api_addr = "https://vault-2.example.com:8200" leader_ca_cert_file = "${path('tls/ca.pem')}" }
    }
    listener "tcp" { tls_cert_file = "${path('tls/vault.pem')}" tls_key_file = "${path('tls/vault.key')}" }
    seal "static" { current_key_id = "one" current_key = "file://${path('unseal.key')}" }`);

  expect(details).toMatchObject({
    seals: ['static'],
    missing: [
      { path: path('tls/vault.key'), setting: 'tls_key_file' },
      { path: path('vault.hclic'), setting: 'license_path' },
    ],
    plugins: { directory: path('plugins'), files: ['oracle'], sha256: [HASH_OF_X], unhashed: 0 },
  });
  expect(leftOut).toEqual([
    `${path('tls/ca.pem')}, named in Vault's configuration (leader_ca_cert_file), is not under configFiles`,
    `${path('tls/vault.pem')}, named in Vault's configuration (tls_cert_file), is not under configFiles`,
    `${path('unseal.key')}, named in Vault's configuration (current_key), is not under configFiles`,
  ]);
});

it('names the file with an initialize stanza', async () => {
  const config = 'initialize "first" { request "enable" { operation = "update" } }\nstorage "raft" { }';

  expect((await factsOf(config)).details).toMatchObject({ initialize: path('vault.hcl'), plugins: null });
  expect((await factsOf('storage "raft" { }')).details.initialize).toBeNull();
});
