import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { stringify } from 'yaml';
import { Controller } from '../../activities/controller/context';
import { parseConfig } from '../../src/config/load';
import { loginValidity } from '../../src/vault/login-validity';
import { checkCanary, writeCanary } from '../../src/vault/canary';
import type { VaultClient } from '../../src/vault/client';
import { readSnapshotArchive } from '../../src/vault/snapshot/snapshot-archive';
import { clientCertificate, certificatesFor } from '../support/certificates';
import { useDirectory } from '../support/temporary';
import { bootstrap, startVaultNode, type VaultNode } from '../support/vault-node';

const POLICY_FILE = join(__dirname, '../../docs/vault-dr-policy.hcl');
const HOST = 'localhost';
const inTest = useDirectory();

let node: VaultNode;
let caPem: string;
let root: VaultClient;

beforeAll(async () => {
  const { caPem: ca, ...tls } = await certificatesFor(HOST);
  caPem = ca;
  node = await startVaultNode('vault-1', tls);
  const { rootToken } = await bootstrap(clientWith(), { secretShares: 1, secretThreshold: 1 });
  root = clientWith(rootToken);
  await root.write('sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  await root.write('sys/mounts/plain', { type: 'kv' });
  await root.write('sys/policies/acl/vault-dr', { policy: await readFile(POLICY_FILE, 'utf8') });
  await root.write('sys/policies/acl/plain-canary', {
    policy: 'path "plain/canary" { capabilities = ["create", "update", "read"] }',
  });
}, 90_000);

afterAll(() => node.stop());

function clientWith(token?: string): VaultClient {
  return node.client({ caPem, servername: HOST, ...(token === undefined ? {} : { token }) });
}

async function tokenWith(...policies: string[]): Promise<string> {
  const answer = await root.write('auth/token/create', { policies, no_default_policy: true, no_parent: true });
  return String(answer?.auth?.['client_token']);
}

/** A controller for the node with this way of logging in. */
async function controllerWith(
  auth: object,
  address = `https://${HOST}:${new URL(node.address).port}`,
): Promise<Controller> {
  await writeFile(inTest('ca.pem'), caPem);
  const config = {
    clusters: {
      prod: {
        nodes: [
          {
            name: 'vault-1',
            address,
            clusterAddress: '127.0.0.1:1',
            dataDir: '/opt/vault/data',
            service: { driver: 'command', start: ['up'], stop: ['down'], status: ['ask'] },
          },
        ],
        tls: { caFile: inTest('ca.pem') },
        auth,
        repositories: ['local'],
        restore: { trust: 'namespace' },
      },
    },
    repositories: { local: { type: 'directory', path: inTest('repository') } },
    signing: { publicKeyFile: '/does/not/exist' },
  };
  return new Controller({ config: parseConfig(stringify(config), 'vault-dr.yaml') });
}

describe('the policy that is shipped', () => {
  it('is enough for a backup with a canary, without the default policy', async () => {
    const vault = clientWith(await tokenWith('vault-dr'));

    const canary = await writeCanary(vault, 'secret/data/vault-dr-canary');
    const { body } = await vault.snapshot();
    const summary = await readSnapshotArchive(body);

    expect(summary.keys.count).toBeGreaterThan(10);
    expect(await vault.raftConfiguration()).toHaveLength(1);
    expect(await vault.autopilotState()).toMatchObject({ healthy: true });
    await checkCanary(vault, canary, new Date());
    await vault.revokeSelf();
    await expect(vault.raftConfiguration()).rejects.toMatchObject({ code: 'PermissionDenied' });
  });

  it('gives nothing more', async () => {
    await root.write('secret/data/app/password', { data: { value: 'secret' } });
    const token = await tokenWith('vault-dr');
    const vault = clientWith(token);
    const allowed: Record<string, string[]> = {
      'sys/storage/raft/snapshot': ['read'],
      'sys/storage/raft/configuration': ['read'],
      'sys/storage/raft/autopilot/state': ['read'],
      'auth/token/revoke-self': ['update'],
      'auth/token/lookup-self': ['read'],
      'auth/approle/role/vault-dr/secret-id/lookup': ['update'],
      'secret/data/vault-dr-canary': ['create', 'read', 'update'],
      'sys/storage/raft/autopilot/configuration': ['read'],
      'sys/plugins/catalog': ['read'],
    };
    const denied = [
      'secret/data/app/password',
      'secret/metadata/',
      'secret/metadata/vault-dr-canary',
      'secret/data/vault-dr-canary/deeper',
      'sys/storage/raft/snapshot-force',
      'sys/storage/raft/remove-peer',
      'sys/policies/acl/vault-dr',
      'sys/mounts',
      'sys/plugins/catalog/secret/kv',
      'sys/seal',
      'sys/step-down',
      'sys/raw/core/keyring',
      'auth/token/create',
      'auth/approle/role/vault-dr/secret-id',
      'auth/approle/role/vault-dr/secret-id/destroy',
      'identity/entity',
    ];

    const answer = await root.write('sys/capabilities', { token, paths: [...Object.keys(allowed), ...denied] });

    for (const [path, capabilities] of Object.entries(allowed)) {
      expect({ path, capabilities: answer?.data?.[path] }).toEqual({ path, capabilities });
    }
    for (const path of denied) {
      expect({ path, capabilities: answer?.data?.[path] }).toEqual({ path, capabilities: ['deny'] });
    }
    await expect(vault.read('secret/data/app/password')).rejects.toMatchObject({ code: 'PermissionDenied' });
    await expect(vault.seal()).rejects.toMatchObject({ code: 'PermissionDenied' });
  });
});

describe('until when a login works', () => {
  beforeAll(async () => {
    await root.write('sys/auth/approle', { type: 'approle' });
    await root.write('auth/approle/role/backup', { token_policies: ['vault-dr'], token_no_default_policy: true });
  });

  const validityOf = async (auth: object) => {
    const controller = await controllerWith(auth);
    return controller.withLogin('prod', 'vault-1', (vault) =>
      loginValidity(vault, controller.config.clusters['prod']!.auth),
    );
  };
  const bySecretId = async (options: object) => {
    const made = await root.write('auth/approle/role/backup/secret-id', options);
    await writeFile(
      inTest('role-id'),
      String((await root.read('auth/approle/role/backup/role-id'))?.data?.['role_id']),
    );
    await writeFile(inTest('secret-id'), String(made?.data?.['secret_id']));
    const files = { roleId: { file: inTest('role-id') }, secretId: { file: inTest('secret-id') } };
    return validityOf({ method: 'approle', ...files });
  };
  const hoursUntil = (time: string | null) => Math.round((Date.parse(time ?? '') - Date.now()) / 3_600_000);

  it('says Vault of a secret id, with nothing but the policy that is shipped', async () => {
    const found = await bySecretId({ ttl: '3h' });

    expect(found).toMatchObject({ what: 'the secret id', problem: null });
    expect(hoursUntil(found.until)).toBe(3);
    expect(Date.parse(found.until!) - Date.parse(found.from!)).toBe(3 * 3_600_000);
  });

  it('is forever where the secret id has no end', async () => {
    expect(await bySecretId({})).toMatchObject({ until: null, problem: null });
  });

  it('is known by its uses as well: those that are left after the login that asks', async () => {
    expect(await bySecretId({ num_uses: 150 })).toMatchObject({ usesLeft: 149, problem: null });
    expect(await bySecretId({ num_uses: 1 })).toMatchObject({ usesLeft: 0, problem: null });
    expect(await bySecretId({})).not.toHaveProperty('usesLeft');
  });

  it('is unknown, with the reason, where it may not be asked', async () => {
    await root.write('auth/approle/role/backup', { token_policies: ['plain-canary'] });

    const found = await bySecretId({});

    expect(found).toMatchObject({ until: null, problem: expect.stringContaining('permission denied') });
    expect(found.problem).not.toContain(await readFile(inTest('secret-id'), 'utf8'));
  });

  it('says Vault of a token', async () => {
    const made = await root.write('auth/token/create', { policies: ['vault-dr'], ttl: '5h', no_default_policy: true });
    await writeFile(inTest('token'), String(made?.auth?.['client_token']));

    const found = await validityOf({ method: 'token', token: { file: inTest('token') } });

    expect(hoursUntil(found.until)).toBe(5);
  });
});

describe('a canary', () => {
  it.each([
    ['secret/data/vault-dr-canary', 'vault-dr'],
    ['plain/canary', 'plain-canary'],
  ])('at %s is found again, and only the one that was written', async (path, policy) => {
    const vault = clientWith(await tokenWith(policy));
    const first = await writeCanary(vault, path);
    const planned = new Date();
    await checkCanary(vault, first, planned);

    const second = await writeCanary(vault, path);

    // Written by a backup that ran after the restore had begun.
    await checkCanary(vault, first, planned);
    // Written before it began: the data is newer than what was restored.
    await expect(checkCanary(vault, first, new Date(Date.now() + 1_000))).rejects.toMatchObject({
      code: 'CopyDamaged',
      message: expect.stringContaining(`holds a canary of ${second.writtenAt}, not the one of ${first.writtenAt}`),
    });
  });

  it('that is gone, or was overwritten by something else, is reported', async () => {
    const path = 'secret/data/vault-dr-canary';
    const canary = await writeCanary(root, path);
    await root.write(path, { data: { hello: 'world' } });
    await expect(checkCanary(root, canary, new Date())).rejects.toMatchObject({
      message: expect.stringContaining('holds no canary'),
    });

    await root.remove('secret/metadata/vault-dr-canary');

    await expect(checkCanary(root, canary, new Date())).rejects.toMatchObject({ code: 'CopyDamaged' });
  });

  it('that may not be read is reported as such', async () => {
    const canary = await writeCanary(root, 'secret/data/elsewhere');

    await expect(checkCanary(clientWith(await tokenWith('vault-dr')), canary, new Date())).rejects.toMatchObject({
      code: 'PermissionDenied',
    });
  });
});

describe('a login', () => {
  let signingKey: KeyObject;
  let client: { authorityPem: string; certificatePem: string; keyPem: string };

  beforeAll(async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    signingKey = pair.privateKey;
    await root.write('sys/auth/jwt', { type: 'jwt' });
    await root.write('auth/jwt/config', {
      jwt_validation_pubkeys: [pair.publicKey.export({ type: 'spki', format: 'pem' })],
      bound_issuer: 'https://ci.example.com',
    });
    await root.write('auth/jwt/role/backup', {
      role_type: 'jwt',
      bound_audiences: ['vault'],
      user_claim: 'sub',
      token_policies: ['vault-dr'],
      token_ttl: '20m',
    });
    client = await clientCertificate('backup.example.com');
    await root.write('sys/auth/cert', { type: 'cert' });
    await root.write('auth/cert/certs/backup', {
      certificate: client.authorityPem,
      allowed_common_names: ['backup.example.com'],
      token_policies: ['vault-dr'],
      token_ttl: '20m',
    });
  });

  it('with a JWT lets in whom the role names', async () => {
    await writeFile(inTest('jwt'), jwt(signingKey));
    const controller = await controllerWith({ method: 'jwt', role: 'backup', jwt: { file: inTest('jwt') } });

    const peers = await controller.withLogin('prod', 'vault-1', (vault) => vault.raftConfiguration());

    expect(peers).toMatchObject([{ nodeId: 'vault-1' }]);
  });

  it('with a JWT of somebody else is refused, and the JWT is not shown', async () => {
    const forged = jwt(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
    await writeFile(inTest('jwt'), forged);
    const controller = await controllerWith({ method: 'jwt', role: 'backup', jwt: { file: inTest('jwt') } });

    const refused = await controller.withLogin('prod', 'vault-1', () => Promise.resolve()).catch((error) => error);

    expect(refused).toMatchObject({ code: 'AuthenticationFailed', where: 'vault-1' });
    expect(String(refused)).not.toContain(forged.split('.')[2]);
  });

  it('with a TLS certificate lets in whom the role names, and nobody without it', async () => {
    await writeFile(inTest('client.pem'), client.certificatePem);
    await writeFile(inTest('client.key'), client.keyPem);
    const auth = {
      method: 'cert',
      role: 'backup',
      certificateFile: inTest('client.pem'),
      key: { file: inTest('client.key') },
    };
    const other = await clientCertificate('eve.example.com');

    const controller = await controllerWith(auth);
    const peers = await controller.withLogin('prod', 'vault-1', (vault) => vault.raftConfiguration());

    expect(peers).toHaveLength(1);
    await writeFile(inTest('client.pem'), other.certificatePem);
    await writeFile(inTest('client.key'), other.keyPem);
    await expect(controller.withLogin('prod', 'vault-1', () => Promise.resolve())).rejects.toMatchObject({
      code: 'AuthenticationFailed',
    });
  });

  it('ends with the work, also when the work fails; a token of the operator stays', async () => {
    await root.write('auth/jwt/role/lookup', {
      role_type: 'jwt',
      bound_audiences: ['vault'],
      user_claim: 'sub',
      token_policies: ['default'],
    });
    await writeFile(inTest('jwt'), jwt(signingKey));
    const controller = await controllerWith({ method: 'jwt', role: 'lookup', jwt: { file: inTest('jwt') } });
    const accessors: string[] = [];
    const work = async (vault: VaultClient) => {
      const self = await vault.read('auth/token/lookup-self');
      accessors.push(String(self?.data?.['accessor']));
      throw new Error('the work failed');
    };
    const own = await tokenWith('vault-dr');
    await writeFile(inTest('token'), own);

    await expect(controller.withLogin('prod', 'vault-1', work)).rejects.toThrow('the work failed');
    const withToken = await controllerWith({ method: 'token', token: { file: inTest('token') } });
    await withToken.withLogin('prod', 'vault-1', (vault) => vault.raftConfiguration());

    expect(accessors).toHaveLength(1);
    await expect(root.write('auth/token/lookup-accessor', { accessor: accessors[0] })).rejects.toMatchObject({
      message: expect.stringContaining('invalid accessor'),
    });
    expect(await clientWith(own).raftConfiguration()).toHaveLength(1);
  });

  it('with a Kubernetes service account sends what Vault wants', async () => {
    // A fake: the method asks a Kubernetes API server about the token, and there is none; a minimal Vault has not even the
    // method. The request is the one of JWT with another mount, which the tests above try on a real Vault.
    const requests: { url: string; body: unknown }[] = [];
    const server = createServer((request, answer) => {
      void text(request).then((body) => {
        requests.push({ url: `${request.method} ${request.url}`, body: body === '' ? null : JSON.parse(body) });
        answer.end(request.url?.endsWith('/login') ? '{"auth":{"client_token":"hvs.kubernetes"}}' : '{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await writeFile(inTest('jwt'), 'the.service.account\n');
      const controller = await controllerWith(
        { method: 'kubernetes', mount: 'k8s/prod', role: 'vault-dr', jwt: { file: inTest('jwt') } },
        `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      );

      await controller.withLogin('prod', 'vault-1', () => Promise.resolve());

      expect(requests).toEqual([
        { url: 'POST /v1/auth/k8s/prod/login', body: { role: 'vault-dr', jwt: 'the.service.account' } },
        { url: 'POST /v1/auth/token/revoke-self', body: null },
      ]);
    } finally {
      server.close();
    }
  });
});

/** ES256, valid for a minute. */
function jwt(key: KeyObject): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { iss: 'https://ci.example.com', aud: 'vault', sub: 'backup', iat: now, nbf: now - 5, exp: now + 60 };
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const content = `${encode({ alg: 'ES256', typ: 'JWT' })}.${encode(claims)}`;
  return `${content}.${sign('sha256', Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}
