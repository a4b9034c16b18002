import { escapeMarkdown, markdownCommand, markdownList, markdownTable } from '../../src/contract/markdown';
import type { RecoveryProgress } from '../../src/contract/recovery';
import { describeRun, type PlanText, type Reason } from '../../src/contract/voice/run-text';

/** What `temporal workflow metadata` and the Web UI show of a recovery, in Markdown. Renewed only when the run moves. */
export function recoveryDetails(progress: RecoveryProgress): string {
  const run = describeRun(progress, null);
  const rows = run.nodes.map(({ name, role, state, detail }) => [name, role, state, detail ?? '']);
  const blocks = [
    `### ${escapeMarkdown(run.title)}`,
    `**${escapeMarkdown(run.headline.text)}** (${escapeMarkdown(run.step)})`,
    ...run.why.map(reason),
    ...run.commands.map(markdownCommand),
    ...paragraphs(run.rollBack),
    run.plan ? markdownList(planLines(run.plan)) : '',
    markdownTable(['node', 'role', 'state', ''], rows),
    ...paragraphs(run.approvals, run.shares),
    markdownList(run.refusedShares),
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
}

function reason({ where, problem, advice }: Reason): string {
  return [
    `${where === null ? '' : `**${escapeMarkdown(where)}**: `}${escapeMarkdown(problem)}`,
    ...paragraphs(advice),
  ].join('\n\n');
}

function planLines({ matters, steps, warnings }: PlanText): string[] {
  return [
    ...matters,
    ...warnings.map((text) => `! ${text}`),
    ...steps.map(({ node, steps: list }) => `${node}: ${list.join(' → ')}`),
  ];
}

function paragraphs(...texts: (string | null)[]): string[] {
  return texts.flatMap((text) => (text === null ? [] : [escapeMarkdown(text)]));
}
