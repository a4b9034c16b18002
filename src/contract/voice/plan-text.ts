import { formatBytes, formatSeconds } from '../format';
import type { LeaseCount } from '../generation';
import { ACCEPTABLE, type RecoverQuorumPlan, type RecoveryPlan } from '../plan';
import type { RecoveryMethod, RecoveryProgress } from '../recovery';

const TITLES: Record<RecoveryMethod, string> = {
  snapshot: 'Restore',
  inPlace: 'Restore in place',
  peers: 'Recovery of the quorum',
  rebuild: 'Rebuild of a node',
  remove: 'Removal of old data',
};

/** What a run is, as a title. */
export function titleOf({ method, cluster }: Pick<RecoveryProgress, 'method' | 'cluster'>): string {
  return `${TITLES[method]} of ${cluster}`;
}

/** The same as the beginning of a sentence. */
export function subjectOf(progress: Pick<RecoveryProgress, 'method' | 'cluster'>): string {
  const title = titleOf(progress);
  return `The ${title.charAt(0).toLowerCase()}${title.slice(1)}`;
}

/** What a plan says, a line for each matter; the most important first. */
export function describePlan(plan: RecoveryPlan): string[] {
  return [...matterOf(plan), ...unsealing(plan), ...accepted(plan)];
}

function matterOf(plan: RecoveryPlan): string[] {
  switch (plan.method) {
    case 'rebuild':
      return [
        `${plan.node} is made anew from nothing and joins the others, which go on serving through ${plan.firstNode}. Nothing is lost.`,
      ];
    case 'peers':
      return [
        `The disk of ${plan.firstNode} survives (raft index ${plan.appliedIndex}${newestTerm(plan)}). It becomes a cluster of its own; the others are made anew and join it.`,
        'Nothing that is on that disk is lost. Had it lagged behind the others, the last acknowledged writes may not be on it; what was under way at the end may become valid.',
      ];
    case 'remove':
      return [
        `What the run ${plan.of} set aside is deleted for good:`,
        ...plan.found.flatMap(({ node, paths }) => paths.map((path) => `${node}: ${path}`)),
      ];
    case 'snapshot':
    case 'inPlace':
      return [
        `Generation ${plan.generation} (${formatBytes(plan.archiveBytes)}, ${plan.keyCount} keys, Vault ${plan.serverVersion}), ` +
          `good copies in ${plan.copies.join(', ')}.`,
        `What was written after ${plan.capturedAt} is lost: ${formatSeconds(plan.rpoSeconds)} when this was planned.`,
        ...(plan.source === plan.cluster ? [] : [`It is of the cluster ${plan.source} and goes into ${plan.cluster}.`]),
        ...(plan.method === 'inPlace' ? ['In place: nothing is stopped, and nobody has to unseal.'] : []),
        leaseLine(plan.leases),
      ];
  }
}

function newestTerm({ lastLogTerm }: RecoverQuorumPlan): string {
  return lastLogTerm === undefined ? '' : `, newest term ${lastLogTerm}`;
}

function unsealing({ method, seal, recoveryConfig, rollingRestart }: RecoveryPlan): string[] {
  const restart = rollingRestart ? ['At the end each follower is restarted, and the leadership moves once.'] : [];
  if (method === 'inPlace' || method === 'remove') return restart;
  if (seal.type !== 'shamir') {
    const keys = recoveryConfig
      ? ` (recovery keys: ${recoveryConfig.secretThreshold} of ${recoveryConfig.secretShares})`
      : '';
    return [`Seal ${seal.type}: the nodes unseal by themselves, nobody has to be there${keys}.`, ...restart];
  }
  return [
    `Seal shamir: ${seal.secretThreshold} of ${seal.secretShares} key holders are needed, each of them once.`,
    ...restart,
  ];
}

function leaseLine(leases: LeaseCount | null): string {
  if (leases === null) return 'Leases: unknown, the generation was made by an earlier version.';
  if (leases.total === 0) return 'Leases: none.';
  const mounts = Object.entries(leases.byMount)
    .toSorted(([, left], [, right]) => right - left)
    .map(([mount, count]) => `${mount} ${count}`);
  const shown = mounts.slice(0, 8).join(', ');
  const more = mounts.length > 8 ? `, and ${mounts.length - 8} more mounts` : '';
  return `Leases: ${leases.total} (${shown}${more}). Those that have expired since are revoked as soon as the cluster is active.`;
}

function accepted({ accepted: codes }: RecoveryPlan): string[] {
  return codes.map((code) => `Accepted (${code}): ${ACCEPTABLE[code]}.`);
}
