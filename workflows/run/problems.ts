import { ActivityFailure, ApplicationFailure, rootCause, TimeoutFailure } from '@temporalio/workflow';
import { DefaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import type { z } from 'zod';
import { isDrError } from '../../src/contract/failures';
import { parseInput } from '../../src/contract/input';
import { notice } from '../../src/contract/notice';
import { failureDetails, type FailureDetails } from '../../src/contract/failure-details';

export interface Problem {
  code: string;
  problem: string;
  advice: string;
  where: string | null;
}

interface Ending {
  code: string;
  problem: string;
  advice: string | undefined;
  /** Node, repository or file. */
  where?: string | null;
  /** What else the product itself reads of it. */
  also?: object | undefined;
}

/**
 * What ends a run or turns a message down. Whoever waits for the answer gets the advice and the place beside the message; stock
 * tools show the message alone, so the advice stands in it, too.
 */
export function ending({ code, problem, advice, where, also }: Ending, cause?: unknown): ApplicationFailure {
  return ApplicationFailure.create({
    message: advice === undefined ? problem : `${problem}${problem.endsWith('\n') ? '' : ' '}${advice}`,
    type: code,
    nonRetryable: true,
    details: [failureDetails({ advice, where }), ...(also === undefined ? [] : [also])],
    ...(cause instanceof Error ? { cause } : {}),
  });
}

const REPAIR = 'Fix the cause, then resume.';

/** A failed step in words for the operator. */
export function problemOf(error: unknown, step: string, next = REPAIR): Problem {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) {
    const details = cause.details?.[0] as Partial<FailureDetails> | undefined;
    return {
      code: cause.type ?? 'Internal',
      problem: withoutAdvice(cause.message, details?.advice),
      advice: details?.advice ?? next,
      where: details?.where ?? null,
    };
  }
  if (cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START') {
    return {
      code: 'AgentUnreachable',
      problem: notice('agent-silent', `Nobody picked up ${step}: the agent does not run, or does not reach Temporal.`),
      advice: 'Start the agent on that host (`vault-dr agent`). The run continues by itself as soon as it answers.',
      where: null,
    };
  }
  if (cause instanceof TimeoutFailure) {
    const last = lastAttemptOf(cause);
    const said = last && problemOf(last, step, next);
    return {
      code: 'TimedOut',
      problem: `${notice('step-timed-out', `${step} did not end in time.`)}${said ? ` The last error was: ${said.problem}` : ''}`,
      advice: said?.advice ?? 'See whether that host and its agent are well, then resume.',
      where: said?.where ?? null,
    };
  }
  return { code: 'Internal', problem: rootCause(error) ?? String(error), advice: next, where: null };
}

/** That of a run that was ended has it in its message as well. */
function withoutAdvice(message: string, advice: string | null | undefined): string {
  return advice && message.endsWith(` ${advice}`) ? message.slice(0, -advice.length - 1) : message;
}

/** Whether a step timed out, whatever its attempts failed with. */
export function ranOutOfTime(error: unknown): boolean {
  return error instanceof ActivityFailure && (error.cause instanceof TimeoutFailure || error.retryState === 'TIMEOUT');
}

/** Whether nobody took a step up: its host, or what serves the host's queue, is away. */
export function isGone(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START';
}

/** Whether a step timed out without any sign from its last worker, not even a heartbeat. */
export function nobodyAnswered(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (!(cause instanceof TimeoutFailure)) return false;
  const last = lastAttemptOf(cause);
  return isSilence(cause) && (last === null || (last instanceof TimeoutFailure && isSilence(last)));
}

/**
 * An attempt that reached its own limit was alive until then: otherwise its heartbeat would have been missed earlier.
 */
function isSilence({ timeoutType }: TimeoutFailure): boolean {
  return timeoutType !== 'START_TO_CLOSE';
}

/** The failure of the last attempt before the time-out. The SDK provides it in raw form only. */
function lastAttemptOf({ failure }: TimeoutFailure): Error | null {
  return failure?.cause ? new DefaultFailureConverter().failureToError(failure.cause, defaultPayloadConverter) : null;
}

/** Parses input. A failure of ours ends the run at once; a plain error would retry the workflow task forever. */
export function parseOrFail<T>(schema: z.ZodType<T>, raw: unknown, example: string): T {
  try {
    return parseInput(schema, raw, example);
  } catch (error) {
    if (!isDrError(error)) throw error;
    const { code, message: problem, advice } = error;
    throw ending({ code, problem, advice });
  }
}
