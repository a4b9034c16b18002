import type { RaftStorage } from '../contract/host';

/** How far a disk has got in Raft's log, applied or not. */
export interface LogEnd {
  term: number;
  index: number;
}

/** A log that was compacted behind a snapshot ends before what was applied. */
export function logEndOf({ appliedTerm, appliedIndex, lastLogIndex, lastLogTerm }: RaftStorage): LogEnd {
  const applied = { term: appliedTerm, index: appliedIndex };
  if (lastLogIndex === null) return applied;
  // Without its own term, that of what was applied of it is the nearest: a log never goes back to an older one.
  const logged = { term: lastLogTerm ?? appliedTerm, index: lastLogIndex };
  return compareLogEnds(logged, applied) > 0 ? logged : applied;
}

/**
 * By the rule of Raft's own elections: the newer term, then the higher index. A leader that was cut off continues to number
 * entries that nobody acknowledges, so in an older term a higher index says nothing. Only for disks of one cluster that
 * were never restored separately: a restore resets terms.
 */
export function compareLogEnds(left: LogEnd, right: LogEnd): number {
  return left.term - right.term || left.index - right.index;
}

/** Why it is not certain how far a disk has got; null when it is. */
export function unknownEnd({
  appliedIndex,
  appliedTerm,
  lastLogIndex,
  lastLogTerm,
  logProblem,
}: RaftStorage): string | null {
  if (logProblem)
    return `its log can't be read, so only its applied entries count, up to index ${appliedIndex} in term ${appliedTerm} (${logProblem.replace(/\.$/, '')})`;
  // An agent without support for raft-wal reported its log as empty.
  if (logProblem === undefined && lastLogIndex === null) {
    return `an agent of an earlier version can't read its log, so only its applied entries count, up to index ${appliedIndex} in term ${appliedTerm}: upgrade the agent`;
  }
  if (lastLogIndex === null || typeof lastLogTerm === 'number') return null;
  return `the last term of its log is unknown (an agent of an earlier version?), so that of its last applied entry counts, ${appliedTerm}`;
}
