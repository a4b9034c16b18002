import { ActivityFailure, ApplicationFailure, rootCause, TimeoutFailure } from '@temporalio/workflow';
import { DefaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import type { z } from 'zod';
import { isDrError } from '../../src/contract/failures';
import { parseInput } from '../../src/contract/input';

export interface Problem {
  code: string;
  problem: string;
  advice: string;
}

const REPAIR = 'Fix the cause, then resume.';

/** What a failed step says, in words for the operator. */
export function problemOf(error: unknown, step: string, next = REPAIR): Problem {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) {
    const details = cause.details?.[0] as { advice?: string | null } | undefined;
    return {
      code: cause.type ?? 'Internal',
      problem: cause.message,
      advice: details?.advice ?? next,
    };
  }
  if (cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START') {
    return {
      code: 'AgentUnreachable',
      problem: `Nobody picked up ${step}: the agent does not run, or does not reach Temporal.`,
      advice: 'Start the agent on that host (`vault-dr agent`). The run continues by itself as soon as it answers.',
    };
  }
  if (cause instanceof TimeoutFailure) {
    const last = lastAttemptOf(cause);
    const said = last && problemOf(last, step, next);
    return {
      code: 'TimedOut',
      problem: `${step} did not end in time.${said ? ` The last error was: ${said.problem}` : ''}`,
      advice: said?.advice ?? 'See whether that host and its agent are well, then resume.',
    };
  }
  return { code: 'Internal', problem: rootCause(error) ?? String(error), advice: next };
}

/** Whether a step was given up because its time was over, whatever its attempts had failed with. */
export function ranOutOfTime(error: unknown): boolean {
  return error instanceof ActivityFailure && (error.cause instanceof TimeoutFailure || error.retryState === 'TIMEOUT');
}

/** Whether a step was given up without any sign from its last worker: not even a heartbeat. */
export function nobodyAnswered(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (!(cause instanceof TimeoutFailure)) return false;
  const last = lastAttemptOf(cause);
  return isSilence(cause) && (last === null || (last instanceof TimeoutFailure && isSilence(last)));
}

/** An attempt that reached its own limit was working until then, or its heartbeat would have been missed before. */
function isSilence({ timeoutType }: TimeoutFailure): boolean {
  return timeoutType !== 'START_TO_CLOSE';
}

/** What the attempt before the time was over failed with. The SDK keeps it in its raw form only. */
function lastAttemptOf({ failure }: TimeoutFailure): Error | null {
  return failure?.cause ? new DefaultFailureConverter().failureToError(failure.cause, defaultPayloadConverter) : null;
}

/** Parses input; a failure of ours ends the run at once, where a plain error would retry the workflow task for ever. */
export function parseOrFail<T>(schema: z.ZodType<T>, raw: unknown, example: string): T {
  try {
    return parseInput(schema, raw, example);
  } catch (error) {
    if (isDrError(error)) throw ApplicationFailure.nonRetryable(error.message, error.code);
    throw error;
  }
}
