import { formatBytes, formatSeconds } from '../contract/format';
import { recoveryWorkflowId } from '../contract/names';
import { describePlan, titleOf } from '../contract/plan-text';
import type { RecoveryPlan } from '../contract/plan';
import {
  hasChangedNodes,
  type RecoveryPhase,
  type RecoveryProgress,
  type RecoveryReport,
  ROUTES,
} from '../contract/recovery';
import { renderTable, style } from '../terminal';

/** The state of a recovery as a screen: phases, nodes, shares, what it waits for and what to type. */
export function renderRecovery(progress: RecoveryProgress, now: number): string {
  const lines = [`${style('bold', titleOf(progress))}  ${headline(progress)}`, ''];
  lines.push(phaseTable(progress, now), '');
  if (progress.plan) lines.push(...describePlan(progress.plan), '');
  if (progress.nodes.length > 0) {
    lines.push(
      renderTable(
        ['node', 'role', 'state', ''],
        progress.nodes.map((node) => [node.name, node.role, node.state, node.detail ?? '']),
      ),
      '',
    );
  }
  lines.push(...sharesLines(progress), ...nextLines(progress), ...slowJoinLines(progress, now));
  return lines.join('\n').trimEnd();
}

function headline(progress: RecoveryProgress): string {
  const { status, waitingFor, approvals, plan, shares, phase } = progress;
  if (status === 'completed') return style('green', 'completed');
  if (status === 'planned') return style('green', 'planned; nothing was changed');
  if (status === 'rolled back') return style('yellow', 'rolled back; the old data are in their place');
  if (status === 'aborted') {
    const what = hasChangedNodes(progress) ? 'what was begun is as it was then' : 'no node was stopped';
    return style('yellow', `aborted; ${what}`);
  }
  if (status === 'refused') return style('red', 'refused; nothing was changed');
  if (status === 'parked') return style('red', `parked in ${phase}: it needs a decision`);
  if (waitingFor === 'approval')
    return style('yellow', `waits for approval (${approvals.length} of ${plan?.approvals})`);
  if (waitingFor === 'shares') {
    return style('yellow', `waits for key holders (${shares?.accepted.length} of ${shares?.required})`);
  }
  return style('cyan', `running: ${phase}`);
}

function phaseTable(progress: RecoveryProgress, now: number): string {
  const route: readonly RecoveryPhase[] = ROUTES[progress.method];
  const phases = progress.rollBack ? [...route, 'rollBack' as const] : route;
  const rows = phases.map((phase) => {
    // What was done again counts as it was done last.
    const entry = progress.phases.findLast((item) => item.phase === phase);
    if (!entry) return [' ', phase, '', ''];
    const end = entry.finishedAt === null ? now : Date.parse(entry.finishedAt);
    const seconds = Math.max(0, (end - Date.parse(entry.startedAt)) / 1_000);
    const human = entry.humanSeconds >= 0.1 ? `${formatSeconds(entry.humanSeconds)} waiting for people` : '';
    return [entry.finishedAt === null ? '▸' : '✓', phase, formatSeconds(seconds), human];
  });
  return renderTable(['', 'phase', 'time', ''], rows);
}

/** What is done on each node, for whoever has to approve it. */
function stepLines({ steps }: RecoveryPlan): string[] {
  return steps.flatMap(({ node, steps: list }) => [
    `${node}:`,
    ...list.map((step, index) => `  ${index + 1}. ${step}`),
  ]);
}

function sharesLines({ shares }: RecoveryProgress): string[] {
  if (!shares) return [];
  const holders = shares.accepted.map((item) => item.holder).join(', ');
  const lines = [`Shares: ${shares.accepted.length} of ${shares.required}${holders ? ` (${holders})` : ''}`];
  if (shares.problem) lines.push(style('red', shares.problem));
  for (const item of shares.refused.slice(-3))
    lines.push(style('yellow', `  refused from ${item.holder}: ${item.reason}`));
  return [...lines, ''];
}

function nextLines(progress: RecoveryProgress): string[] {
  const { cluster, planHash, planValidUntil, plan, parked, waitingFor } = progress;
  if (parked.length > 0) {
    const choices = new Set(parked.flatMap((item) => item.choices));
    return [
      ...parked.flatMap((item) => [style('red', `${item.node ?? cluster}: ${item.problem}`), item.advice, '']),
      'Then one of:',
      ...(choices.has('resume') ? [command(`vault-dr resume --cluster ${cluster}`)] : []),
      ...[...new Set(parked.flatMap((item) => item.skippable))].map((node) =>
        command(`vault-dr skip-node --cluster ${cluster} --node ${node}`),
      ),
      ...(choices.has('rollBack') ? [command(`vault-dr roll-back --cluster ${cluster}`)] : []),
      ...(choices.has('abort') ? [command(`vault-dr abort --cluster ${cluster}`)] : []),
    ];
  }
  if (waitingFor === 'approval') {
    return [
      ...(plan ? [...stepLines(plan), ''] : []),
      ...(plan?.warnings ?? []).map((text) => style('yellow', `! ${text}`)),
      `Somebody who did not ask for it must approve:`,
      command(`vault-dr approve --cluster ${cluster} --plan ${planHash?.slice(0, 12)}`),
      ...(planValidUntil === null ? [] : [`It counts until ${planValidUntil}; after that a new plan is made.`]),
      `To call it off: vault-dr abort --cluster ${cluster}`,
    ];
  }
  if (waitingFor === 'shares') {
    return ['Each key holder, once:', command(`vault-dr unseal --cluster ${cluster}`)];
  }
  return [];
}

const SLOW_JOIN_MS = 60_000;

/** A Vault that loads its data for hours keeps a run from its end, not the cluster from serving. */
function slowJoinLines({ cluster, status, method, phases, nodes }: RecoveryProgress, now: number): string[] {
  const last = phases.at(-1);
  if (status !== 'running' || method === 'rebuild' || last?.phase !== 'join') return [];
  if (now - Date.parse(last.startedAt) < SLOW_JOIN_MS) return [];
  const late = nodes.filter(({ role, state }) => role === 'follower' && (state === 'joining' || state === 'unsealing'));
  if (late.length === 0) return [];
  return [
    'As long as data come in it is waited for. The cluster serves meanwhile; to go on without one, and rebuild it later:',
    ...late.map(({ name }) => command(`vault-dr skip-node --cluster ${cluster} --node ${name}`)),
  ];
}

function command(text: string): string {
  return `  ${style('bold', text)}`;
}

/** The plan alone, for `--plan`. */
export function renderPlan({ plan, warnings }: RecoveryReport): string {
  if (plan === null) return '';
  return [
    ...describePlan(plan),
    '',
    ...stepLines(plan),
    '',
    ...warnings.map((text) => style('yellow', `! ${text}`)),
    `${plan.approvals === 0 ? 'Nobody has to' : `${plan.approvals} must`} approve it. Nothing was changed.`,
  ].join('\n');
}

/** The end of a recovery, for people. */
export function renderReport(report: RecoveryReport): string {
  const { cluster, run, status, method } = report;
  const aside = report.setAside.flatMap(({ node, path }) => (path === null ? [] : [`  ${node}: ${path}`]));
  if (status === 'aborted' && !hasChangedNodes(report)) return 'Aborted. No node was stopped and nothing was changed.';
  if (status === 'planned') return renderPlan(report);
  const times = `${formatSeconds(report.rtoMachineSeconds)} machine time, ${formatSeconds(report.rtoHumanSeconds)} waiting for people`;
  const done = status === 'rolled back' || status === 'aborted' ? ENDED[status] : DONE[method];
  return [
    `${done} in ${formatSeconds(report.rtoSeconds)}: ${times}.`,
    ...(report.rpoSeconds !== null && report.plan !== null && 'capturedAt' in report.plan
      ? [
          `Lost: what was written after ${report.plan.capturedAt} (${formatSeconds(report.rpoSeconds)} when it was planned).`,
        ]
      : []),
    ...(report.backup === null
      ? []
      : [`New backup: ${'generation' in report.backup ? report.backup.generation : `none: ${report.backup.problem}`}`]),
    ...(status === 'rolled back'
      ? [
          'What it had made is kept beside them; when nobody wants to look at it any more:',
          `  vault-dr remove-set-aside --cluster ${cluster} --run ${run}`,
        ]
      : []),
    ...report.removed.map(({ node, path, sizeBytes }) => `  ${node}: ${path} (${formatBytes(sizeBytes)})`),
    ...(aside.length > 0
      ? [
          `The data directories from before are kept until ${report.setAsideUntil ?? 'they are removed'}; then:`,
          `  vault-dr remove-set-aside --cluster ${cluster} --run ${run}`,
          ...aside,
        ]
      : []),
    ...report.warnings.map((text) => style('yellow', `! ${text}`)),
    style(
      'dim',
      `Workflow ${recoveryWorkflowId(cluster)}, run ${run}. The whole report: vault-dr report --cluster ${cluster} --run ${run}`,
    ),
  ].join('\n');
}

const ENDED = {
  'rolled back': 'Rolled back: the old data are in their place again',
  aborted: 'Aborted in the middle of it, and what was begun is as it was then,',
} as const;

const DONE: Record<RecoveryReport['method'], string> = {
  snapshot: 'Restored',
  inPlace: 'Restored in place',
  peers: 'Quorum recovered',
  rebuild: 'Node made anew',
  remove: 'Removed',
};
