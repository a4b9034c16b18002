import { escapeMarkdown, markdownCommand, markdownList } from '../../src/contract/markdown';
import type { SandboxRunText } from '../../src/contract/voice/sandbox-run-text';

/** What `temporal workflow metadata` and the Web UI show of a run in a sandbox, in Markdown. */
export function sandboxRunDetails({ headline, facts, commands, refused, warnings }: SandboxRunText): string {
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
