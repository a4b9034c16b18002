import { codesIn, noticeIn } from '../catalogue/catalogue';
import type { BackupProgress, BackupResult } from '../contract/backup';
import type { PendingStep } from '../contract/pending-step';
import type { NoticeCode } from '../contract/notice';
import type { RecoveryProgress, RecoveryReport } from '../contract/recovery';

/*
 * The codes of messages as fields of their own, for JSON. They are read from the texts, because histories, manifests and
 * reports have nothing else.
 */

/** A message, once for each code in it. */
export interface Notice {
  code: string;
  text: string;
}

/** On screen each missing copy has this code. */
const COPY_MISSING: NoticeCode = 'copy-missing';

export type Noted<T> = T & { notice: string | null };

export function noticesIn(texts: readonly string[]): Notice[] {
  return [...new Set(texts)].flatMap((text) => codesIn(text).map((code) => ({ code, text })));
}

/** For the commands on repositories: of warnings, and of repositories and backups that could not be read. */
export function noticesOfTrouble(trouble: {
  warnings: readonly string[];
  unanswered: readonly { problem: string }[];
  unreadable: readonly { problem: string }[];
}): Notice[] {
  const { warnings, unanswered, unreadable } = trouble;
  return noticesIn([...warnings, ...[...unanswered, ...unreadable].map(({ problem }) => problem)]);
}

export function progressDocument(progress: RecoveryProgress, pending: PendingStep[]) {
  return {
    ...progress,
    ...notedParts(progress),
    pending: pending.map((step) => ({ ...step, failure: step.failure && noted(step.failure) })),
    notices: noticesIn([
      ...(progress.plan?.warnings ?? []),
      ...(progress.shares?.problem ? [progress.shares.problem] : []),
    ]),
  };
}

export function reportDocument(report: RecoveryReport) {
  return {
    ...report,
    ...notedParts(report),
    notices: noticesIn([...(report.plan?.warnings ?? []), ...report.warnings]),
  };
}

export function backupDocument<T extends BackupProgress | BackupResult>(backup: T) {
  const { missing, ...rest } = backup;
  const retention = 'retention' in backup ? backup.retention.flatMap(({ warnings }) => warnings) : [];
  return {
    ...rest,
    missing: missing.map((copy) => ({ ...copy, notice: noticeIn(copy.problem) ?? COPY_MISSING })),
    notices: noticesIn([...backup.warnings, ...retention]),
  };
}

function notedParts({ parked, errors, retrying }: RecoveryProgress) {
  return {
    parked: parked.map(noted),
    errors: errors.map(noted),
    ...(retrying && { retrying: retrying.map(noted) }),
  };
}

function noted<T extends { problem: string }>(item: T): Noted<T> {
  return { ...item, notice: noticeIn(item.problem) };
}
