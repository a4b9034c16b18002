import type { BackupProgress, BackupResult } from '../backup';
import { formatBytes, formatTime } from '../format';
import type { Method } from '../method';
import { notice } from '../notice';
import { describeContent } from './content-text';

/** Everything to say about a backup, as plain text: renderers lay it out, escape it, and add nothing. */
export interface BackupText {
  headline: string;
  /** Backup id; null until there is a snapshot. */
  generation: string | null;
  copies: string[];
  missing: string[];
  warnings: string[];
}

const WAYS: Record<Method, string> = {
  raft: '',
  filesystem: ' by a copy of a node',
  consul: ' by a snapshot of Consul',
};

type Told = Pick<BackupProgress, 'copies' | 'missing' | 'warnings'>;

export function describeBackup(progress: BackupProgress): BackupText {
  return { headline: headlineOf(progress), generation: progress.generation, ...told(progress) };
}

/** One line for logs. */
export function backupLine(progress: BackupProgress): string {
  const copies = progress.copies.map((copy) => copy.repository).join(', ');
  return `${headlineOf(progress)}${copies ? `; copies in ${copies}` : ''}`;
}

/** The result of a backup. */
export function describeBackupResult(result: BackupResult): BackupText & { facts: string[]; isEncrypted: boolean } {
  const isEncrypted = result.encryption !== 'none';
  const what = describeContent({ ...result, raft: { index: result.raftIndex } });
  const encryption = isEncrypted ? `encrypted with ${result.encryption}` : 'NOT encrypted';
  return {
    headline: `Backed up ${result.cluster} as ${result.generation}`,
    generation: result.generation,
    ...told(result),
    isEncrypted,
    facts: [
      `captured ${formatTime(result.capturedAt)}${what === null ? ` at raft index ${result.raftIndex}` : ''}, ${formatBytes(result.sizeBytes)}, ${encryption}`,
      ...(what === null ? [] : [what]),
      `sha256 ${result.sha256}`,
      ...result.caughtUp.map(({ repository, generation }) => `${repository}: caught up with ${generation}`),
      ...result.retention
        .filter(({ removed, keptLocked, failed }) => removed.length + keptLocked.length + failed.length > 0)
        .map(
          ({ repository, removed, keptLocked, failed }) =>
            `${repository}: ${removed.length} removed, ${keptLocked.length} locked, ${failed.length} failed`,
        ),
    ],
  };
}

/** For a notification, because nobody looks at a backup that succeeded. */
export function incompleteBackup(cluster: string, generation: string, problems: readonly string[]): string {
  const which = problems.map((problem) => problem.replace(/\.$/, '')).join('; ');
  return (
    `${cluster} is backed up as ${generation}, but incomplete: ${which}. ` +
    `Fix the cause; the next backup catches up. See: vault-dr backups list --cluster ${cluster}`
  );
}

function headlineOf({ cluster, phase, method }: BackupProgress): string {
  return `Backup of ${cluster}${method === undefined ? '' : WAYS[method]}: ${phase}`;
}

function told({ copies, missing, warnings }: Told): Pick<BackupText, 'copies' | 'missing' | 'warnings'> {
  return {
    copies: copies.map(({ repository, check }) => `${repository}: stored, ${check}`),
    missing: missing.map(({ repository, problem }) => notice('copy-missing', `${repository}: no copy yet: ${problem}`)),
    warnings,
  };
}
