import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { inspect } from 'node:util';
import { readServerConfig } from '../../../../src/vault/config/vault-config';
import { useDirectory } from '../../../support/temporary';

const path = useDirectory();
const readVaultConfig = async (files: readonly string[]) => (await readServerConfig(files))?.facts ?? null;

async function write(files: Record<string, string>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(path(name)), { recursive: true });
    await writeFile(path(name), content);
  }
}

const HCL = `
ui            = true
disable_mlock = true
storage "raft" {
  path    = "/opt/vault/data"
  node_id = "vault-1"
  retry_join { leader_api_addr = "https://vault-2:8200" }
  retry_join { leader_api_addr = "https://vault-3:8200" }
}
listener "tcp" {
  address              = "0.0.0.0:8200"
  http_read_timeout    = "10m"
  max_request_duration = 90
}
listener "unix" { address = "/run/vault.sock" }
`;

const LISTENER = { type: 'tcp', address: '0.0.0.0:8200', httpReadTimeoutMs: null, maxRequestDurationMs: null };

test('reads HCL', async () => {
  await write({ 'vault.hcl': HCL });
  expect(await readVaultConfig([path('vault.hcl')])).toEqual({
    storage: { type: 'raft', path: '/opt/vault/data', nodeId: 'vault-1' },
    seal: null,
    listeners: [
      { type: 'tcp', address: '0.0.0.0:8200', httpReadTimeoutMs: 600_000, maxRequestDurationMs: 90_000 },
      { type: 'unix', address: '/run/vault.sock', httpReadTimeoutMs: null, maxRequestDurationMs: null },
    ],
    disableMlock: true,
    problems: [],
  });
});

test.each([
  ['objects', { tcp: { address: '0.0.0.0:8200' } }],
  ['lists', [{ tcp: [{ address: '0.0.0.0:8200' }] }]],
])('reads JSON with %s', async (_form, listener) => {
  const storage = { raft: { path: '/data', performance_multiplier: 1, retry_join: [{ leader_api_addr: 'x' }] } };
  await write({ 'vault.json': JSON.stringify({ listener, storage, seal: { awskms: { kms_key_id: 'alias/a' } } }) });
  expect(await readVaultConfig([path('vault.json')])).toEqual({
    storage: { type: 'raft', path: '/data', nodeId: null },
    seal: { type: 'awskms', settings: { kms_key_id: 'alias/a' } },
    listeners: [LISTENER],
    disableMlock: null,
    problems: [],
  });
});

test('merges a directory as Vault does, and leaves alone what is no server configuration', async () => {
  await write({
    'etc/10-base.hcl': 'listener "tcp" { address = "127.0.0.1:1" }\ndisable_mlock = false',
    'etc/20-raft.hcl':
      'storage "raft" { path = "/new" }\nlistener "tcp" { address = "0.0.0.0:8200" }\ndisable_mlock = "true"',
    'etc/policy.hcl': 'path "secret/*" { capabilities = ["read"] }',
    'etc/agent.hcl': 'auto_auth { }\nlistener "tcp" { address = "127.0.0.1:8100" }',
    'etc/.#20-raft.hcl': 'storage "raft" { path = "/draft" }',
    'etc/vault.hcl.bak': 'storage "raft" { path = "/backup" }',
    'etc/old/vault.hcl': 'storage "raft" { path = "/older" }',
    'etc/tls/vault.key': 'PRIVATE',
  });
  await symlink(path('etc/20-raft.hcl'), path('etc/30-again.hcl'));
  expect(await readVaultConfig([path('etc'), path('etc/20-raft.hcl')])).toMatchObject({
    storage: { type: 'raft', path: '/new' },
    // In the order in which the file system has them, as Vault reads them.
    listeners: expect.arrayContaining([
      expect.objectContaining({ address: '127.0.0.1:1' }),
      expect.objectContaining({ address: '0.0.0.0:8200' }),
    ]) as unknown,
    disableMlock: true,
    problems: [],
  });
});

test('answers with null when there is none', async () => {
  await write({ 'etc/policy.hcl': 'path "secret/*" { }', 'etc/vault.env': 'VAULT_TOKEN=x' });
  expect(await readVaultConfig([path('etc')])).toBeNull();
  expect(await readVaultConfig([])).toBeNull();
});

test('says which files it can not read or understand', async () => {
  await write({ 'etc/bad.hcl': 'seal "transit" { token = "hvs.secret' });
  const config = await readVaultConfig([path('etc'), path('missing.hcl')]);
  expect(config).toMatchObject({ storage: null, seal: null, listeners: [] });
  expect(config?.problems).toEqual([
    `${path('missing.hcl')} can't be read (ENOENT)`,
    `${path('etc/bad.hcl')} can't be parsed: a string is not terminated on line 1`,
  ]);
});

describe('of the seals', () => {
  test('the disabled one is left out', async () => {
    await write({
      'vault.hcl':
        'seal "awskms" {\n  disabled = "true"\n  region = "a"\n}\nseal "transit" { key_name = "autounseal" }',
    });
    expect((await readVaultConfig([path('vault.hcl')]))?.seal).toEqual({
      type: 'transit',
      settings: { key_name: 'autounseal' },
    });
    await write({ 'vault.hcl': 'seal "awskms" {\n  disabled = true\n}' });
    expect((await readVaultConfig([path('vault.hcl')]))?.seal).toBeNull();
  });

  test('the one that goes first counts', async () => {
    await write({ 'vault.hcl': 'seal "awskms" { priority = "2" }\nseal "gcpckms" { priority = 1 }' });
    expect((await readVaultConfig([path('vault.hcl')]))?.seal?.type).toBe('gcpckms');
  });

  test('no secret comes out unasked', async () => {
    await write({
      'vault.hcl': `seal "transit" {
        address         = "https://user:hvs.secret1@vault.example:8200"
        token           = "hvs.secret2"
        key_name        = "autounseal"
        mount_path      = "transit/"
        tls_client_key  = "/etc/secret3.key"
        secret_key      = "secret4"
        pin             = "secret5"
        whatever_is_new = "secret6"
      }`,
    });
    const server = await readServerConfig([path('vault.hcl')]);
    expect(server?.facts.seal).toEqual({
      type: 'transit',
      settings: { address: 'https://vault.example:8200', key_name: 'autounseal', mount_path: 'transit/' },
    });
    expect(JSON.stringify(server) + inspect(server, { depth: 10, showHidden: true })).not.toContain('secret');
    expect(server?.seal?.get('token')).toBe('hvs.secret2');
  });
});

test.each([
  ['none', '', null],
  ['zero, which Vault overlooks', 'http_read_timeout = "0"', null],
  ['what is no duration', 'http_read_timeout = "soon"', null],
  ['seconds', 'http_read_timeout = "3600"', 3_600_000],
])('a read timeout: %s', async (_which, line, expected) => {
  await write({ 'vault.hcl': `listener "tcp" {\n${line}\n}` });
  expect((await readVaultConfig([path('vault.hcl')]))?.listeners).toMatchObject([{ httpReadTimeoutMs: expected }]);
});

test('a listener has the duration that is set for all', async () => {
  await write({
    'vault.hcl':
      'default_max_request_duration = "5m"\nlistener "tcp" { }\nlistener "tcp" { max_request_duration = "1h" }',
  });
  const listeners = (await readVaultConfig([path('vault.hcl')]))?.listeners;
  expect(listeners?.map(({ maxRequestDurationMs }) => maxRequestDurationMs)).toEqual([300_000, 3_600_000]);
});

test.each([
  ['Vault 2.0', 'enable_unauthenticated_access = ["rekey", "generate-root"]', true],
  ['OpenBao', 'listener "tcp" { disable_unauthed_generate_root_endpoints = false }', true],
  ['neither', 'enable_unauthenticated_access = ["rekey"]', undefined],
  ['OpenBao, closed', 'listener "tcp" { disable_unauthed_generate_root_endpoints = true }', undefined],
])('of %s it is known whether keys alone make a root token', async (_product, line, allowed) => {
  await write({ 'vault.hcl': `storage "raft" { path = "/opt/vault/data" }\n${line}\n` });

  expect((await readVaultConfig([path('vault.hcl')]))?.rootTokenByKeys).toBe(allowed);
});

describe('where it is known how Vault is started', () => {
  const started = (paths: string[], environment: Record<string, string> = {}) => ({
    paths,
    environment,
    environmentKnown: true,
    unknown: [],
  });

  test('a file of any name counts, those of several in their order, and what is beside them does not', async () => {
    await write({
      'one.conf': 'storage "raft" { path = "/one" }',
      'etc/two.json': '{"storage": {"raft": {"path": "/two"}}}',
      'etc/other.hcl': 'disable_mlock = true',
      'vault.hcl': 'storage "raft" { path = "/unused" }',
    });

    const both = await readServerConfig([path('vault.hcl')], started([path('one.conf'), path('etc')]));
    const turned = await readServerConfig([], started([path('etc'), path('one.conf')]));

    expect(both?.facts).toMatchObject({ storage: { path: '/two' }, disableMlock: true, problems: [] });
    expect(turned?.facts.storage?.path).toBe('/one');
  });

  test('the environment goes before the files', async () => {
    await write({
      'vault.hcl': 'storage "raft" { path = "/file" node_id = "file" }\nseal "awskms" { kms_key_id = "k" }',
    });

    const server = await readServerConfig(
      [],
      started([path('vault.hcl')], { VAULT_RAFT_PATH: '/env', BAO_RAFT_NODE_ID: 'env', VAULT_SEAL_TYPE: 'transit' }),
    );

    expect(server?.facts).toMatchObject({
      storage: { type: 'raft', path: '/env', nodeId: 'env' },
      seal: { type: 'transit', settings: { kms_key_id: 'k' } },
    });
  });

  test('a seal may be in the environment alone', async () => {
    await write({ 'vault.hcl': 'storage "raft" { path = "/data" }' });

    const server = await readServerConfig([], started([path('vault.hcl')], { VAULT_SEAL_TYPE: 'awskms' }));

    expect(server?.facts.seal).toEqual({ type: 'awskms', settings: {} });
  });

  test('what is not here, as in a container, is said, and configFiles count', async () => {
    await write({ 'vault.hcl': 'storage "raft" { path = "/data" }' });

    const server = await readServerConfig([path('vault.hcl')], started([path('container/vault.hcl')]));

    expect(server?.facts).toMatchObject({
      storage: { path: '/data' },
      problems: [`${path('container/vault.hcl')}, which its service starts Vault with, does not exist`],
    });
  });
});
