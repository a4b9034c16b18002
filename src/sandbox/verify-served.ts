import type { DrillCheck, DrillResult } from '../contract/drill';
import { DrError, isDrError } from '../contract/failures';
import { formatCount, formatNumber } from '../contract/format';
import type { Manifest } from '../contract/generation';
import { printable } from '../contract/printable';
import { checkCanary } from '../vault/canary';
import type { VaultClient } from '../vault/client';
import { logIn } from '../vault/login';
import { readThrough } from '../vault/read-through';
import { generateRoot } from '../vault/root-token';
import { SnapshotVerifier } from '../vault/snapshot/snapshot-archive';
import { runHook } from './hook';
import { compareCounts } from './key-counts';
import type { SandboxOptions } from './sandbox';
import type { ScratchVault } from './scratch-vault';

type Subject = Pick<SandboxOptions, 'cluster' | 'sandbox' | 'copy' | 'signal'>;

type Served = Pick<DrillResult, 'canary' | 'canaryProblem' | 'checks'>;

/**
 * Compares what a scratch Vault serves with the manifest, with a root token that the original shares make there. The canary
 * is read by the cluster's own login, which is tried by that as well.
 * @param shares null without: then all is seen as that login may see it, and the rest is "not checked"
 * @throws DrError CopyDamaged, DrillRejected
 */
export async function verifyServed(
  vault: ScratchVault,
  subject: Subject,
  shares: readonly string[] | null,
): Promise<Served> {
  const { cluster, copy, signal } = subject;
  const login = await known(signal, () => vault.withClient((client) => logIn(client, cluster.auth)));
  const canary = await canaryOf(copy.manifest);
  const token =
    shares === null ? login : await known(signal, () => vault.withClient((client) => generateRoot(client, shares)));
  const checks: DrillCheck[] = [];
  for (const [check, work] of Object.entries(checksOf(vault, subject)) as [DrillCheck['check'], Work][]) {
    const result = 'value' in token ? await known(signal, () => work(token.value)) : token;
    if ('value' in result) checks.push({ check, outcome: 'passed', detail: result.value });
    else checks.push({ check, outcome: 'not checked', detail: printable(result.problem) });
  }
  return { ...canary, checks };

  async function canaryOf({ canary: expected }: Manifest): Promise<Pick<Served, 'canary' | 'canaryProblem'>> {
    if (!expected) return { canary: null, canaryProblem: null };
    const read =
      'problem' in login
        ? login
        : await known(signal, () =>
            vault.withClient((client) => checkCanary(client, expected, new Date()), { token: login.value }),
          );
    if ('problem' in read) return { canary: 'not checked', canaryProblem: read.problem };
    return { canary: 'read', canaryProblem: null };
  }
}

/** @returns what was found, in words */
type Work = (token: string) => Promise<string>;

function checksOf(
  vault: ScratchVault,
  { sandbox: { hook }, copy: { manifest }, signal }: Subject,
): Partial<Record<DrillCheck['check'], Work>> {
  const count = (path: string, what: string, many: string) => (token: string) =>
    vault.withClient(async (client) => formatCount(await entries(client, path), what, many), { token });
  return {
    counts: (token) => countKeys(vault, manifest, token, signal),
    mounts: count('sys/mounts', 'secrets engine', 'secrets engines'),
    authMethods: count('sys/auth', 'auth method', 'auth methods'),
    policies: count('sys/policies/acl?list=true', 'policy', 'policies'),
    ...(hook && {
      hook: async (token: string) => {
        const { cluster, generation } = manifest;
        const names = { VAULT_DR_CLUSTER: cluster, VAULT_DR_GENERATION: generation };
        const access = { VAULT_ADDR: vault.address, VAULT_TOKEN: token };
        await runHook(hook, { ...names, ...access, BAO_ADDR: vault.address, BAO_TOKEN: token }, signal);
        return `\`${hook.command[0]}\` accepts the backup`;
      },
    }),
  };
}

/** Of a list, or of an object of mounts. */
async function entries(client: VaultClient, path: string): Promise<number> {
  const data = (await client.read(path))?.data ?? {};
  const { keys } = data;
  return Array.isArray(keys) ? keys.length : Object.keys(data).length;
}

/** By a snapshot of what the Vault serves, read as that of a backup is. */
async function countKeys(
  vault: ScratchVault,
  { keys }: Pick<Manifest, 'keys'>,
  token: string,
  signal: AbortSignal,
): Promise<string> {
  const verifier = new SnapshotVerifier();
  await vault.withClient(
    async (client) => {
      const { body } = await client.snapshot({ signal });
      await readThrough(body, verifier, signal);
    },
    { token },
  );
  const { same, fewer, gone } = compareCounts(verifier.summary.keys.byPrefix, keys.byPrefix);
  if (gone.length > 0) {
    throw new DrError('CopyDamaged', `The Vault in the sandbox has no keys below ${gone.map(printable).join(', ')}.`, {
      advice: 'Use another backup, and find out who made this one.',
    });
  }
  const rest = fewer.length === 0 ? '' : `; fewer below ${fewer.map(printable).join(', ')}`;
  return `${formatNumber(verifier.summary.keys.count)} of ${formatNumber(keys.count)}, ${formatCount(same, 'prefix', 'prefixes')} complete${rest}`;
}

/** Another content than that of the backup is damage, and anything else is ignorance. */
async function known<T>(signal: AbortSignal, work: () => Promise<T>): Promise<{ value: T } | { problem: string }> {
  try {
    return { value: await work() };
  } catch (error) {
    signal.throwIfAborted();
    if (!isDrError(error) || error.code === 'CopyDamaged' || error.code === 'DrillRejected') throw error;
    return { problem: error.message };
  }
}
