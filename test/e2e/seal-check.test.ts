import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { patient } from '../../src/lab/processes';
import { readRaftStorage } from '../../src/vault/storage/raft-storage';
import { checkSealAccess, type SealAccess } from '../../src/vault/config/seal-check';
import { readServerConfig } from '../../src/vault/config/vault-config';
import { explainLog } from '../../src/vault/errors/error-dictionary';
import { certificatesFor } from '../support/certificates';
import { useDirectory } from '../support/temporary';
import { bootstrap, eventually, startVaultNode, type VaultNode } from '../support/vault-node';

const SHARES = { secretShares: 1, secretThreshold: 1 };
const path = useDirectory();
let transit: VaultNode;
let root: string;
let unsealKey: string;

beforeAll(async () => {
  transit = await startVaultNode('transit');
  const { rootToken, keys } = await bootstrap(transit.client(), SHARES);
  [root, unsealKey] = [rootToken, keys[0] ?? ''];
  const client = transit.client({ token: root });
  await client.write('sys/mounts/transit', { type: 'transit' });
  await client.write('transit/keys/autounseal');
}, 60_000);
afterAll(() => transit?.stop());

/** The least that a seal's token may do; with `create` it could make keys. */
async function tokenFor(capabilities: string[], paths = ['encrypt', 'decrypt']): Promise<string> {
  const client = transit.client({ token: root });
  const rules = paths.map((verb) => `path "transit/${verb}/*" { capabilities = ${JSON.stringify(capabilities)} }`);
  await client.write('sys/policies/acl/seal', { policy: rules.join('\n') });
  const created = await client.write('auth/token/create', { policies: ['seal'], no_default_policy: true });
  return (created as unknown as { auth: { client_token: string } }).auth.client_token;
}

async function check(
  settings: Record<string, string>,
  { type = 'transit', env = {} }: { type?: string; env?: Record<string, string> | null } = {},
): Promise<SealAccess> {
  const all = { address: transit.address, mount_path: 'transit/', key_name: 'autounseal', ...settings };
  await writeFile(path('vault.json'), JSON.stringify({ seal: { [type]: all } }));
  const server = await readServerConfig([path('vault.json')]);
  if (!server) throw new Error('No configuration.');
  return checkSealAccess(server, env);
}

const refused = (problem: string): object => ({ checked: true, problem: expect.stringContaining(problem) as string });

test('finds the key usable with the token of the stanza, or with that of the service', async () => {
  const token = await tokenFor(['update']);
  expect(await check({ token })).toEqual({ checked: true, problem: null });
  expect(await check({}, { env: { VAULT_TOKEN: token } })).toEqual({ checked: true, problem: null });
  expect(await check({ token }, { env: { VAULT_TOKEN: 'hvs.other' } })).toEqual({ checked: true, problem: null });
});

test('takes the token from where the stanza says that it is, as Vault does', async () => {
  const token = await tokenFor(['update']);
  const usable = { checked: true, problem: null };
  await writeFile(path('token'), token);
  await writeFile(path('token-and-line-end'), `${token}\n`);
  expect(await check({ token: `file://${path('token')}` })).toEqual(usable);
  expect(await check({ token: 'env://SEAL_TOKEN' }, { env: { SEAL_TOKEN: token } })).toEqual(usable);
  expect(await check({ token: `string://${token}` })).toEqual(usable);
  expect((await check({ token: `file://${path('token-and-line-end')}` })).problem).not.toBeNull();
  const missing = await check({ token: 'file:///missing/token' });
  expect(missing).toEqual(refused("The token file of the transit seal can't be read (ENOENT)."));
});

test('holds nothing against a seal whose settings only an unknown environment may have', async () => {
  const token = await tokenFor(['update']);
  const unchecked = { checked: false, problem: null };
  expect(await check({ token }, { env: null })).toEqual({ checked: true, problem: null });
  expect(await check({}, { env: null })).toEqual(unchecked);
  expect(await check({ token: 'env://SEAL_TOKEN' }, { env: null })).toEqual(unchecked);
  expect(await check({ token, key_name: '' }, { env: null })).toEqual(unchecked);
  expect(await check({ token, address: 'https://127.0.0.1:1' }, { env: null })).toEqual(unchecked);
  expect(await check({ token, key_name: 'missing' }, { env: null })).toEqual(refused('There is no key missing'));
});

test('takes key and mount of the environment before those of the stanza, as Vault does', async () => {
  const env = { VAULT_TRANSIT_SEAL_KEY_NAME: 'autounseal', VAULT_TRANSIT_SEAL_MOUNT_PATH: 'transit' };
  expect(await check({ token: root, key_name: 'none', mount_path: 'none' }, { env })).toEqual({
    checked: true,
    problem: null,
  });
});

test('does not make a key that is missing, though it could', async () => {
  const token = await tokenFor(['create', 'update']);
  expect(await check({ token, key_name: 'missing' })).toEqual(refused('There is no key missing in transit'));
  expect(await transit.client({ token: root }).read('transit/keys/missing')).toBeNull();
});

test.each([
  ['a token that is not known', { token: 'hvs.unknown' }, 'The token of the transit seal was refused'],
  ['no token', {}, 'The token of the transit seal was refused'],
  ['a mount that is not there', { mount_path: 'nothing' }, 'There is no transit engine at nothing'],
  ['no key name', { key_name: '' }, 'no key_name'],
  ['no address', { address: '' }, 'has no address'],
  ['an address that is none', { address: 'vault' }, 'is not a URL'],
  [
    'a CA file that is not there',
    { tls_ca_cert: '/missing/ca.pem' },
    "TLS file of the transit seal can't be read (ENOENT)",
  ],
] as [string, Record<string, string>, string][])('says of %s what is wrong', async (_what, settings, problem) => {
  const token: Record<string, string> = problem.includes('token') ? {} : { token: root };
  expect(await check({ ...token, ...settings })).toEqual(refused(problem));
});

test.each([
  ['encrypt', ['decrypt']],
  ['decrypt', ['encrypt']],
])('notices a token that may not %s', async (_verb, allowed) => {
  const token = await tokenFor(['update'], allowed);
  const access = await check({ token });
  expect(access).toEqual(refused('may not encrypt and decrypt with transit/autounseal'));
  expect(access.problem).not.toContain(token);
});

test('notices a Vault that does not answer, and waits 5 seconds at most', async () => {
  expect(await check({ address: 'http://127.0.0.1:1' })).toEqual(
    refused('Vault at http://127.0.0.1:1 does not answer.'),
  );
  // No real Vault hangs on request: this one takes the connection and says nothing.
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const startedAt = Date.now();
  const address = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  expect(await check({ address })).toEqual(refused(`Vault at ${address} does not answer`));
  expect(Date.now() - startedAt).toBeLessThan(patient(7_000));
  silent.close();
}, 15_000);

test('trusts the certificate that the stanza says, and no other', async () => {
  const { caPem, ...tls } = await certificatesFor('vault-1.example.com');
  const node = await startVaultNode('transit-tls', tls);
  try {
    await eventually('an answer', () => node.client({ caPem, servername: 'vault-1.example.com' }).health());
    await writeFile(path('ca.pem'), caPem);
    const { address } = node;
    const name = { tls_server_name: 'vault-1.example.com' };
    const untrusted = 'has a certificate that this host does not accept';
    expect(await check({ address })).toEqual(refused(untrusted));
    expect(await check({ address, tls_ca_cert: path('ca.pem') })).toEqual(refused(untrusted));
    // A blank node answers that it is sealed: so the connection is made.
    expect(await check({ address, tls_ca_cert: path('ca.pem'), ...name })).toEqual(refused('is itself sealed'));
    expect(await check({ address, tls_skip_verify: 'true' })).toEqual(refused('is itself sealed'));
    const env = { VAULT_CACERT: path('ca.pem'), VAULT_TLS_SERVER_NAME: 'vault-1.example.com' };
    expect(await check({ address }, { env })).toEqual(refused('is itself sealed'));
    expect(await check({ address, ...name }, { env })).toEqual(refused(untrusted));
  } finally {
    await node.stop();
  }
}, 30_000);

test('checks no other seal', async () => {
  expect(await check({ region: 'eu-central-1' }, { type: 'awskms' })).toEqual({ checked: false, problem: null });
});

test('is right: with these settings Vault unseals itself, and its data directory says so', async () => {
  const seal = {
    address: transit.address,
    token: await tokenFor(['update']),
    key_name: 'autounseal',
    mount_path: 'transit/',
  };
  const node = await startVaultNode('sealed-by-transit', undefined, { transit: seal });
  try {
    const client = node.client();
    await eventually('an answer', () => client.sealStatus());
    await client.initializeAutoUnseal({ recoveryShares: 5, recoveryThreshold: 3 });
    await eventually('an active node', async () => ((await client.leader()).isSelf ? true : null));
    expect(await readRaftStorage(join(node.directory, 'data'))).toMatchObject({
      seal: { type: 'transit', secretShares: 1, secretThreshold: 1 },
      recoveryConfig: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
    });
  } finally {
    await node.stop();
  }
}, 60_000);

test('and Vault says in its log what is wrong', async () => {
  const settings = { address: 'http://127.0.0.1:1', token: 'x', key_name: 'autounseal', mount_path: 'transit' };
  const node = await startVaultNode('without-its-seal', undefined, { transit: settings });
  try {
    const [first] = await eventually('an explanation', async () => {
      const known = explainLog(await readFile(join(node.directory, 'vault.log'), 'utf8'));
      return known.length > 0 ? known : null;
    });
    expect(first?.means).toContain("can't use its seal");
  } finally {
    await node.stop();
  }
}, 30_000);

test('notices a Vault that is sealed itself', async () => {
  await transit.client({ token: root }).seal();
  try {
    expect(await check({ token: root })).toEqual(refused('is itself sealed'));
  } finally {
    await transit.client().unseal({ key: unsealKey });
    await eventually('an active node', async () => ((await transit.client().leader()).isSelf ? true : null));
  }
}, 30_000);
