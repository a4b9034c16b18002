import type { BackupProgress } from '../../src/contract/backup';

/** What `temporal workflow metadata` and the Web UI show of a backup, in Markdown. */
export function backupDetails(progress: BackupProgress): string {
  const lines = [`### Backup of \`${progress.cluster}\`: ${progress.phase}`];
  if (progress.generation) lines.push('', `Generation \`${progress.generation}\``);
  for (const copy of progress.copies) lines.push(`- \`${copy.repository}\`: stored and ${copy.check}`);
  for (const miss of progress.missing) lines.push(`- \`${miss.repository}\`: **no copy yet**: ${miss.problem}`);
  if (progress.warnings.length > 0) lines.push('', '**Warnings**', ...progress.warnings.map((text) => `- ${text}`));
  return lines.join('\n');
}
