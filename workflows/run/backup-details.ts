import type { BackupProgress } from '../../src/contract/backup';
import { escapeMarkdown } from '../../src/contract/markdown';

/** What `temporal workflow metadata` and the Web UI show of a backup, in Markdown. */
export function backupDetails({ cluster, phase, generation, copies, missing, warnings }: BackupProgress): string {
  const lines = [`### Backup of ${escapeMarkdown(cluster)}: ${phase}`];
  if (generation) lines.push('', `Backup \`${generation}\``);
  for (const copy of copies) lines.push(`- ${escapeMarkdown(copy.repository)}: stored and ${copy.check}`);
  for (const { repository, problem } of missing) {
    lines.push(`- ${escapeMarkdown(repository)}: **no copy yet**: ${escapeMarkdown(problem)}`);
  }
  if (warnings.length > 0) lines.push('', '**Warnings**', ...warnings.map((text) => `- ${escapeMarkdown(text)}`));
  return lines.join('\n');
}
