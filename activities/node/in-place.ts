import type { AuthConfig } from '../../src/config/schema';
import { DrError, isDrError } from '../../src/contract/failures';
import type { Manifest } from '../../src/contract/generation';
import { inWordsOf } from '../../src/contract/product';
import type { RunClaim } from '../../src/contract/recovery';
import type { Attempt } from '../../src/host/run/attempt';
import { applyLimitMs } from '../../src/vault/load-limits';
import type { VaultClient } from '../../src/vault/client';
import { withSession } from '../../src/vault/session';
import { withHeartbeats } from '../heartbeat';
import type { NodeHost } from './context';
import { openArchive, proveStaged, stagedGeneration } from './stage';
import { pollUntil } from '../poll';

const SNAPSHOT = 'sys/storage/raft/snapshot';
/** Twice the time for small data; Vault itself waits five seconds of it. */
const LONGEST_APPLY_MS = 15_000;

/** @returns why this host can't load a snapshot into the running cluster; null if it can. */
export async function proveInPlace(host: NodeHost): Promise<string | null> {
  try {
    const { [SNAPSHOT]: capabilities = [] } = await session(host, (vault) => vault.capabilitiesSelf([SNAPSHOT]));
    if (capabilities.includes('root') || capabilities.includes('update')) return null;
    return `${host.node.name}: the policy of its login lacks "update" on ${SNAPSHOT}: configure a login that has it under restore.auth`;
  } catch (error) {
    return `${host.node.name}: can't log in to load a snapshot: ${(error as Error).message}`;
  }
}

/** Loads the staged snapshot into the running cluster through its leader, which this node must be. Repeatable. */
export async function installInPlace(host: NodeHost, input: { claim: RunClaim }): Promise<void> {
  await host.step(input.claim, { kind: 'install in place' }, async (attempt) => {
    const staged = await stagedGeneration(host, input.claim.run);
    await proveStaged(host, attempt, staged);
    const { manifest, path } = staged;
    await withHeartbeats('install in place', () =>
      session(host, async (vault) => {
        if (!(await vault.leader()).isSelf) {
          throw new DrError('NodeUnsafe', `${host.node.name} is no longer the leader.`, {
            where: host.node.name,
            advice: inWordsOf(
              manifest.product,
              'Nothing was changed. Make it the leader again (`vault operator step-down` on the others), then resume.',
            ),
          });
        }
        attempt.assertCurrent();
        // Never forced: the server refuses a snapshot of another cluster's keys.
        await vault.restoreSnapshot(await openArchive(host, path, manifest), { force: false, signal: attempt.signal });
        await waitUntilReplaced(host, vault, attempt, manifest);
      }),
    );
  });
}

/**
 * The answer comes before anything is applied. Then the leader blocks for seconds, and comes back without the token of
 * this session, which is not in the snapshot. There is no other sign (measured, Vault 1.21.1).
 */
async function waitUntilReplaced(
  host: NodeHost,
  vault: VaultClient,
  attempt: Attempt,
  { keys }: Manifest,
): Promise<void> {
  const { method } = authOf(host);
  const since = Date.now();
  await pollUntil(
    `${host.node.name} to apply the snapshot`,
    {
      notice: 'snapshot-not-applied',
      timeoutMs: applyLimitMs(keys),
      intervalMs: 500,
      signal: attempt.signal,
      where: host.node.name,
      advice: `Read Vault's log on ${host.node.name}. If it is sealed, the key holders unseal it by hand.`,
    },
    async () => {
      const known = await tokenIsKnown(vault);
      // The operator's own token may be in the snapshot.
      return !known || (method === 'token' && Date.now() - since > LONGEST_APPLY_MS) ? true : null;
    },
  );
}

async function tokenIsKnown(vault: VaultClient): Promise<boolean> {
  try {
    await vault.read('auth/token/lookup-self');
    return true;
  } catch (error) {
    if (isDrError(error) && (error.code === 'PermissionDenied' || error.code === 'AuthenticationFailed')) return false;
    throw error;
  }
}

function session<T>(host: NodeHost, work: (vault: VaultClient) => Promise<T>): Promise<T> {
  return withSession(host.deps.cluster, host.node, authOf(host), work);
}

function authOf({ deps: { cluster } }: NodeHost): AuthConfig {
  return cluster.restore.auth ?? cluster.auth;
}
