import { DrError, isDrError } from '../contract/failures';
import type { VaultClient } from '../vault/client';
import { POLICY } from './policy';

/** Of the policy and of the role. */
export interface AccessNames {
  role: string;
  mount: string;
}

const ROLE = { token_ttl: '20m', token_max_ttl: '1h', secret_id_ttl: 0, secret_id_num_uses: 0 };
/** What a backup asks of Vault, by path. */
const NEEDED = { raft: ['sys/storage/raft/snapshot', 'sys/storage/raft/configuration'], consul: [], filesystem: [] };

/** What is there already, and what is to be written. `differs`: it is there, is another one, and stays. */
export interface AccessPlan {
  policy: 'write' | 'keep' | 'differs';
  mount: 'enable' | 'keep';
  role: 'write' | 'keep' | 'differs';
}

/** Changes nothing. @throws DrError PermissionDenied if the token may not even ask. */
export async function planAccess(vault: VaultClient, { role, mount }: AccessNames): Promise<AccessPlan> {
  const policy = (await vault.read(`sys/policies/acl/${role}`))?.data?.['policy'];
  const mounts = (await vault.read('sys/auth'))?.data ?? {};
  const type = (mounts[`${mount}/`] as { type?: unknown } | undefined)?.type;
  if (type !== undefined && type !== 'approle') {
    throw new DrError('InvalidInput', `auth/${mount} in Vault is not an AppRole mount.`, {
      advice: 'Choose another path with --mount.',
    });
  }
  const found = type === undefined ? null : await vault.read(rolePath({ role, mount }));
  return {
    policy: policy === undefined ? 'write' : sameText(policy, POLICY) ? 'keep' : 'differs',
    mount: type === undefined ? 'enable' : 'keep',
    role: found === null ? 'write' : hasPolicy(found.data?.['token_policies'], role) ? 'keep' : 'differs',
  };
}

/** What the plan means, a line for each, for the person who allows it. */
export function accessLines(plan: AccessPlan, { role, mount }: AccessNames): string[] {
  return [
    {
      write: `write the policy ${role} (below)`,
      keep: `policy ${role}: is there already`,
      differs: `policy ${role}: is there and differs from the one of this version; it stays as it is`,
    }[plan.policy],
    { enable: `enable the auth method approle at auth/${mount}`, keep: `auth/${mount}: is there already` }[plan.mount],
    {
      write: `write the AppRole ${role}: this policy, tokens for 20 minutes, a secret id without expiry`,
      keep: `AppRole ${role}: is there already; a secret id is added unless the one in the file works`,
      differs: `AppRole ${role}: is there and has other policies; it stays as it is`,
    }[plan.role],
  ];
}

/** May be repeated: what is there stays. */
export async function grantAccess(vault: VaultClient, names: AccessNames): Promise<void> {
  const plan = await planAccess(vault, names);
  if (plan.policy === 'write') await vault.write(`sys/policies/acl/${names.role}`, { policy: POLICY });
  if (plan.mount === 'enable') await vault.write(`sys/auth/${names.mount}`, { type: 'approle' });
  if (plan.role === 'write') await vault.write(rolePath(names), { ...ROLE, token_policies: [names.role] });
}

export async function readRoleId(vault: VaultClient, names: AccessNames): Promise<string> {
  const id = (await vault.read(`${rolePath(names)}/role-id`))?.data?.['role_id'];
  if (typeof id === 'string' && id !== '' && id.length < 1024) return id;
  throw new DrError('VaultRefused', `Vault has no role id for the AppRole ${names.role}.`);
}

/**
 * Makes a secret id valid that is in its file already, so that none is lost that Vault knows. The id is used as soon as it is
 * known, and so it shows whether this has been done before.
 * @returns what a backup needs and the login lacks
 */
export async function ensureLogin(
  vault: VaultClient,
  names: AccessNames,
  login: { roleId: string; secretId: string; clientWith: (token: string) => VaultClient; isNew: boolean },
  method: keyof typeof NEEDED,
): Promise<string[]> {
  const { roleId, secretId, clientWith, isNew } = login;
  const logIn = () => vault.logIn(`${names.mount}`, { role_id: roleId, secret_id: secretId }, secretId);
  const register = () =>
    vault.write(`${rolePath(names)}/custom-secret-id`, { secret_id: secretId }).then(() => undefined);
  if (isNew) await register();
  const token = await logIn().catch(async (error: unknown) => {
    if (!isDrError(error) || error.code !== 'AuthenticationFailed' || isNew) throw error;
    await register();
    return logIn();
  });
  const own = clientWith(token);
  try {
    const paths = NEEDED[method];
    const allowed = paths.length === 0 ? {} : await own.capabilitiesSelf(paths);
    return paths.filter((path) => !['read', 'root'].some((right) => allowed[path]?.includes(right)));
  } finally {
    await own.revokeSelf().catch(() => undefined);
    await own.close();
  }
}

function rolePath({ role, mount }: AccessNames): string {
  return `auth/${mount}/role/${role}`;
}

function sameText(found: unknown, wanted: string): boolean {
  return typeof found === 'string' && found.trim() === wanted.trim();
}

function hasPolicy(policies: unknown, name: string): boolean {
  return Array.isArray(policies) && policies.includes(name);
}
