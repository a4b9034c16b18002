import type { WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { nodeOfTaskQueue } from '../contract/names';
import type { PendingStep } from '../contract/pending-step';
import type { StepProblem } from '../contract/recovery';
import { formatBytes } from '../contract/format';
import { boundedProblem, cut, failedTryIn } from '../contract/retry-notice';

type Activity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];
type Failure = NonNullable<Activity['lastFailure']>;
type Payload = Parameters<typeof defaultPayloadConverter.fromPayload>[0];

const SCHEDULED = 1;
const LONGEST_WORD = 300;
const MOST = 100;

/** The pending steps of a run, for people to read. Anyone who can write to the namespace may have written them. */
export function pendingSteps({ raw, status }: Pick<WorkflowExecutionDescription, 'raw' | 'status'>): PendingStep[] {
  // A terminated run still lists the steps that were pending then.
  if (status.name !== 'RUNNING') return [];
  return (raw.pendingActivities ?? []).slice(0, MOST).map(describe);
}

function describe(activity: Activity): PendingStep {
  const { activityType, activityOptions, state, lastFailure, scheduledTime } = activity;
  const attempt = activity.attempt ?? 1;
  const details = firstOf(activity.heartbeatDetails?.payloads);
  const tried = failedTryIn(details);
  const next = timeOf(activity.nextAttemptScheduleTime);
  const waits = state === SCHEDULED;
  return {
    step: cut(activityType?.name ?? '', 64),
    node: nodeOfTaskQueue(activityOptions?.taskQueue?.name ?? ''),
    state: !waits ? 'running' : lastFailure ? 'backing off' : 'waiting',
    attempts: tried ? tried.tries : attempt,
    since: timeOf(scheduledTime) ?? new Date().toISOString(),
    nextAttemptAt: waits ? next : null,
    failure: tried ? boundedProblem(tried) : lastFailure ? problemOf(lastFailure) : null,
    says: saysIn(details),
  };
}

function problemOf({ message, applicationFailureInfo, timeoutFailureInfo }: Failure): StepProblem {
  const details = firstOf(applicationFailureInfo?.details?.payloads) as { advice?: unknown } | null | undefined;
  return boundedProblem({
    code: applicationFailureInfo?.type ?? (timeoutFailureInfo ? 'TimedOut' : 'Internal'),
    problem: timeoutFailureInfo ? 'the last attempt sent no more heartbeats' : (message ?? ''),
    advice: typeof details?.advice === 'string' ? details.advice : null,
  });
}

function saysIn(details: unknown): string | null {
  if (typeof details === 'string') return cut(details, LONGEST_WORD);
  if (typeof details !== 'object' || details === null) return null;
  const { what, bytes } = details as { what?: unknown; bytes?: unknown };
  if (typeof what !== 'string') return null;
  return cut(typeof bytes === 'number' ? `${what}: ${formatBytes(bytes)}` : what, LONGEST_WORD);
}

function firstOf(payloads: Payload[] | null | undefined): unknown {
  const [payload] = payloads ?? [];
  if (!payload) return undefined;
  try {
    return defaultPayloadConverter.fromPayload(payload);
  } catch {
    return undefined;
  }
}

function timeOf(time: Activity['scheduledTime']): string | null {
  if (!time?.seconds) return null;
  return new Date(Number(time.seconds) * 1_000 + (time.nanos ?? 0) / 1e6).toISOString();
}
