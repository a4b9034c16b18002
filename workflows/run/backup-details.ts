import type { BackupProgress } from '../../src/contract/backup';
import { escapeMarkdown, markdownList } from '../../src/contract/markdown';
import { describeBackup } from '../../src/contract/voice/backup-text';

/** What `temporal workflow metadata` and the Web UI show of a backup, in Markdown. */
export function backupDetails(progress: BackupProgress): string {
  const { headline, generation, copies, missing, warnings } = describeBackup(progress);
  return [
    `### ${escapeMarkdown(headline)}`,
    ...(generation === null ? [] : [`Backup ${escapeMarkdown(generation)}`]),
    markdownList(copies),
    missing.map((text) => `- **${escapeMarkdown(text)}**`).join('\n'),
    ...(warnings.length > 0 ? [`**Warnings**\n\n${markdownList(warnings)}`] : []),
  ]
    .filter((block) => block !== '')
    .join('\n\n');
}
