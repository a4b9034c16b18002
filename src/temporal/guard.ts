import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client';
import { DrError } from '../contract/failures';
import {
  GUARD,
  guardMemo,
  type GuardMemo,
  type GuardInput,
  guardWorkflowId,
  type Serving,
  serving,
} from '../contract/guard';
import { PRIORITY } from '../contract/names';
import { pendingSteps } from './pending-steps';
import { resultOf, startRun } from './runs';

export type GuardHandle = WorkflowHandle<(input: GuardInput) => Promise<unknown>>;

/** @throws DrError AlreadyRunning while another guard of the cluster waits for it */
export function startGuardWait(client: Client, input: GuardInput): Promise<GuardHandle> {
  const { cluster, requestedBy, withinSeconds, change } = input;
  const memo: GuardMemo = { stage: change?.stage ?? null, program: change?.program ?? null, requestedBy };
  return startRun<GuardInput, unknown>(client, {
    type: GUARD.workflow,
    workflowId: guardWorkflowId(cluster),
    cluster,
    input,
    priority: PRIORITY.recovery,
    memo: { guard: memo },
    summary: `Wait until ${cluster} serves, for at most ${withinSeconds} s, requested by ${requestedBy}`,
    followCommand: `temporal workflow describe --workflow-id ${guardWorkflowId(cluster)}. It ends by itself; to end it now: temporal workflow cancel --workflow-id ${guardWorkflowId(cluster)}`,
  });
}

/** A command that began, and of which nobody has seen the end: it may run, or its guard was killed. Null if there is none. */
export async function openCommand(client: Client, cluster: string): Promise<(GuardMemo & { at: string }) | null> {
  try {
    const { status, memo, startTime } = await client.workflow.getHandle(guardWorkflowId(cluster)).describe();
    const { data } = guardMemo.safeParse(memo?.['guard']);
    const isOpen = status.name === 'COMPLETED' && data?.stage === 'begins';
    return isOpen ? { ...data, at: startTime.toISOString() } : null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** Of a wait that nobody needs any more. */
export async function cancelGuardWait(client: Client, cluster: string, withinMs: number): Promise<void> {
  const cancelled = client.workflow.getHandle(guardWorkflowId(cluster)).cancel();
  await Promise.race([cancelled.catch(() => undefined), sleep(withinMs, undefined, { ref: false })]);
}

/** Anybody who can write to the namespace may have made it. */
export async function guardResult(handle: GuardHandle): Promise<Serving> {
  const { data } = serving.safeParse(await resultOf(handle));
  if (data !== undefined) return data;
  throw new DrError('OtherVersionNeeded', `The result of '${handle.workflowId}' can't be read.`, {
    advice: 'Install the version of the controller here. If it is the same: look at who may write to the namespace.',
  });
}

/** What it waits for, in one line. */
export async function guardWait(handle: GuardHandle): Promise<string> {
  const [step] = pendingSteps(await handle.describe());
  return step?.failure?.problem ?? step?.says ?? 'Looking at the cluster.';
}
