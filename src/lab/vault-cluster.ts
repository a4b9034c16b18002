import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabNode, LabSeal } from './layout';
import { waitFor } from './processes';
import { PROJECT_ROOT } from './project-root';
import { type ClientCertificate, succeeded, type VaultApi, type VaultMethod } from './vault-api';

export interface VaultKeys {
  /** Five, of which three unseal; of an auto-unseal cluster the recovery keys, which unseal nothing. */
  unsealShares: string[];
  rootToken: string;
}

export interface AppRoleCredentials {
  roleId: string;
  secretId: string;
}

const SHARES = 5;
const THRESHOLD = 3;
const TIMEOUT_MS = 60_000;
/** Seconds after which autopilot makes a new peer a voter; Vault's default is ten. */
const STABILIZATION = '1s';

interface ClusterWishes {
  caPem: string;
  /** For listeners that demand one. */
  client?: ClientCertificate;
  seal: LabSeal;
  /** Others than Raft's have no peers: what one node has initialised, all have. Default: `raft`. */
  storage?: 'raft' | 'file' | 'consul';
  joinByThemselves?: boolean;
}

/** Makes one cluster of blank, running servers. Returns when every node is unsealed and, with Raft, a voter. */
export async function formCluster(
  api: VaultApi,
  nodes: LabNode[],
  { caPem, client, seal, storage = 'raft', joinByThemselves = false }: ClusterWishes,
): Promise<VaultKeys> {
  const joining = {
    leader_ca_cert: caPem,
    ...(client && { leader_client_cert: client.certificatePem, leader_client_key: client.keyPem }),
  };
  const [first, ...others] = nodes as [LabNode, ...LabNode[]];
  await untilItAnswers(api, first);
  const keys = await initialise(api, first, seal);
  // With auto-unseal a node unseals itself.
  const giveShares = async (node: LabNode) => {
    if (seal === 'shamir') await submitShares(api, node, keys.unsealShares);
    await untilItServes(api, node);
  };
  await giveShares(first);
  if (storage !== 'raft') {
    for (const node of others) {
      await untilItHasJoined(api, node);
      await giveShares(node);
    }
    return keys;
  }
  await call(api, first, keys.rootToken, 'POST', 'sys/storage/raft/autopilot/configuration', {
    server_stabilization_time: STABILIZATION,
  });

  await Promise.all(
    others.map(async (node) => {
      await untilItAnswers(api, node);
      if (joinByThemselves) await untilItHasJoined(api, node);
      else await joinCluster(api, node, { leader_api_addr: first.address, ...joining });
      await giveShares(node);
    }),
  );
  await untilVoters(api, nodes, keys.rootToken);
  return keys;
}

async function joinCluster(api: VaultApi, node: LabNode, body: Record<string, string>): Promise<void> {
  succeeded(await api(node.address, 'POST', 'sys/storage/raft/join', { body }), `join ${node.name}`);
}

/** It accepts no share before it has received the seal configuration of the cluster. */
async function untilItHasJoined(api: VaultApi, node: LabNode): Promise<void> {
  const hasJoined = async () =>
    ((await api(node.address, 'GET', 'sys/seal-status')).body as { initialized: boolean }).initialized;
  await waitFor(`${node.name} has joined`, hasJoined, { timeoutMs: TIMEOUT_MS, logFile: node.vaultLogFile });
}

async function initialise(api: VaultApi, node: LabNode, seal: LabSeal): Promise<VaultKeys> {
  const body =
    seal === 'shamir'
      ? { secret_shares: SHARES, secret_threshold: THRESHOLD }
      : { recovery_shares: SHARES, recovery_threshold: THRESHOLD };
  const created = succeeded(await api(node.address, 'POST', 'sys/init', { body }), `initialise ${node.name}`) as {
    keys_base64: string[];
    recovery_keys_base64: string[];
    root_token: string;
  };
  return {
    unsealShares: seal === 'shamir' ? created.keys_base64 : created.recovery_keys_base64,
    rootToken: created.root_token,
  };
}

/** The setup of an operator: a KV engine to lose, and the logins of vault-dr. */
export async function furnishCluster(
  api: VaultApi,
  node: LabNode,
  rootToken: string,
): Promise<{ backup: AppRoleCredentials; restore: AppRoleCredentials }> {
  const ask = (method: VaultMethod, path: string, body?: unknown) => call(api, node, rootToken, method, path, body);
  await mountSecrets(api, node, rootToken);
  await ask('POST', 'sys/auth/approle', { type: 'approle' });
  const backup = await makeLogin(ask, 'vault-dr', ['vault-dr', 'vault-dr-step-down', 'vault-dr-remove-peer']);
  const restore = await makeLogin(ask, 'vault-dr-restore', ['vault-dr-restore']);
  return { backup, restore };
}

/** A KV engine. */
export async function mountSecrets(api: VaultApi, node: LabNode, rootToken: string): Promise<void> {
  const ask = (method: VaultMethod, path: string, body?: unknown) => call(api, node, rootToken, method, path, body);
  await ask('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  // A new one refuses writes for a moment, while it prepares itself.
  await waitFor('the KV engine accepts writes', async () => (await ask('GET', 'secret/config')) !== null, {
    timeoutMs: TIMEOUT_MS,
  });
}

/** A role with policies as the documentation gives them. */
async function makeLogin(
  ask: (method: VaultMethod, path: string, body?: unknown) => Promise<unknown>,
  name: string,
  policies: string[],
): Promise<AppRoleCredentials> {
  for (const own of policies) {
    const policy = await readFile(join(PROJECT_ROOT, `docs/${own}-policy.hcl`), 'utf8');
    await ask('PUT', `sys/policies/acl/${own}`, { policy });
  }
  await ask('POST', `auth/approle/role/${name}`, {
    token_policies: policies.join(),
    token_ttl: '20m',
    token_max_ttl: '1h',
  });
  const role = (await ask('GET', `auth/approle/role/${name}/role-id`)) as { data: { role_id: string } };
  const secret = (await ask('POST', `auth/approle/role/${name}/secret-id`)) as { data: { secret_id: string } };
  return { roleId: role.data.role_id, secretId: secret.data.secret_id };
}

async function untilItAnswers(api: VaultApi, node: LabNode): Promise<void> {
  await waitFor(
    `Vault on ${node.name} answers`,
    async () => (await api(node.address, 'GET', 'sys/seal-status')).status === 200,
    { timeoutMs: TIMEOUT_MS, logFile: node.vaultLogFile },
  );
}

async function submitShares(api: VaultApi, node: LabNode, shares: string[]): Promise<void> {
  for (const key of shares.slice(0, THRESHOLD)) {
    succeeded(await api(node.address, 'POST', 'sys/unseal', { body: { key } }), `unseal ${node.name}`);
  }
}

/** Unsealed, a node serves only when there is a leader, be it itself; one that stores in files has no other. */
async function untilItServes(api: VaultApi, node: LabNode): Promise<void> {
  await waitFor(
    `${node.name} is unsealed and has a leader`,
    async () => {
      const { body } = await api(node.address, 'GET', 'sys/leader');
      const { ha_enabled: others, leader_address: leader } = body as { ha_enabled?: boolean; leader_address?: string };
      return others === false ? (await api(node.address, 'GET', 'sys/health')).status === 200 : leader;
    },
    { timeoutMs: TIMEOUT_MS, logFile: node.vaultLogFile },
  );
}

async function untilVoters(api: VaultApi, nodes: LabNode[], token: string): Promise<void> {
  const [first] = nodes as [LabNode];
  await waitFor(
    `autopilot has ${nodes.length} healthy voters`,
    async () => {
      const state = (await call(api, first, token, 'GET', 'sys/storage/raft/autopilot/state')) as {
        data: { healthy: boolean; voters: string[] };
      };
      return state.data.healthy && state.data.voters.length === nodes.length;
    },
    { timeoutMs: TIMEOUT_MS, everyMs: 200, logFile: first.vaultLogFile },
  );
}

async function call(
  api: VaultApi,
  node: LabNode,
  token: string,
  method: VaultMethod,
  path: string,
  body?: unknown,
): Promise<unknown> {
  return succeeded(await api(node.address, method, path, { token, body }), `${method} ${path} on ${node.name}`);
}
