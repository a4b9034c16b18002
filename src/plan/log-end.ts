import type { RaftStorage } from '../contract/host';

/** The end of Raft's log on a disk, applied or not. */
export interface LogEnd {
  term: number;
  index: number;
}

/** A log that was compacted into a snapshot may end before what was applied. */
export function logEndOf({ appliedTerm, appliedIndex, lastLogIndex, lastLogTerm }: RaftStorage): LogEnd {
  const applied = { term: appliedTerm, index: appliedIndex };
  if (lastLogIndex === null) return applied;
  // If its own term is unknown, that of what was applied is the closest: terms in a log never decrease.
  const logged = { term: lastLogTerm ?? appliedTerm, index: lastLogIndex };
  return compareLogEnds(logged, applied) > 0 ? logged : applied;
}

/**
 * The rule of Raft's own elections: newer term first, then higher index. A leader that was cut off keeps numbering
 * entries that nobody acknowledges, so in an older term a higher index means nothing. Only for disks of one cluster
 * that were never restored separately: a restore resets terms.
 */
export function compareLogEnds(left: LogEnd, right: LogEnd): number {
  return left.term - right.term || left.index - right.index;
}

/** Why the end of a disk's log is uncertain; null if it is known. */
export function unknownEnd({
  appliedIndex,
  appliedTerm,
  lastLogIndex,
  lastLogTerm,
  logProblem,
}: RaftStorage): string | null {
  if (logProblem)
    return `its log can't be read, so only its applied entries count, up to index ${appliedIndex} in term ${appliedTerm} (${logProblem.replace(/\.$/, '')})`;
  // Agents without support for raft-wal reported its log as empty.
  if (logProblem === undefined && lastLogIndex === null) {
    return `an agent of an earlier version can't read its log, so only its applied entries count, up to index ${appliedIndex} in term ${appliedTerm}: upgrade the agent`;
  }
  if (lastLogIndex === null || typeof lastLogTerm === 'number') return null;
  return `the last term of its log is unknown (an agent of an earlier version?), so that of its last applied entry counts, ${appliedTerm}`;
}
