import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterConfig, NodeConfig } from '../../src/config/schema';
import type { VaultReach } from '../../src/contract/host';
import { createAuthority, issueClientCertificate, issueServerCertificate } from '../../src/lab/certificates';
import { readServerConfig } from '../../src/vault/config/vault-config';
import { connectLocally } from '../../src/vault/connect-node';
import { checkReach } from '../../src/vault/reach/check-reach';
import { agentHost } from '../support/agent-host';
import { pem } from '../support/certificates';
import { startForwardProxy } from '../support/forward-proxy';
import { bootstrap, eventually, freePort, startVaultNode, type VaultNode } from '../support/vault-node';

/** One real Vault with a listener of each kind. What its agent knows of them is said by each case. */
let directory: string;
const inTest = (...names: string[]) => join(directory, ...names);
let vault: VaultNode;
let other: VaultNode;
let ports: Record<'loopback' | 'clear' | 'mutual', number>;

interface Case {
  address?: string;
  localAddress?: string;
  /** In the configuration that the agent reads; null where there is none. */
  listener?: object | null;
  tls?: ClusterConfig['tls'];
  service?: 'running' | 'stopped';
}

beforeAll(async () => {
  const authority = await createAuthority('Vault CA');
  const stranger = await createAuthority('Another CA');
  directory = await mkdtemp(join(tmpdir(), 'vault-dr-reach-'));
  const names = { dns: ['vault-1.example.com'], ip: ['127.0.0.1'] } as { dns: [string]; ip: string[] };
  const past = { notBefore: new Date(Date.now() - 172_800_000), notAfter: new Date(Date.now() - 86_400_000) };
  const certificates = {
    server: await issueServerCertificate(authority, names),
    client: await issueClientCertificate(authority, 'vault-dr'),
    expired: await issueClientCertificate(authority, 'vault-dr', past),
    foreign: await issueClientCertificate(stranger, 'vault-dr'),
  };
  for (const [name, { certificate, privateKey }] of Object.entries(certificates)) {
    await writeFile(inTest(`${name}.pem`), certificate);
    await writeFile(inTest(`${name}.key`), pem(privateKey), { mode: 0o600 });
  }
  await writeFile(inTest('ca.pem'), authority.certificate);
  await writeFile(inTest('another-ca.pem'), stranger.certificate);
  const { certificate: certPem, privateKey } = certificates.server;
  const server = { certPem, keyPem: pem(privateKey) };
  ports = { loopback: await freePort(), clear: await freePort(), mutual: await freePort() };
  vault = await startVaultNode('vault-1', server, undefined, {}, [
    { tcp: elsewhere() },
    { tcp: clear() },
    { tcp: mutual() },
    { unix: { address: inTest('vault.sock') } },
  ]);
  other = await startVaultNode('vault-2', server);
  const caPem = authority.certificate;
  await eventually('an answer', () => vault.client({ caPem }).sealStatus());
  // The other one is a cluster of its own.
  await bootstrap(other.client({ caPem }), { secretShares: 1, secretThreshold: 1 });
}, 60_000);

afterAll(async () => {
  await vault.stop();
  await other.stop();
  await rm(directory, { recursive: true });
});

const files = () => ({ tls_cert_file: inTest('server.pem'), tls_key_file: inTest('server.key') });
/** Stands for any address but 127.0.0.1. */
const elsewhere = () => ({ address: `127.0.0.2:${ports.loopback}`, ...files() });
const clear = () => ({ address: `127.0.0.1:${ports.clear}`, tls_disable: true });
const mutual = () => ({
  address: `127.0.0.1:${ports.mutual}`,
  ...files(),
  tls_require_and_verify_client_cert: 'true',
  tls_client_ca_file: inTest('ca.pem'),
});

async function check({ address, localAddress, listener = null, tls, service = 'running' }: Case): Promise<VaultReach> {
  const file = inTest('vault.json');
  await writeFile(file, JSON.stringify(listener === null ? {} : { listener }));
  const { cluster: base, node: plain } = agentHost(inTest).deps;
  const node: NodeConfig = {
    ...plain,
    address: address ?? vault.address,
    ...(localAddress === undefined ? {} : { localAddress }),
    configFiles: [file],
  };
  const cluster: ClusterConfig = { ...base, tls: { caFile: inTest('ca.pem'), ...tls } };
  const tried = await connectLocally(cluster, node)
    .then((client) => client.sealStatus())
    .catch((error: Error) => error);
  return checkReach({ cluster, node, server: await readServerConfig(node.configFiles), service, tried });
}

const shown = (name: string) => ({ certificateFile: inTest(`${name}.pem`), key: { file: inTest(`${name}.key`) } });
const own = () => ({ tcp: { address: vault.address.replace('https://', ''), ...files() } });
const elsewhereUrl = () => `https://127.0.0.2:${ports.loopback}`;
const clearUrl = () => `http://127.0.0.1:${ports.clear}`;
const mutualUrl = () => `https://127.0.0.1:${ports.mutual}`;

it.each<[string, () => Case, () => string]>([
  ['on another address than the loopback', () => ({ listener: { tcp: elsewhere() } }), elsewhereUrl],
  ['without TLS', () => ({ listener: { tcp: clear() } }), clearUrl],
  [
    'on a socket alone',
    () => ({ listener: { unix: { address: inTest('vault.sock') } } }),
    () => `unix://${inTest('vault.sock')}`,
  ],
  ['for who shows a certificate', () => ({ listener: { tcp: mutual() }, tls: shown('client') }), mutualUrl],
  [
    'where `localAddress` says, as a number',
    () => ({ localAddress: clearUrl().replace('127.0.0.1', '2130706433') }),
    () => clearUrl().replace('127.0.0.1', '2130706433'),
  ],
])('a Vault that listens %s is found by itself and answers', async (_where, given, address) => {
  expect(await check(given())).toEqual({ address: address(), problem: null, unchecked: null });
});

it.each<[string, () => Case, () => string]>([
  [
    'nobody listens where it is asked, though its configuration is not known',
    () => ({ localAddress: `https://127.0.0.2:${new URL(vault.address).port}` }),
    () => `but does from ${vault.address}: set \`localAddress: ${vault.address}\` for this node`,
  ],
  [
    'nobody listens where it is asked, by its configuration',
    () => ({ localAddress: `https://127.0.0.2:${new URL(vault.address).port}`, listener: own() }),
    () => `set \`localAddress: ${vault.address}\` for this node`,
  ],
  [
    'its listener speaks no TLS',
    () => ({ localAddress: clearUrl().replace('http:', 'https:'), listener: { tcp: clear() } }),
    () => `has tls_disable set, so it does not use TLS: set \`localAddress: ${clearUrl()}\``,
  ],
  [
    'its listener requires TLS',
    () => ({ localAddress: vault.address.replace('https:', 'http:'), listener: own() }),
    () => `requires TLS: set \`localAddress: ${vault.address}\``,
  ],
  [
    'its certificate does not name the host of its address',
    () => ({ address: vault.address.replace('127.0.0.1', 'localhost'), listener: own() }),
    () => 'ERR_TLS_CERT_ALTNAME_INVALID',
  ],
  [
    'its certificate is of another authority',
    () => ({ tls: { caFile: inTest('another-ca.pem') } }),
    () => 'Check that tls.caFile',
  ],
  [
    'it wants a certificate, and none is configured',
    () => ({ listener: { tcp: mutual() } }),
    () => 'requires a client certificate (tls_require_and_verify_client_cert), and none is configured',
  ],
  [
    'it wants a certificate, and ours has expired',
    () => ({ localAddress: mutualUrl(), tls: shown('expired') }),
    () => 'or renew the certificate',
  ],
  [
    'it wants a certificate, and ours is a stranger to it',
    () => ({ localAddress: mutualUrl(), tls: shown('foreign') }),
    () => 'issued by its tls_client_ca_file',
  ],
  [
    'another Vault answers',
    () => ({ localAddress: other.address }),
    () => `another Vault answers than at ${vault.address}`,
  ],
  [
    'its service is stopped, and something answers all the same',
    () => ({ listener: own(), service: 'stopped' as const }),
    () => `something listens on ${vault.address}, although the service of this node is stopped`,
  ],
  [
    'it will listen elsewhere once it is restarted',
    () => ({ localAddress: vault.address, listener: { tcp: clear() } }),
    () => `it answers now, but not after a restart: its agent uses`,
  ],
])('what is wrong is said: %s', async (_what, given, expected) => {
  expect((await check(given())).problem).toContain(expected());
});

/** Nobody listens there: as when Vault is stopped, or the host is new. */
const silent = { address: '127.0.0.3:8200' };

it.each<[string, () => Case, () => Partial<VaultReach>]>([
  [
    'all is well',
    () => ({ listener: { tcp: { ...silent, ...files() } }, tls: shown('client') }),
    () => ({ problem: null, unchecked: null }),
  ],
  [
    'its certificate will not name the host of its address',
    () => ({ address: 'https://vault-9.example.com:8200', listener: { tcp: { ...silent, ...files() } } }),
    () => ({
      problem: expect.stringContaining(
        'names vault-1.example.com, 127.0.0.1, but not vault-9.example.com, the host in `address`',
      ),
    }),
  ],
  [
    'its certificate has expired',
    () => ({ listener: { tcp: { ...silent, tls_cert_file: inTest('expired.pem') } } }),
    () => ({ problem: expect.stringMatching(/expired\.pem, has expired on .*: renew it/) }),
  ],
  [
    'its certificate is of another authority',
    () => ({ listener: { tcp: { ...silent, ...files() } }, tls: { caFile: inTest('another-ca.pem') } }),
    () => ({ problem: expect.stringContaining('was not issued by a CA in tls.caFile') }),
  ],
  [
    'its certificate can not be read',
    () => ({ listener: { tcp: { ...silent, tls_cert_file: inTest('none.pem') } } }),
    () => ({ problem: null, unchecked: expect.stringContaining('none.pem is a certificate for 127.0.0.1') }),
  ],
  [
    'it will take our certificate',
    () => ({ listener: { tcp: { ...mutual(), ...silent } }, tls: shown('client') }),
    () => ({ problem: null, unchecked: null }),
  ],
  [
    'our certificate has expired',
    () => ({ listener: { tcp: { ...mutual(), ...silent } }, tls: shown('expired') }),
    () => ({ problem: expect.stringMatching(/tls\.certificateFile has expired on/) }),
  ],
  [
    'our certificate is a stranger to it',
    () => ({ listener: { tcp: { ...mutual(), ...silent } }, tls: shown('foreign') }),
    () => ({ problem: expect.stringContaining('was not') }),
  ],
  [
    'our key is that of another certificate',
    () => ({
      listener: { tcp: { ...mutual(), ...silent } },
      tls: { ...shown('client'), key: { file: inTest('foreign.key') } },
    }),
    () => ({
      problem: expect.stringContaining('Check that tls.key is the key of the certificate in tls.certificateFile'),
    }),
  ],
  [
    "its accepted certificates can't be determined",
    () => ({
      listener: { tcp: { ...mutual(), ...silent, tls_client_ca_file: inTest('none.pem') } },
      tls: shown('client'),
    }),
    () => ({ problem: null, unchecked: 'whether its listener accepts the configured client certificate' }),
  ],
])('of a stopped Vault is evaluated from its files: %s', async (_what, given, expected) => {
  expect(await check({ service: 'stopped', ...given() })).toMatchObject(expected());
});

it('is never asked through a proxy', async () => {
  const proxy = await startForwardProxy();
  const before = { ...process.env };
  try {
    for (const name of ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY']) {
      process.env[name] = proxy.url;
    }
    const address = `https://${hostname()}:1`;

    expect(await check({ localAddress: elsewhereUrl() })).toMatchObject({ problem: null });
    expect(await check({ listener: { unix: { address: inTest('vault.sock') } } })).toMatchObject({ problem: null });
    expect(await check({ address, localAddress: address })).toMatchObject({ unchecked: expect.any(String) });
    expect(proxy.asked).toEqual([]);
  } finally {
    process.env = before;
    await proxy.stop();
  }
});

it('a key that everybody on the host can read is not used', async () => {
  await writeFile(inTest('open.pem'), '');
  await writeFile(inTest('open.key'), '');
  await chmod(inTest('open.key'), 0o644);

  const { problem } = await check({
    listener: { tcp: { ...mutual(), ...silent } },
    tls: shown('open'),
    service: 'stopped',
  });

  expect(problem).toContain(`tls.key ${inTest('open.key')} is readable by every user of this host. chmod 0600`);
});
