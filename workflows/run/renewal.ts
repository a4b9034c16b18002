import {
  allHandlersFinished,
  CancellationScope,
  condition,
  makeContinueAsNewFunc,
  workflowInfo,
} from '@temporalio/workflow';
import { WORKFLOW_TASK_TIMEOUT } from '../../src/contract/names';
import type { RecoveryPhase } from '../../src/contract/recovery';
import { since } from './few-steps';
import { stepsUnderway } from './patient-activities';
import type { Handover } from './handover';
import type { Waiting } from './waiting';

/**
 * After a restart a controller must replay the whole history within one workflow task, at about one millisecond per
 * event (measured: 15,000 events took 17 s). Temporal itself ends a run at 50 MB or 51,200 events.
 */
const MOST_EVENTS = 800;
const MOST_BYTES = 4 * 1024 ** 2;

/** Phases that can be re-entered with what is handed over. */
const RENEWABLE: readonly RecoveryPhase[] = [
  'approve',
  'stage',
  'stop',
  'setAside',
  'install',
  'unseal',
  'verify',
  'join',
  'converge',
  'finish',
  'rollBack',
];

/** Resolves when the history is long and the run only waits for people: no step is interrupted or repeated. */
export async function renewalDue(phase: () => RecoveryPhase, waiting: Waiting): Promise<void> {
  const isDue = () =>
    isLong() && RENEWABLE.includes(phase()) && stepsUnderway() === 0 && allHandlersFinished() && waiting.isIdle;
  await CancellationScope.nonCancellable(() => condition(isDue));
  // Older histories continue as they are.
  if (!since('continue-as-new')) await CancellationScope.nonCancellable(() => condition(() => false));
}

function isLong(): boolean {
  const { historyLength, historySize, continueAsNewSuggested } = workflowInfo();
  return historyLength > MOST_EVENTS || historySize > MOST_BYTES || continueAsNewSuggested;
}

/** Continues in a new execution. @throws ContinueAsNew */
export function renew(input: unknown, handover: Handover): Promise<never> {
  const next = makeContinueAsNewFunc<(input: unknown, handover: unknown) => Promise<unknown>>({
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
  });
  return next(input, handover);
}
