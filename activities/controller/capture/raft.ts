import type { BackupPlan } from '../../../src/contract/backup';
import { DrError, isDrError } from '../../../src/contract/failures';
import type { OwnSeal } from '../../../src/contract/generation';
import type { Product } from '../../../src/contract/product';
import { aheadBy } from '../../../src/repository/clock';
import { writeSnapshotFile } from '../../../src/repository/snapshot-file';
import type { VaultClient } from '../../../src/vault/client';
import { credentialFingerprint } from '../../../src/vault/login';
import { requestSnapshot } from '../../../src/vault/request-snapshot';
import { SnapshotVerifier } from '../../../src/vault/snapshot/snapshot-archive';
import { attempt, cancellation, heartbeatBytes } from '../../heartbeat';
import type { Controller } from '../context';
import { tryCanary } from './canary';
import type { Captured } from './captured';
import { CAPTURES } from './attempts';

const NAMESPACE_PATH = /^[A-Za-z0-9_][\w./-]{0,200}$/;

/** From the leader's own address, in one pass: socket → verify → encrypt → staging file. */
export async function captureRaft(controller: Controller, plan: BackupPlan, directory: string): Promise<Captured> {
  // Again, because another node may have become the leader since the last attempt.
  const leader = await controller.withLeader(plan.cluster, (view) => Promise.resolve(view));
  const verifier = new SnapshotVerifier();
  const onBytes = heartbeatBytes('capture');
  return controller.withLogin(plan.cluster, leader.leader.node, async (vault) => {
    const credential = await credentialFingerprint(controller.cluster(plan.cluster).auth);
    // A listener may redact it without a login.
    const status = await vault.sealStatus();
    const nonVoters = await nonVotersOf(vault);
    const { canary, warnings } = await tryCanary(vault, plan.canary);
    const capturedAt = new Date().toISOString();
    const { body, headers } = await requestSnapshot(vault, { signal: cancellation(), onAlive: () => onBytes(0) });
    const clockAheadSeconds = aheadBy(headers.date, Date.now());
    const options = { signal: cancellation(), onProgress: onBytes };
    const { file, ...stored } = await writeSnapshotFile(directory, body, verifier, plan.encryption, options).catch(
      (error: unknown) => {
        throw isDrError(error) && error.code === 'VaultUnavailable' ? brokenOff(error) : error;
      },
    );
    const { summary } = verifier;
    warnings.push(...(await followerWarnings(vault, leader.product)));
    return {
      file,
      capturedAt,
      leader,
      status,
      nonVoters,
      ownSeals: await namedSeals(vault, summary.ownSeals),
      clockAheadSeconds,
      canary,
      credential,
      warnings,
      summary,
      stored,
    };
  });
}

async function nonVotersOf(vault: VaultClient): Promise<string[]> {
  const autopilot = await vault.autopilotState().catch(() => null);
  cancellation().throwIfAborted();
  return autopilot?.servers.filter((server) => server.isNonVoter).map(({ id }) => id) ?? [];
}

/** Their names are encrypted in the snapshot; the server names them if the policy allows it. */
async function namedSeals(vault: VaultClient, ids: readonly string[]): Promise<OwnSeal[]> {
  if (ids.length === 0) return [];
  const paths = await vault.namespacePaths().catch(() => new Map<string, string>());
  cancellation().throwIfAborted();
  return ids.map((id) => {
    const path = paths.get(id);
    // Goes into commands that people paste.
    return { id, path: path !== undefined && NAMESPACE_PATH.test(path) ? path : null };
  });
}

/**
 * An OpenBao follower serves snapshots itself and may lag, so the node that was asked must still lead. Vault's
 * followers refuse.
 */
export async function followerWarnings(vault: VaultClient, product: Product | null): Promise<string[]> {
  if (product === 'vault' || (await vault.leader()).isSelf) return [];
  const what = `${vault.node} was no longer the leader when it had sent the snapshot, which may lack the last writes`;
  if (attempt() >= CAPTURES) return [what];
  throw new DrError('ClusterUnhealthy', `${what}.`, { where: vault.node, advice: 'It is captured again.' });
}

/** An answer that broke off is not the same as a node that is down. */
function brokenOff(error: DrError): DrError {
  const { message, where } = error;
  return new DrError('SnapshotIncomplete', `The snapshot was cut off: ${message}`, {
    where,
    advice: 'Read the log of the leader, and of any proxy in between: one of them may have a time or size limit.',
    cause: error,
  });
}
