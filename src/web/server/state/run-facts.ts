import { type Client, WorkflowNotFoundError, type WorkflowExecutionDescription } from '@temporalio/client';
import { withCauses } from '../../../contract/causes';
import { DrError } from '../../../contract/failures';
import { PROGRESS_QUERY } from '../../../contract/names';
import type { PendingStep } from '../../../contract/pending-step';
import { firstRunOf } from '../../../temporal/first-run';
import { pendingSteps } from '../../../temporal/pending-steps';
import type { RunKind } from '../../model';
import { isRunOf, type ListedRun, workflowIdOf } from './run-list';

/** What Temporal and the run itself say of a run. Answers are of whoever can write to the namespace, and not parsed yet. */
export interface RunFacts extends ListedRun {
  pending: PendingStep[];
  /** Undefined: not asked, or no answer. */
  progress: unknown;
  /** Of one that has ended with one. */
  result: unknown;
  /** Of one that has ended otherwise. */
  failure: string | null;
  /** No answer to the query. */
  silent: boolean;
}

const LONGEST_FAILURE = 2_000;
const QUERY_WITHIN_MS = 4_000;

/** Null: there is no such run of this kind and cluster. */
export async function readRun(client: Client, cluster: string, kind: RunKind, run: string): Promise<RunFacts | null> {
  const found = await descriptionOf(client, cluster, kind, run);
  if (found === null || !isRunOf(found, kind, cluster)) return null;
  const { workflowId, status, startTime, closeTime } = found;
  const handle = client.workflow.getHandle(workflowId, found.runId);
  const asks = kind !== 'evaluation' && kind !== 'guard';
  const asked = asks
    ? await client
        .withDeadline(Date.now() + QUERY_WITHIN_MS, () => handle.query<unknown>(PROGRESS_QUERY))
        .catch(() => undefined)
    : undefined;
  const ended =
    status.name === 'RUNNING'
      ? { result: undefined, failure: null }
      : await (handle.result() as Promise<unknown>).then(
          (result) => ({ result, failure: null }),
          (error: unknown) => ({ result: undefined, failure: withCauses(error).slice(0, LONGEST_FAILURE) }),
        );
  return {
    kind,
    cluster,
    workflowId,
    run,
    startedAt: startTime.toISOString(),
    endedAt: closeTime?.toISOString() ?? null,
    execution: status.name,
    pending: pendingSteps(found),
    progress: asked,
    ...ended,
    silent: asks && asked === undefined,
  };
}

/** The execution in which a run is, or with which it ended. */
async function descriptionOf(
  client: Client,
  cluster: string,
  kind: RunKind,
  run: string,
): Promise<WorkflowExecutionDescription | null> {
  const id = workflowIdOf(kind, cluster);
  const latest = await described(client, id);
  if (latest && [latest.runId, firstRunOf(latest)].includes(run)) return latest;
  const named = await described(client, id, run);
  if (named) return latest && firstRunOf(named) === firstRunOf(latest) ? latest : named;
  // A schedule has given it an id of its own.
  for await (const { workflowId, runId } of client.workflow.list({ query: `RunId = '${run}'`, pageSize: 1 })) {
    return runId === run ? described(client, workflowId, run) : null;
  }
  return null;
}

async function described(client: Client, id: string, run?: string): Promise<WorkflowExecutionDescription | null> {
  try {
    return await client.workflow.getHandle(id, run).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || isBadRun(error)) return null;
    throw error;
  }
}

/** Temporal takes nothing but UUIDs. */
function isBadRun(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  return cause?.code === 3;
}

/** @throws DrError for what can't be read */
export function parsed<T>(schema: { safeParse: (value: unknown) => { data?: T | undefined } }, value: unknown): T {
  const { data } = schema.safeParse(value);
  if (data !== undefined) return data;
  throw new DrError('OtherVersionNeeded', "What the run says can't be read by this version.", {
    advice: 'Install the version of the controller here. If it is the same: look at who may write to the namespace.',
  });
}
