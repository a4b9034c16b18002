import type { RecoveryPlan } from '../contract/plan';
import type { PendingStep } from '../contract/pending-step';
import { printable } from '../contract/printable';
import { hasChangedNodes, type RecoveryProgress, type RecoveryReport } from '../contract/recovery';
import { describePlan } from '../contract/voice/plan-text';
import type { CommandText } from '../contract/voice/commands';
import type { Tone } from '../contract/voice/headline';
import { describeReport, type ReportText } from '../contract/voice/report-text';
import { describeRun, type PhaseText, type PlanText, type Reason } from '../contract/voice/run-text';
import { renderTable, style } from '../terminal';

const COLOURS = { good: 'green', attention: 'yellow', bad: 'red', neutral: 'cyan' } as const satisfies Record<
  Tone,
  string
>;
const MARKS: Record<PhaseText['state'], string> = { done: '✓', current: '▸', ahead: ' ' };

/** The state of a recovery as a screen. The next command is at its end. */
export function renderRecovery(progress: RecoveryProgress, now: number, pending: PendingStep[] = []): string {
  const run = describeRun(progress, now, pending);
  const { text, tone } = run.headline;
  const rows = run.nodes.map(({ name, role, state, detail }) => [name, role, state, detail ?? '']);
  const blocks = [
    [`${style('bold', printable(run.title))}  ${style(COLOURS[tone], printable(text))}`],
    [
      table(
        ['', 'phase', 'time', ''],
        run.phases.map(({ state, name, time, people }) => [MARKS[state], name, time, people]),
      ),
    ],
    lines(run.rollBack),
    run.plan ? run.plan.matters.map(printable) : [],
    rows.length > 0 ? [table(['node', 'role', 'state', ''], rows)] : [],
    [
      ...lines(run.approvals, run.shares),
      ...run.refusedShares.map((refusal) => style('yellow', `  ${printable(refusal)}`)),
    ],
    run.plan ? stepLines(run.plan) : [],
    (run.plan?.warnings ?? []).map(warningLine),
    run.underway.length > 0 ? [table(['in progress', '', 'for', ''], run.underway)] : [],
    ...run.why.map(reasonLines),
    run.commands.flatMap(commandLines),
  ];
  return joined(blocks);
}

/** The end of a recovery, for people. */
export function renderReport(report: RecoveryReport): string {
  const text = describeReport(report);
  const outcome = text.outcome.map(printable);
  if (report.status === 'aborted' && !hasChangedNodes(report)) return outcome.join('\n');
  if (report.status === 'planned') return renderPlan(text);
  return [
    ...outcome,
    ...text.removed.map(({ node, path, size }) => `  ${printable(`${node}: ${path} (${size})`)}`),
    ...text.commands.flatMap(commandLines),
    ...text.kept.map(({ node, path }) => `  ${printable(`${node}: ${path}`)}`),
    ...text.warnings.map(warningLine),
    style('dim', printable(text.source)),
  ].join('\n');
}

/** The plan that an approver is about to sign. */
export function renderPlanToApprove(plan: RecoveryPlan): string {
  return joined([describePlan(plan).map(printable), stepLines(plan), plan.warnings.map(warningLine)]);
}

/** The plan alone, for `--plan`. */
function renderPlan({ plan, warnings, outcome }: ReportText): string {
  if (plan === null) return '';
  return joined([
    plan.matters.map(printable),
    stepLines(plan),
    [...warnings.map(warningLine), ...outcome.map(printable)],
  ]);
}

/** Blocks separated by an empty line; empty blocks are left out. */
function joined(blocks: string[][]): string {
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n');
}

function lines(...texts: (string | null)[]): string[] {
  return texts.flatMap((text) => (text === null ? [] : [printable(text)]));
}

function table(head: string[], rows: string[][]): string {
  return renderTable(
    head,
    rows.map((row) => row.map(printable)),
  );
}

/** The steps on each node, for the approvers. */
function stepLines({ steps }: Pick<PlanText, 'steps'>): string[] {
  return steps.flatMap(({ node, steps: list }) => [
    `${printable(node)}:`,
    ...list.map((step, index) => `  ${index + 1}. ${printable(step)}`),
  ]);
}

function reasonLines({ where, problem, advice }: Reason): string[] {
  return [style('red', printable(`${where === null ? '' : `${where}: `}${problem}`)), ...lines(advice)];
}

function commandLines({ label, vaultDr, note }: CommandText): string[] {
  return [printable(label), `  ${style('bold', printable(vaultDr))}`, ...lines(note)];
}

function warningLine(text: string): string {
  return style('yellow', `! ${printable(text)}`);
}
