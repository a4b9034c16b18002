import { formatBytes, formatSeconds } from '../contract/format';
import { restoreWorkflowId } from '../contract/names';
import { RESTORE_PHASES, type RestorePlan, type RestoreProgress, type RestoreReport } from '../contract/restore';
import { renderTable, style } from './output';

/** The state of a restore as a screen: phases, nodes, shares, what it waits for and what to type. */
export function renderRestore(progress: RestoreProgress, now: number): string {
  const lines = [`${style('bold', `Restore of ${progress.cluster}`)}  ${headline(progress)}`, ''];
  lines.push(phaseTable(progress, now), '');
  if (progress.plan) lines.push(planLine(progress.plan), '');
  if (progress.nodes.length > 0) {
    lines.push(
      renderTable(
        ['node', 'role', 'state', ''],
        progress.nodes.map((node) => [node.name, node.role, node.state, node.detail ?? '']),
      ),
      '',
    );
  }
  lines.push(...sharesLines(progress), ...nextLines(progress));
  return lines.join('\n').trimEnd();
}

function headline(progress: RestoreProgress): string {
  const { status, waitingFor, approvals, plan, shares, phase } = progress;
  if (status === 'completed') return style('green', 'completed');
  if (status === 'aborted') return style('yellow', 'aborted; no node was stopped');
  if (status === 'refused') return style('red', 'refused; nothing was changed');
  if (status === 'parked') return style('red', `parked in ${phase}: it needs a decision`);
  if (waitingFor === 'approval')
    return style('yellow', `waits for approval (${approvals.length} of ${plan?.approvals})`);
  if (waitingFor === 'shares') {
    return style('yellow', `waits for key holders (${shares?.accepted.length} of ${shares?.required})`);
  }
  return style('cyan', `running: ${phase}`);
}

function phaseTable(progress: RestoreProgress, now: number): string {
  const rows = RESTORE_PHASES.map((phase) => {
    const entry = progress.phases.find((item) => item.phase === phase);
    if (!entry) return [' ', phase, '', ''];
    const end = entry.finishedAt === null ? now : Date.parse(entry.finishedAt);
    const seconds = Math.max(0, (end - Date.parse(entry.startedAt)) / 1_000);
    const human = entry.humanSeconds >= 0.1 ? `${formatSeconds(entry.humanSeconds)} waiting for people` : '';
    return [entry.finishedAt === null ? '▸' : '✓', phase, formatSeconds(seconds), human];
  });
  return renderTable(['', 'phase', 'time', ''], rows);
}

function planLine(plan: RestorePlan): string {
  return (
    `Generation ${plan.generation} (${formatBytes(plan.archiveBytes)}, ${plan.keyCount} keys, Vault ${plan.serverVersion}), ` +
    `good copies in ${plan.copies.join(', ')}.\nWhat was written after ${plan.capturedAt} is lost: ` +
    `${formatSeconds(plan.rpoSeconds)} when this was planned.`
  );
}

function sharesLines({ shares }: RestoreProgress): string[] {
  if (!shares) return [];
  const holders = shares.accepted.map((item) => item.holder).join(', ');
  const lines = [`Shares: ${shares.accepted.length} of ${shares.required}${holders ? ` (${holders})` : ''}`];
  if (shares.problem) lines.push(style('red', shares.problem));
  for (const item of shares.refused.slice(-3))
    lines.push(style('yellow', `  refused from ${item.holder}: ${item.reason}`));
  return [...lines, ''];
}

function nextLines(progress: RestoreProgress): string[] {
  const { cluster, planHash, plan, parked, waitingFor } = progress;
  if (parked.length > 0) {
    const choices = new Set(parked.flatMap((item) => item.choices));
    return [
      ...parked.flatMap((item) => [style('red', `${item.node ?? cluster}: ${item.problem}`), item.advice, '']),
      'Then one of:',
      ...(choices.has('resume') ? [command(`vault-dr resume --cluster ${cluster}`)] : []),
      ...(choices.has('skipNode') ? [command(`vault-dr skip-node --cluster ${cluster} --node NODE`)] : []),
      ...(choices.has('abort') ? [command(`vault-dr abort --cluster ${cluster}`)] : []),
    ];
  }
  if (waitingFor === 'approval') {
    return [
      ...(plan?.warnings ?? []).map((text) => style('yellow', `! ${text}`)),
      `Somebody who did not ask for it must approve:`,
      command(`vault-dr approve --cluster ${cluster} --plan ${planHash?.slice(0, 12)}`),
      `To call it off: vault-dr abort --cluster ${cluster}`,
    ];
  }
  if (waitingFor === 'shares') {
    return ['Each key holder, once:', command(`vault-dr unseal --cluster ${cluster}`)];
  }
  return [];
}

function command(text: string): string {
  return `  ${style('bold', text)}`;
}

/** The end of a restore, for people. */
export function renderReport(report: RestoreReport): string {
  const aside = report.setAside.filter((item) => item.path !== null);
  const backup = 'generation' in report.backup ? report.backup.generation : `none: ${report.backup.problem}`;
  if (report.status === 'aborted') return 'Aborted. No node was stopped and nothing was changed.';
  return [
    `Restored in ${formatSeconds(report.rtoSeconds)}: ${formatSeconds(report.rtoMachineSeconds)} machine time, ` +
      `${formatSeconds(report.rtoHumanSeconds)} waiting for people.`,
    `Lost: what was written after ${report.plan?.capturedAt} (${formatSeconds(report.rpoSeconds)} when it was planned).`,
    `New backup: ${backup}`,
    ...(aside.length > 0
      ? [
          'The data directories from before are kept; remove them when you are sure:',
          ...aside.map((item) => `  ${item.node}: ${item.path}`),
        ]
      : []),
    ...report.warnings.map((text) => style('yellow', `! ${text}`)),
    style('dim', `Workflow ${restoreWorkflowId(report.cluster)}, run ${report.run}`),
  ].join('\n');
}
