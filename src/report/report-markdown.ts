import { escapeMarkdown, markdownCommand, markdownList, markdownTable } from '../contract/markdown';
import type { RecoveryReport } from '../contract/recovery';
import { describeReport, type ReportText } from '../contract/voice/report-text';

/** The report of a recovery as a page, for the post-mortem. Contains no secret. */
export function reportMarkdown(report: RecoveryReport): string {
  const text = describeReport(report);
  const blocks = [
    `# ${escapeMarkdown(text.title)}: ${escapeMarkdown(text.headline.text)}`,
    ...text.outcome.map(escapeMarkdown),
    markdownTable(['', ''], text.facts),
    ...section('Plan', text.plan ? [markdownList(text.plan.matters), steps(text.plan)] : []),
    ...section('Phases', [
      markdownTable(
        ['phase', 'began', 'time', ''],
        text.phases.map(({ name, startedAt, time, people }) => [name, startedAt, time, people]),
      ),
    ]),
    ...section('Nodes', [
      markdownTable(
        ['node', 'role', 'state', ''],
        text.nodes.map(({ name, role, state, detail }) => [name, role, state, detail ?? '']),
      ),
    ]),
    ...section('Errors', [
      markdownTable(
        ['at', 'phase', 'node', 'code', 'what', 'outcome'],
        text.errors.map(({ at, phase, node, code, problem, outcome }) => [at, phase, node, code, problem, outcome]),
      ),
    ]),
    ...section('Data that was kept', [
      ...text.commands.map(markdownCommand),
      markdownTable(
        ['node', 'path'],
        text.kept.map(({ node, path }) => [node, path]),
      ),
    ]),
    ...section('Removed', [
      markdownTable(
        ['node', 'path', 'size'],
        text.removed.map(({ node, path, size }) => [node, path, size]),
      ),
    ]),
    ...section('Warnings', [markdownList(text.warnings)]),
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** Omitted if empty. */
function section(heading: string, blocks: string[]): string[] {
  const filled = blocks.filter((block) => block !== '');
  return filled.length === 0 ? [] : [`## ${heading}`, ...filled];
}

function steps(plan: NonNullable<ReportText['plan']>): string {
  return plan.steps
    .map(({ node, steps: list }) =>
      [`- ${escapeMarkdown(node)}`, ...list.map((step) => `  1. ${escapeMarkdown(step)}`)].join('\n'),
    )
    .join('\n');
}
