import { formatBytes, formatNumber, formatSeconds, formatTime } from '../format';
import { recoveryWorkflowId } from '../names';
import { hasChangedNodes, type NodeProgress, type RecoveryMethod, type RecoveryReport } from '../recovery';
import { type CommandText, removalCommand, reportCommand } from './commands';
import { describeContent } from './content-text';
import { type Headline, headlineOf, phaseName } from './headline';
import { describePlan, titleOf } from './plan-text';
import { reportTimeFacts } from './time-text';
import { describePhase, type PhaseText, type PlanText, rollBackOf } from './run-text';

/** Everything to say about a run that has ended, as plain text. */
export interface ReportText {
  title: string;
  headline: Headline;
  /** The outcome, the most important first. */
  outcome: string[];
  /** For a post-mortem, by name. */
  facts: [string, string][];
  plan: Pick<PlanText, 'matters' | 'steps'> | null;
  phases: PhaseText[];
  nodes: NodeProgress[];
  errors: { at: string; phase: string; node: string; code: string; problem: string; outcome: string }[];
  /** What to do about the data that was kept. */
  commands: CommandText[];
  kept: { node: string; path: string }[];
  removed: { node: string; path: string; size: string }[];
  warnings: string[];
  /** Where to find more. */
  source: string;
}

const DONE: Record<RecoveryMethod, string> = {
  snapshot: 'Restored',
  inPlace: 'Restored in place',
  peers: 'Quorum recovered',
  rebuild: 'Node rebuilt',
  remove: 'Removed',
  rollBack: 'Rolled back',
  migrate: 'Migrated to Raft',
  copy: 'Node copied',
};

export function describeReport(report: RecoveryReport): ReportText {
  const { plan, run } = report;
  return {
    title: titleOf(report),
    headline: headlineOf(report),
    outcome: outcomeOf(report),
    facts: factsOf(report),
    plan: plan && { matters: describePlan(plan), steps: plan.steps },
    phases: report.phases.map((phase) => describePhase(phase, null)),
    nodes: report.nodes,
    errors: report.errors.map(({ at, phase, node, code, problem, outcome }) => {
      return { at, phase: phaseName(phase), node: node ?? '', code, problem, outcome };
    }),
    commands: commandsOf(report),
    kept: keptOf(report),
    removed: report.removed.map(({ node, path, sizeBytes }) => ({ node, path, size: formatBytes(sizeBytes) })),
    warnings: report.warnings,
    source: `Workflow ${recoveryWorkflowId(report.cluster)}, run ${run}. The whole report: ${reportCommand(report)}`,
  };
}

function outcomeOf(report: RecoveryReport): string[] {
  const { status, plan, rpoSeconds, backup } = report;
  if (status === 'aborted' && !hasChangedNodes(report)) return [resultOf(report)];
  const rollBack = rollBackOf(report);
  return [
    resultOf(report),
    ...(rpoSeconds !== null && plan !== null && 'capturedAt' in plan
      ? [
          `Lost: what was written after ${formatTime(plan.capturedAt)} (${formatSeconds(rpoSeconds)} when it was planned).`,
        ]
      : []),
    ...(report.live ? [`Behind its fence until ${report.live.by} let it go live, ${report.live.at}.`] : []),
    ...leasesOf(report),
    ...copyOf(report),
    ...(backup === null || status === 'planned' ? [] : [`New backup: ${backupOf(backup)}`]),
    ...(rollBack === null ? [] : [rollBack]),
  ];
}

function leasesOf({ leases }: RecoveryReport): string[] {
  if (leases === undefined) return [];
  const { byMount, left, skipped } = leases;
  const mounts = Object.entries(byMount).toSorted(([, one], [, other]) => other - one);
  const total = mounts.reduce((sum, [, count]) => sum + count, 0);
  const shown = mounts.slice(0, 8).map(([mount, count]) => `${mount} ${formatNumber(count)}`);
  return [
    `Leases with a later end: ${formatNumber(total)}${shown.length === 0 ? '' : ` (${shown.join(', ')}${mounts.length > 8 ? ', …' : ''})`}; left as they were: ${formatNumber(left)}${skipped === 0 ? '' : `; could not be changed: ${formatNumber(skipped)}`}.`,
  ];
}

function copyOf({ copied }: RecoveryReport): string[] {
  if (copied === undefined || !('data' in copied)) return [];
  const { data, lag, repository } = copied;
  const content = { method: 'filesystem' as const, node: data.node, ...data.content, lag };
  const where = repository === null ? 'It is in no repository.' : `It is stored in ${repository}.`;
  return [`The archive is a ${describeContent({ content, raft: data.raft })}. ${where}`];
}

function resultOf(report: RecoveryReport): string {
  const { status, method, plan } = report;
  const time = formatSeconds(report.rtoSeconds);
  if (status === 'planned') {
    return `Approvals required: ${plan === null || plan.approvals === 0 ? 'none' : plan.approvals}. Nothing was changed.`;
  }
  if (status === 'failed') return `Failed after ${time}. The node was started again.`;
  if (status === 'rolled back') return `Rolled back in ${times(report)}. The previous data directories are in place.`;
  if (status !== 'aborted') return `${DONE[method]} in ${times(report)}.`;
  return hasChangedNodes(report)
    ? `Aborted after ${time}. Some nodes may be partly changed; see the warnings below.`
    : 'Aborted. No node was stopped and nothing was changed.';
}

function times({ rtoSeconds, rtoMachineSeconds, rtoHumanSeconds }: RecoveryReport): string {
  return `${formatSeconds(rtoSeconds)}: ${formatSeconds(rtoMachineSeconds)} machine time, ${formatSeconds(rtoHumanSeconds)} waiting for people`;
}

function backupOf(backup: NonNullable<RecoveryReport['backup']>): string {
  return 'generation' in backup ? backup.generation : `none: ${backup.problem}`;
}

function factsOf(report: RecoveryReport): [string, string][] {
  const { plan, approvals, shares, status } = report;
  const names = (list: { name: string; at: string }[]) => list.map(({ name, at }) => `${name} (${at})`).join(', ');
  return [
    ['run', report.run],
    ['started', report.startedAt],
    ['ended', report.finishedAt],
    ['requested by', report.requestedBy],
    [
      'approved by',
      names(approvals.map(({ approver, at }) => ({ name: approver, at }))) ||
        (plan?.approvals === 0 ? 'no approval was required' : 'nobody'),
    ],
    ['unsealed by', names((shares?.accepted ?? []).map(({ holder, at }) => ({ name: holder, at }))) || 'nobody'],
    ['RTO', times(report)],
    ...(status === 'completed' && plan !== null && 'rto' in plan ? reportTimeFacts(plan.rto, report) : []),
    ...lossOf(report),
  ];
}

/** Known only for runs that completed; a removal restores nothing. */
function lossOf({ status, method, rpoSeconds }: RecoveryReport): [string, string][] {
  if (rpoSeconds !== null) return [['RPO', formatSeconds(rpoSeconds)]];
  return status === 'completed' && method !== 'remove' && method !== 'rollBack' && method !== 'copy'
    ? [['RPO', 'nothing was lost']]
    : [];
}

function commandsOf(report: RecoveryReport): CommandText[] {
  const { status, setAsideUntil, plan } = report;
  if (status === 'completed' && plan?.method === 'rollBack') {
    const lost = { ...report, run: plan.of };
    return [removalCommand(lost, 'The data written by the lost run is kept next to it. To delete it:')];
  }
  const isConsul = plan !== null && 'archive' in plan && plan.archive === 'consul';
  if (status === 'rolled back' && isConsul) {
    return [removalCommand(report, 'What was in Consul before is also kept in a file. To delete it:')];
  }
  if (status === 'rolled back') {
    return [removalCommand(report, 'The data written by this run is kept next to it. To delete it:')];
  }
  if (keptOf(report).length === 0) return [];
  const what = isConsul ? ['What was in Consul before is', 'it'] : ['The previous data directories are', 'them'];
  const label =
    setAsideUntil === null
      ? `${what[0]} kept. To delete ${what[1]}:`
      : `${what[0]} kept until ${setAsideUntil}. To delete ${what[1]} then:`;
  return [removalCommand(report, label)];
}

function keptOf({ setAside }: RecoveryReport): { node: string; path: string }[] {
  return setAside.flatMap(({ node, path }) => (path === null ? [] : [{ node, path }]));
}
