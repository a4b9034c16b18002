import { Context, type Info } from '@temporalio/activity';
import { Client } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type {
  ActivityExecuteInput,
  ActivityInboundCallsInterceptor,
  ActivityInterceptorsFactory,
  NativeConnection,
  Next,
} from '@temporalio/worker';
import { nodeOfTaskQueue, RETRY_HEADER, RETRY_SIGNAL } from '../contract/names';
import { boundedProblem, failedTryIn } from '../contract/retry-notice';
import { type Execution, RetryNotices } from './retry-notices';
import { parseFailureDetails } from '../contract/failure-details';

const ANSWER_WITHIN_MS = 5_000;

/** For a worker: tells its runs soon, and briefly, about steps that fail here and are retried. */
export function retryInterceptors(connection: NativeConnection, namespace: string): ActivityInterceptorsFactory[] {
  const client = new Client({ connection, namespace });
  const notices = new RetryNotices(({ workflowId, runId }, notice) =>
    client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      client.workflow.getHandle(workflowId, runId).signal(RETRY_SIGNAL, notice),
    ),
  );
  return [() => ({ inbound: new RetryInterceptor(notices) })];
}

/**
 * Sees the failure of a step before Temporal does, which reports nothing while it retries; and the failures that a step
 * which retries by itself reports in its heartbeats.
 */
export class RetryInterceptor implements ActivityInboundCallsInterceptor {
  constructor(private readonly notices: RetryNotices) {}

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const context = Context.current();
    const { info } = context;
    const run = info.workflowExecution;
    if (!run || !(RETRY_HEADER in input.headers)) return next(input);
    const key = `${run.runId}/${info.activityId}`;
    const heartbeat = context.heartbeat.bind(context);
    const overheard: { heartbeat: Context['heartbeat'] } = context;
    overheard.heartbeat = (details?: unknown) => {
      this.#hear(key, run, info, details);
      heartbeat(details);
    };
    try {
      const result = await next(input);
      this.notices.over(key);
      return result;
    } catch (error) {
      if (isRetried(error, info)) this.#note(key, run, info, info.attempt, problemIn(error));
      else this.notices.over(key);
      throw error;
    }
  }

  #hear(key: string, run: Execution, info: Info, details: unknown): void {
    const failed = failedTryIn(details);
    if (failed === null) return this.notices.goesOn(key);
    const { tries, ...failure } = failed;
    this.#note(key, run, info, tries, failure);
  }

  #note(key: string, run: Execution, { activityType, taskQueue }: Info, attempt: number, failure: Problem): void {
    const node = nodeOfTaskQueue(taskQueue);
    this.notices.failed(key, run, { step: activityType, node, attempt, failure: boundedProblem(failure) });
  }
}

type Problem = Parameters<typeof boundedProblem>[0];

function problemIn(error: unknown): Problem {
  const { message } = error instanceof Error ? error : new Error(String(error));
  if (!(error instanceof ApplicationFailure)) return { code: 'Internal', problem: message, advice: null };
  const { advice } = parseFailureDetails(error.details?.[0]);
  return { code: error.type ?? 'Internal', problem: message, advice };
}

/** Whether Temporal will retry it, as far as the worker knows. */
function isRetried(error: unknown, { attempt, retryPolicy, scheduledTimestampMs, scheduleToCloseTimeoutMs }: Info) {
  if (error instanceof CancelledFailure) return false;
  if (error instanceof ApplicationFailure && error.nonRetryable) return false;
  const most = retryPolicy?.maximumAttempts ?? 0;
  if (most > 0 && attempt >= most) return false;
  return scheduleToCloseTimeoutMs <= 0 || Date.now() < scheduledTimestampMs + scheduleToCloseTimeoutMs;
}
