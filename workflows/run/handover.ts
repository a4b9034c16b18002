import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import type { RecoveryProgress, RecoveryReport } from '../../src/contract/recovery';
import type { HandedDecisions } from './decisions';
import type { HandedJournal } from './journal';
import type { HandedServing } from './serving';
import type { HandedShares } from './share-sets';
import type { HandedWaits } from './waiting';

/**
 * The whole state of a recovery, passed to the next execution when the history has become long. Plain JSON; what is
 * missing here is lost. `done` has the steps completed in the current phase, by name; they are not repeated.
 */
export interface Handover {
  progress: RecoveryProgress;
  planWarnings: string[];
  graceDays: number;
  staged: string | null;
  /** Whether a mark says that the cluster was restored; a roll-back removes it. */
  marked: boolean;
  setAside: RecoveryReport['setAside'];
  removed: RecoveryReport['removed'];
  /** Nodes that the run has rebuilt once by itself. */
  blanked: string[];
  unsealing: { automatic: boolean; kept: string[]; checker: string };
  done: Record<string, unknown>;
  journal: HandedJournal;
  shares: HandedShares;
  waits: HandedWaits;
  decisions: HandedDecisions;
  /** Absent where an earlier version handed over. */
  serving?: HandedServing;
}

/**
 * What an earlier execution handed over; null in the first one. That there was one is certain (Temporal says so); the
 * content can come from anybody who can write to the namespace. It decides nothing that inputs of steps don't: each
 * step checks its input, and each host the signatures.
 * @throws ApplicationFailure InvalidInput if a first execution gets a handover.
 */
export function received(handover: unknown): Handover | null {
  const { continuedFromExecutionRunId } = workflowInfo();
  if (handover === undefined && continuedFromExecutionRunId === undefined) return null;
  if (isHandover(handover) && continuedFromExecutionRunId !== undefined) return handover;
  throw ApplicationFailure.nonRetryable(
    'A recovery takes one input, such as {"cluster":"prod","requestedBy":"your name"}. Nothing was done.',
    'InvalidInput',
  );
}

function isHandover(value: unknown): value is Handover {
  return typeof value === 'object' && value !== null && 'progress' in value && 'decisions' in value;
}
