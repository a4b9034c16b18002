import type { DrillProgress } from '../../src/contract/drill';
import { escapeMarkdown, markdownCommand, markdownList } from '../../src/contract/markdown';
import { describeDrill } from '../../src/contract/voice/drill-run-text';

/** What `temporal workflow metadata` and the Web UI show of a drill, in Markdown. */
export function drillDetails(progress: DrillProgress): string {
  const { headline, facts, commands, refused, warnings } = describeDrill(progress);
  const list = (title: string, items: string[]) => (items.length === 0 ? '' : `**${title}**\n\n${markdownList(items)}`);
  return [
    `### ${escapeMarkdown(headline)}`,
    markdownList(facts),
    ...commands.map(markdownCommand),
    list('Refused shares', refused),
    list('Warnings', warnings),
  ]
    .filter((block) => block !== '')
    .join('\n\n');
}
