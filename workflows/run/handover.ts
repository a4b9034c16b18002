import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import type { RecoveryProgress, RecoveryReport } from '../../src/contract/recovery';
import type { HandedDecisions } from './decisions';
import type { HandedJournal } from './journal';
import type { HandedShares } from './share-sets';
import type { HandedWaits } from './waiting';

/**
 * The whole state of a recovery, for the execution that continues in its place when its history has become long. Plain JSON: what is
 * not in here is forgotten. Steps already done in the current phase are in `done`, by name, and are not done again.
 */
export interface Handover {
  progress: RecoveryProgress;
  planWarnings: string[];
  graceDays: number;
  staged: string | null;
  /** Whether a mark says that the cluster was restored, which a roll back takes back. */
  marked: boolean;
  setAside: RecoveryReport['setAside'];
  removed: RecoveryReport['removed'];
  /** Nodes that were rebuilt once by the run itself. */
  blanked: string[];
  unsealing: { automatic: boolean; kept: string[]; checker: string };
  done: Record<string, unknown>;
  journal: HandedJournal;
  shares: HandedShares;
  waits: HandedWaits;
  decisions: HandedDecisions;
}

/**
 * What an earlier execution has handed over; null in the first one. That there was one is Temporal's word; what it says anybody can
 * have written who can write to the namespace. So it decides nothing that an input of a step does not: each step checks what it
 * is given, and each host the signatures.
 * @throws ApplicationFailure InvalidInput when a first execution is handed something.
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
