import { formatBytes, formatCount, formatNumber, formatSeconds, formatTime } from '../format';
import type { LeaseCount } from '../generation';
import { ACCEPTABLE, type LostRun, type RecoverQuorumPlan, type RecoveryPlan, type RestorePlan } from '../plan';
import { productName } from '../product';
import type { RecoveryMethod, RecoveryProgress } from '../recovery';
import { describeDrill } from './drill-text';
import { planTimeLines } from './time-text';

const TITLES: Record<RecoveryMethod, string> = {
  snapshot: 'Restore',
  inPlace: 'Restore in place',
  peers: 'Recovery of the quorum',
  rebuild: 'Rebuild of a node',
  remove: 'Removal of old data',
  rollBack: 'Roll-back of a lost run',
  migrate: 'Migration to Raft',
  copy: 'Backup by copy of a node',
};

/** The title of a run. */
export function titleOf({ method, cluster }: Pick<RecoveryProgress, 'method' | 'cluster'>): string {
  return `${TITLES[method]} of ${cluster}`;
}

/** The same at the beginning of a sentence. */
export function subjectOf(progress: Pick<RecoveryProgress, 'method' | 'cluster'>): string {
  const title = titleOf(progress);
  return `The ${title.charAt(0).toLowerCase()}${title.slice(1)}`;
}

/** A plan, one line per point, the most important first. */
export function describePlan(plan: RecoveryPlan): string[] {
  return [...matterOf(plan), ...unsealing(plan), ...accepted(plan)];
}

function matterOf(plan: RecoveryPlan): string[] {
  switch (plan.method) {
    case 'rebuild':
      return [
        `${plan.node} is rebuilt from scratch and joins the others, which continue to serve through ${plan.firstNode}. Nothing is lost.`,
      ];
    case 'copy':
      return [
        `${plan.node} is stopped, its data directory (${formatBytes(plan.dataBytes)}) is archived, and it is started again.`,
        plan.nodes.length === 1 ? 'The cluster does not serve meanwhile.' : 'The others continue to serve.',
        ...(plan.stepDown ? [`${plan.node} leads the cluster, so another node takes over first.`] : []),
        ...(plan.lag
          ? [`It was ${formatCount(plan.lag, 'log entry', 'log entries')} behind the leader when this was planned.`]
          : []),
      ];
    case 'peers':
      return [
        `The disk of ${plan.firstNode} survives (raft index ${plan.appliedIndex}${newestTerm(plan)}). It becomes a cluster of its own; the others are rebuilt from scratch and join it.`,
        'Nothing that is on that disk is lost. If this disk lagged, the latest acknowledged writes may be missing; uncommitted entries in its log may be applied.',
      ];
    case 'remove':
      return [
        `The data that run ${plan.of} set aside is deleted for good:`,
        ...plan.found.flatMap(({ node, paths }) => paths.map((path) => `${node}: ${path}`)),
      ];
    case 'rollBack':
      return [
        plan.lost.length === 0
          ? `Run ${plan.of} never ended. It had set nothing aside: the nodes are started as they are.`
          : plan.storage === 'consul'
            ? `Run ${plan.of} never ended. Everything in Consul goes back to what it had kept before it changed anything:`
            : `Run ${plan.of} never ended. What it set aside is the original data and is put back:`,
        ...plan.lost.map(
          ({ node, original }) => `${node}: ${original ?? 'nothing was there before; what the run made is moved away'}`,
        ),
        ...(plan.lost.length === 0
          ? []
          : plan.storage === 'consul'
            ? ["What was written to Consul since, also by others, is lost. Consul's own ACL tokens go back as well."]
            : ['What that run made is kept next to it. Nodes that are not listed are restarted as they are.']),
      ];
    case 'migrate':
      return [
        `The data moves from ${plan.from === 'consul' ? `Consul (${plan.path})` : '`storage "file"`'} to Raft. No node serves from the first stop until ${plan.firstNode} is unsealed.`,
        plan.from === 'consul'
          ? 'Consul is only read; what is in it stays as it is.'
          : 'The old directory is set aside and stays as it is.',
        plan.backup === null
          ? 'There is no backup by the present method: the old storage is the only way back.'
          : `The newest backup by the present method is ${plan.backup.generation} (${formatTime(plan.backup.capturedAt)})${plan.from === 'consul' ? '; another one is taken before anything stops' : ''}.`,
        ...plan.configs.flatMap(({ node, files }) =>
          files.map(({ path, prepared }) => `${node}: ${prepared} takes the place of ${path}, which is kept.`),
        ),
      ];
    case 'snapshot':
    case 'inPlace':
      return [
        `Backup ${plan.generation} (${formatBytes(plan.archiveBytes)}, ${formatCount(plan.keyCount, 'key')}, ${madeBy(plan)}), ` +
          `good copies in ${plan.copies.join(', ')}.`,
        `What was written after ${formatTime(plan.capturedAt)} is lost: ${formatSeconds(plan.rpoSeconds)} when this was planned.`,
        ...planTimeLines(plan.rto),
        ...drillLine(plan),
        ...lostLines(plan.lost ?? []),
        ...(plan.source === plan.cluster ? [] : [`It is a backup of ${plan.source} and goes into ${plan.cluster}.`]),
        ...(plan.setAside === 'delete' && plan.method === 'snapshot'
          ? ['The old data directories are DELETED: there is no roll-back.']
          : []),
        ...(plan.method === 'inPlace' ? ['In place: nothing is stopped, and nobody has to unseal.'] : []),
        ...(plan.quiet
          ? [`Quiet: ${plan.firstNode} comes up behind a fence, and the run waits until somebody says go-live.`]
          : []),
        leaseLine(plan.leases, plan.leaseGraceMinutes),
        ...reachLine(plan),
      ];
  }
}

/** What a sandbox has measured of it; no promise for a whole cluster. */
function drillLine({ drilled }: RestorePlan): string[] {
  if (drilled === undefined) return [];
  return [drilled === null ? 'It was never drilled.' : `Last drill: ${describeDrill(drilled.last)}.`];
}

/** Data of an earlier run comes first. */
function lostLines(lost: readonly LostRun[]): string[] {
  return [...new Set(lost.map(({ run }) => run))].map((run) => {
    const nodes = lost.filter((item) => item.run === run).map(({ node }) => node);
    return `Run ${run} never ended. What it set aside on ${nodes.join(', ')} is the original data: it is put back first, then set aside by this run, so roll-back leads to it.`;
  });
}

function newestTerm({ lastLogTerm }: RecoverQuorumPlan): string {
  return lastLogTerm === undefined ? '' : `, newest term ${lastLogTerm}`;
}

function unsealing({ method, seal, recoveryConfig, rollingRestart }: RecoveryPlan): string[] {
  const restart = rollingRestart ? ['At the end each follower is restarted, and leadership moves once.'] : [];
  if (method === 'inPlace' || method === 'remove') return restart;
  if (method === 'rollBack' && seal.secretThreshold === 0) {
    return ['The number of key holders needed is unknown until the nodes are started.'];
  }
  if (seal.type !== 'shamir') {
    const keys = recoveryConfig
      ? ` (recovery keys: ${recoveryConfig.secretThreshold} of ${recoveryConfig.secretShares})`
      : '';
    return [`Seal ${seal.type}: the nodes unseal by themselves; no key holder is needed${keys}.`, ...restart];
  }
  return [
    `Seal shamir: ${seal.secretThreshold} of ${seal.secretShares} key holders are needed, each once.`,
    ...restart,
  ];
}

function leaseLine(leases: LeaseCount | null, graceMinutes?: number): string {
  const fate =
    graceMinutes === undefined
      ? 'Those that have expired since are revoked as soon as the cluster is active.'
      : `All of them get at least ${formatSeconds(graceMinutes * 60)}, also those that have expired since.`;
  if (leases === null)
    return `Leases: unknown; an earlier version made this backup.${graceMinutes === undefined ? '' : ` ${fate}`}`;
  if (leases.total === 0) return 'Leases: none.';
  const mounts = Object.entries(leases.byMount)
    .toSorted(([, left], [, right]) => right - left)
    .map(([mount, count]) => `${mount} ${formatNumber(count)}`);
  const shown = mounts.slice(0, 8).join(', ');
  const more = mounts.length > 8 ? `, and ${mounts.length - 8} more mounts` : '';
  return `Leases: ${formatNumber(leases.total)} (${shown}${more}). ${fate}`;
}

function madeBy({ serverVersion, product }: RestorePlan): string {
  return serverVersion ? `${productName(product)} ${serverVersion}` : 'version unknown';
}

/** What a restored Vault does outside itself, besides revoking leases. */
function reachLine({ reach, cluster, source, accepted: codes, leases }: RestorePlan): string[] {
  if (reach === undefined) return [];
  const { staticRoles, unfinished, auditDevices, plugins } = reach;
  const found = [
    ...(staticRoles === 0 ? [] : [`static roles ${staticRoles} (overdue ones are rotated at once)`]),
    ...(unfinished === 0 ? [] : [`unfinished requests of secrets engines ${unfinished} (they are undone)`]),
    ...(auditDevices === 0 ? [] : [`audit devices ${auditDevices}`]),
    ...(plugins.length === 0 ? [] : [`external plugins ${plugins.join(', ')}`]),
  ];
  if (found.length > 0) return [`Besides leases: ${found.join('; ')}.`];
  const tokensOnly = Object.keys(leases?.byMount ?? { unknown: 0 }).every((mount) => mount.includes('auth/'));
  if (cluster === source || codes.includes('live-credentials') || !tokensOnly) return [];
  return [`It holds no credentials that ${cluster} could revoke or rotate while ${source} uses them.`];
}

function accepted({ accepted: codes }: RecoveryPlan): string[] {
  return codes.map((code) => `Accepted (${code}): ${ACCEPTABLE[code]}.`);
}
