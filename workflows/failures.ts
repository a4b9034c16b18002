import { ActivityFailure, ApplicationFailure, rootCause, TimeoutFailure } from '@temporalio/workflow';
import type { z } from 'zod';
import { isDrError } from '../src/contract/failures';
import { parseInput } from '../src/contract/input';

export interface Problem {
  code: string;
  problem: string;
  advice: string;
}

/** What a failed step says, in words for the operator. */
export function problemOf(error: unknown, step: string): Problem {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) {
    const details = cause.details?.[0] as { advice?: string | null } | undefined;
    return {
      code: cause.type ?? 'Internal',
      problem: cause.message,
      advice: details?.advice ?? 'Mend the cause, then resume.',
    };
  }
  if (cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START') {
    return {
      code: 'AgentUnreachable',
      problem: `Nobody picked up ${step}: the agent does not run, or does not reach Temporal.`,
      advice: 'Start the agent on that host (`vault-dr agent`). The step is tried again by itself every ten seconds.',
    };
  }
  if (cause instanceof TimeoutFailure) {
    const last = cause.cause instanceof Error ? ` The last error was: ${cause.cause.message}` : '';
    return {
      code: 'TimedOut',
      problem: `${step} did not end in time.${last}`,
      advice: 'See whether that host and its agent are well, then resume.',
    };
  }
  return { code: 'Internal', problem: rootCause(error) ?? String(error), advice: 'Mend the cause, then resume.' };
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
