import { ApplicationFailure, isCancellation, proxyLocalActivities } from '@temporalio/workflow';
import { ActivityFailure, TemporalFailure } from '@temporalio/common';
import type { ControllerActivities } from '../../activities/controller';
import { controllerSummary } from '../../src/contract/voice/step-summary';
import { counted } from './patient-activities';
import { controller } from './steps';

/** Far more than such a step takes where all is well, and far less than a workflow task may take. */
const LIMIT_MS = 3_000;

/** Steps of moments that change nothing: after a crash they are done again. */
const QUICK = ['planBackup', 'checkHealth', 'planRestore', 'makePlan', 'makeCanary', 'judgeReadiness'] as const;
type Quick = Pick<ControllerActivities, (typeof QUICK)[number]>;

/**
 * Steps that are tried once within the workflow task, which makes one event where a step of its own makes six. One that fails
 * there is scheduled like any other, so that its retries are seen.
 */
export const quick = Object.fromEntries(
  QUICK.map((step) => [step, (input: unknown) => tryAtOnce(step, input)]),
) as Quick;

type Ask = (input: unknown) => Promise<unknown>;

async function tryAtOnce(step: keyof Quick, input: unknown): Promise<unknown> {
  const local = proxyLocalActivities<Record<string, Ask>>({
    startToCloseTimeout: LIMIT_MS,
    retry: { maximumAttempts: 1 },
    summary: controllerSummary(step, input),
  });
  try {
    return await counted(() => (local[step] as Ask)(input));
  } catch (error) {
    if (isCancellation(error) || !isWorthAnother(error)) throw error;
    return (controller[step] as Ask)(input);
  }
}

/** Not what another attempt would say as well, nor what is wrong with the worker rather than with the step. */
function isWorthAnother(error: unknown): boolean {
  if (!(error instanceof TemporalFailure)) return false;
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return !(cause instanceof ApplicationFailure && cause.nonRetryable === true);
}
