import { type Client, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { DrError } from '../contract/failures';
import type { ReadinessInput } from '../contract/input';
import { readinessWorkflowId } from '../contract/names';
import { isFailureSaid, type ReadinessReport } from '../contract/readiness';
import { readinessReport } from '../contract/step-input/readiness';
import { resultOf, startEvaluation } from './runs';

type Evaluate = (input: ReadinessInput) => Promise<unknown>;

/** Evaluates a cluster; where that is under way, it is waited for. */
export async function evaluateNow(
  client: Client,
  input: ReadinessInput,
  note: (text: string) => void,
): Promise<ReadinessReport> {
  const { cluster } = input;
  const handle = await startEvaluation(client, input);
  note(`Evaluating ${cluster}: backups, hosts, keys. This changes nothing, and Ctrl-C leaves it running.`);
  return asReport(await resultOf(handle), cluster);
}

/**
 * The result of the last evaluation that has ended with one.
 * @throws DrError NoSuchRun
 */
export async function lastEvaluation(client: Client, cluster: string): Promise<ReadinessReport> {
  const workflowId = readinessWorkflowId(cluster);
  const latest = client.workflow.getHandle<Evaluate>(workflowId);
  const status = await latest.describe().then(
    (description) => description.status.name,
    (error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    },
  );
  if (status === 'COMPLETED') return asReport(await latest.result(), cluster);
  // It runs, or has failed: then the one before it.
  const query = `WorkflowId = '${workflowId}' AND ExecutionStatus = 'Completed'`;
  const done: { runId: string; closedAt: number }[] = [];
  for await (const { runId, closeTime } of client.workflow.list({ query, pageSize: 100 })) {
    done.push({ runId, closedAt: closeTime?.getTime() ?? 0 });
  }
  const last = done.toSorted((left, right) => right.closedAt - left.closedAt)[0];
  if (last !== undefined) {
    return asReport(await client.workflow.getHandle<Evaluate>(workflowId, last.runId).result(), cluster);
  }
  throw new DrError('NoSuchRun', `No evaluation of '${cluster}' has ended yet, or Temporal has deleted it.`, {
    advice: `Make one: vault-dr ready --cluster ${cluster}. On schedule: vault-dr schedule apply --cluster ${cluster} --readiness`,
  });
}

/** More than are closed out of order. */
const MOST_LISTED = 10;

/** The last one that has ended with a result; null if there is none. Asks less than `lastEvaluation`. */
export async function previousEvaluation(client: Client, cluster: string): Promise<ReadinessReport | null> {
  const last = await lastEnded(client, cluster, `ExecutionStatus = 'Completed'`);
  return last === null ? null : asReport(await last.handle.result(), cluster);
}

/** Whether the last one that has ended, and was not ended by others, failed, and people were notified. */
export async function isEvaluationFailureSaid(client: Client, cluster: string): Promise<boolean> {
  const last = await lastEnded(client, cluster, `(ExecutionStatus = 'Completed' OR ExecutionStatus = 'Failed')`);
  if (last?.status !== 'FAILED') return false;
  const failure: unknown = await last.handle.result().catch((error: unknown) => error);
  const cause = failure instanceof WorkflowFailedError ? failure.cause : undefined;
  return cause instanceof ApplicationFailure && isFailureSaid(cause.details);
}

/** Of those that Temporal lists first, which are the newest. */
async function lastEnded(client: Client, cluster: string, status: string) {
  const workflowId = readinessWorkflowId(cluster);
  const ended: { runId: string; closedAt: number; status: string }[] = [];
  const query = `WorkflowId = '${workflowId}' AND ${status}`;
  for await (const { runId, closeTime, status: how } of client.workflow.list({ query, pageSize: MOST_LISTED })) {
    ended.push({ runId, closedAt: closeTime?.getTime() ?? 0, status: how.name });
    if (ended.length === MOST_LISTED) break;
  }
  const last = ended.toSorted((left, right) => right.closedAt - left.closedAt)[0];
  if (last === undefined) return null;
  return { status: last.status, handle: client.workflow.getHandle<Evaluate>(workflowId, last.runId) };
}

/** Anybody who can write to the namespace may have made it. */
function asReport(result: unknown, cluster: string): ReadinessReport {
  const { data } = readinessReport.safeParse(result);
  if (data?.cluster === cluster) return data;
  throw new DrError('OtherVersionNeeded', `The result of the evaluation of '${cluster}' can't be read.`, {
    advice: 'Install the version of the controller here. If it is the same: look at who may write to the namespace.',
  });
}
