import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  isGrpcServiceError,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type WorkflowHandle,
  type WorkflowHandleWithFirstExecutionRunId,
} from '@temporalio/client';
import type { BackupProgress, BackupResult } from '../contract/backup';
import type { DrillProgress, DrillReport } from '../contract/drill';
import { DrError } from '../contract/failures';
import { formatTime } from '../contract/format';
import type { DrillInput, ReadinessInput, RecoverSecretInput, RollCallInput } from '../contract/input';
import {
  backupWorkflowId,
  CONTROLLER_TASK_QUEUE,
  drillWorkflowId,
  fairly,
  type Priority,
  PRIORITY,
  PROGRESS_QUERY,
  readinessWorkflowId,
  recoveryWorkflowId,
  rollCallWorkflowId,
  SEARCH_ATTRIBUTE,
  secretWorkflowId,
  WORKFLOW,
  WORKFLOW_TASK_TIMEOUT,
} from '../contract/names';
import type { RecoveryProgress, RecoveryReport } from '../contract/recovery';
import type { RollCallProgress, RollCallReport } from '../contract/roll-call';
import type { SecretProgress, SecretReport } from '../contract/secret-run';
import { type Answer, yes } from '../contract/update-answers';
import { firstRunOf } from './first-run';
import { pendingSteps } from './pending-steps';

export type RecoveryHandle = WorkflowHandle<() => Promise<RecoveryReport>>;
const ASK_AGAIN_MS = 1_000;
const FAILED_PRECONDITION = 9;
/** Temporal gives the next task of a run after 1, 2, 4 … seconds. */
const TASK_PATIENCE_MS = 20_000;

export type BackupHandle = WorkflowHandle<(input: { cluster: string }) => Promise<BackupResult>>;

export type DrillHandle = WorkflowHandle<(input: Partial<DrillInput>) => Promise<DrillReport>>;

export type RollCallHandle = WorkflowHandle<(input: Partial<RollCallInput>) => Promise<RollCallReport>>;

export type SecretHandle = WorkflowHandle<(input: Partial<RecoverSecretInput>) => Promise<SecretReport>>;

type SandboxRunHandle = DrillHandle | RollCallHandle | SecretHandle;

/** What may be started on the nodes of a cluster. */
export interface RecoveryStart {
  workflow: Exclude<
    keyof typeof WORKFLOW,
    'backUpCluster' | 'drillRestore' | 'rollCall' | 'recoverSecret' | 'evaluateReadiness'
  >;
  /** The one whose nodes are changed. */
  cluster: string;
  input: { requestedBy: string } & Record<string, unknown>;
  /** For people who read a list of runs. */
  summary: string;
}

/** @throws DrError AlreadyRunning that names the run there is. */
export function startRecovery(client: Client, start: RecoveryStart): Promise<RecoveryHandle> {
  const workflowId = recoveryWorkflowId(start.cluster);
  return startRun<object, RecoveryReport>(client, {
    type: WORKFLOW[start.workflow],
    workflowId,
    cluster: start.cluster,
    input: start.input,
    priority: PRIORITY.recovery,
    summary: `${start.summary}, requested by ${start.input.requestedBy}`,
    // `temporal workflow describe` shows this and nothing that changes.
    details: `Its current wait and the next command: \`temporal workflow metadata --workflow-id ${workflowId}\``,
    followCommand: `vault-dr status --cluster ${start.cluster}`,
  });
}

/** @throws DrError AlreadyRunning, as the next two */
export function startBackup(client: Client, cluster: string): Promise<BackupHandle> {
  return startRun<{ cluster: string }, BackupResult>(client, {
    type: WORKFLOW.backUpCluster,
    workflowId: backupWorkflowId(cluster),
    cluster,
    input: { cluster },
    priority: PRIORITY.backup,
    summary: `Backup of ${cluster}`,
    followCommand: `vault-dr status --cluster ${cluster} --backup`,
  });
}

export function startDrill(client: Client, input: Partial<DrillInput> & { cluster: string }): Promise<DrillHandle> {
  const { cluster, requestedBy = 'unknown' } = input;
  return startRun<Partial<DrillInput>, DrillReport>(client, {
    type: WORKFLOW.drillRestore,
    workflowId: drillWorkflowId(cluster),
    cluster,
    input,
    priority: PRIORITY.drill,
    summary: `Drill of ${cluster}, requested by ${requestedBy}`,
    followCommand: `vault-dr status --cluster ${cluster} --drill`,
  });
}

export function startRollCall(
  client: Client,
  input: Partial<RollCallInput> & { cluster: string },
): Promise<RollCallHandle> {
  const { cluster, requestedBy = 'unknown' } = input;
  return startRun<Partial<RollCallInput>, RollCallReport>(client, {
    type: WORKFLOW.rollCall,
    workflowId: rollCallWorkflowId(cluster),
    cluster,
    input,
    priority: PRIORITY.drill,
    summary: `Roll-call of ${cluster}, requested by ${requestedBy}`,
    followCommand: `vault-dr status --cluster ${cluster} --roll-call`,
  });
}

export function startSecretRun(
  client: Client,
  input: Partial<RecoverSecretInput> & { cluster: string },
): Promise<SecretHandle & { firstExecutionRunId: string }> {
  const { cluster, requestedBy = 'unknown' } = input;
  return startRun<Partial<RecoverSecretInput>, SecretReport>(client, {
    type: WORKFLOW.recoverSecret,
    workflowId: secretWorkflowId(cluster),
    cluster,
    input,
    priority: PRIORITY.secret,
    summary: `Single secrets of ${cluster}, requested by ${requestedBy}`,
    followCommand: `vault-dr status --cluster ${cluster} --recover`,
  });
}

/** The one that is under way, if there is one. */
export function startEvaluation(
  client: Client,
  input: ReadinessInput,
): Promise<WorkflowHandle<(input: ReadinessInput) => Promise<unknown>>> {
  const { cluster, requestedBy } = input;
  return startRun<ReadinessInput, unknown>(client, {
    type: WORKFLOW.evaluateReadiness,
    workflowId: readinessWorkflowId(cluster),
    cluster,
    input,
    priority: PRIORITY.evaluation,
    summary: `Readiness of ${cluster}, requested by ${requestedBy}`,
    followCommand: `vault-dr ready --cluster ${cluster}`,
    conflict: 'USE_EXISTING',
  });
}

/** What is started under an id of its own. */
export interface RunStart<I> {
  type: string;
  workflowId: string;
  cluster: string;
  input: I;
  priority: Priority;
  summary: string;
  details?: string;
  followCommand: string;
  memo?: Record<string, unknown>;
  /** What becomes of it while one runs; by default it is refused. */
  conflict?: 'FAIL' | 'USE_EXISTING';
}

/** @throws DrError AlreadyRunning */
export async function startRun<I, R>(
  client: Client,
  { type, workflowId, cluster, input, priority, summary, details, followCommand, memo, conflict = 'FAIL' }: RunStart<I>,
): Promise<WorkflowHandleWithFirstExecutionRunId<(input: I) => Promise<R>>> {
  try {
    return await client.workflow.start<(input: I) => Promise<R>>(type, {
      workflowId,
      taskQueue: CONTROLLER_TASK_QUEUE,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      args: [input],
      priority: fairly(priority, cluster),
      workflowIdConflictPolicy: conflict,
      staticSummary: summary,
      ...(details === undefined ? {} : { staticDetails: details }),
      ...(memo === undefined ? {} : { memo }),
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const first = await whichRuns(client, workflowId);
    throw new DrError(
      'AlreadyRunning',
      `'${workflowId}' is already running${first}; only one may run at a time. Nothing was started.`,
      { advice: `Follow it with: ${followCommand}`, cause: error },
    );
  }
}

/** The run that has the id, its start and its requester; empty if it has just ended, or if unknown. */
async function whichRuns(client: Client, workflowId: string): Promise<string> {
  try {
    const { runId, startTime, staticSummary } = await client.workflow.getHandle(workflowId).describe();
    const summary = await staticSummary();
    return `: run ${runId}, since ${formatTime(startTime.getTime())}${summary ? ` (${summary})` : ''}`;
  } catch {
    return '';
  }
}

/**
 * Follows a run to its end. Temporal may become unreachable: the run is safe there, and this waits until it is back.
 */
export async function resultOf<T>(handle: { result(): Promise<T> }): Promise<T> {
  for (;;) {
    try {
      return await handle.result();
    } catch (error) {
      if (!isOutage(error)) throw error;
      await sleep(ASK_AGAIN_MS);
    }
  }
}

/** The statuses of gRPC with which a server, or what stands before it, is away. */
const AWAY = [1, 2, 4, 14]; // cancelled, unknown, deadline exceeded, unavailable

function isOutage(error: unknown): boolean {
  if (!(error instanceof ServiceError)) return false;
  const { cause } = error;
  return isGrpcServiceError(cause) && AWAY.includes(cause.code);
}

export function recoveryHandle(client: Client, cluster: string, run?: string): RecoveryHandle {
  return client.workflow.getHandle<() => Promise<RecoveryReport>>(recoveryWorkflowId(cluster), run);
}

/** Whether a run that changes the nodes of a cluster is open. */
export async function isRecovering(client: Client, cluster: string): Promise<boolean> {
  try {
    const { status } = await recoveryHandle(client, cluster).describe();
    return status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

export function backupHandle(client: Client, cluster: string): BackupHandle {
  return client.workflow.getHandle<(input: { cluster: string }) => Promise<BackupResult>>(backupWorkflowId(cluster));
}

/** The open drill of a cluster, also one that a schedule has started; otherwise the last that was started by hand. */
export async function drillHandle(client: Client, cluster: string): Promise<DrillHandle> {
  return openOf<DrillHandle>(client, WORKFLOW.drillRestore, drillWorkflowId(cluster), cluster);
}

/** The same of a roll-call. */
export async function rollCallHandle(client: Client, cluster: string): Promise<RollCallHandle> {
  return openOf<RollCallHandle>(client, WORKFLOW.rollCall, rollCallWorkflowId(cluster), cluster);
}

async function openOf<H>(client: Client, type: string, id: string, cluster: string): Promise<H> {
  const byHand = client.workflow.getHandle(id);
  const isOpen = await byHand.describe().then(
    ({ status }) => status.name === 'RUNNING',
    () => false,
  );
  if (isOpen) return byHand as H;
  const query = `WorkflowType = '${type}' AND ${SEARCH_ATTRIBUTE.cluster} = '${cluster}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    if (workflowId.startsWith(id)) return client.workflow.getHandle(workflowId, runId) as H;
  }
  return byHand as H;
}

export function secretHandle(client: Client, cluster: string): SecretHandle {
  return client.workflow.getHandle(secretWorkflowId(cluster)) as SecretHandle;
}

/** @throws DrError NoSuchRun */
export async function secretProgress(handle: SecretHandle): Promise<SecretProgress> {
  return orNoSuchRun(handle.workflowId, () => handle.query<SecretProgress>(PROGRESS_QUERY));
}

/** @throws DrError NoSuchRun */
export async function drillProgress(handle: DrillHandle): Promise<DrillProgress> {
  return orNoSuchRun(handle.workflowId, () => handle.query<DrillProgress>(PROGRESS_QUERY));
}

/** @throws DrError NoSuchRun */
export async function rollCallProgress(handle: RollCallHandle): Promise<RollCallProgress> {
  return orNoSuchRun(handle.workflowId, () => handle.query<RollCallProgress>(PROGRESS_QUERY));
}

/**
 * Sends a message as an update, whose answer comes back; as a signal where Temporal takes no more updates of this run.
 * @throws DrError NoSuchRun
 */
export async function askRestore(
  handle: RecoveryHandle | SandboxRunHandle,
  name: string,
  input: object,
): Promise<Answer> {
  return orNoSuchRun(handle.workflowId, async () => {
    try {
      return await (handle as WorkflowHandle).executeUpdate<Answer, [object]>(name, { args: [input] });
    } catch (error) {
      if (!takesNoMoreUpdates(error)) throw error;
      await (handle as WorkflowHandle).signal<[object]>(name, input);
      return yes(
        'Temporal accepts no more updates for this run, so it was sent as a signal, which has no answer: check the result with vault-dr status.',
      );
    }
  });
}

/** Temporal takes 2,000 updates of one execution, also of those that were refused (measured, server 1.29.1). */
function takesNoMoreUpdates(error: unknown): boolean {
  return saidByTemporal(error, 'limit on the total number');
}

/** The controller was too slow, has just been killed, or can't continue the run: only time tells. */
function hasFailedTask(error: unknown): boolean {
  return saidByTemporal(error, 'Workflow Task in failed state');
}

/** With the status of gRPC for what the state of a run does not allow. */
function saidByTemporal(error: unknown, text: string): boolean {
  if (!(error instanceof ServiceError)) return false;
  const { cause } = error;
  return isGrpcServiceError(cause) && cause.code === FAILED_PRECONDITION && cause.details.includes(text);
}

/** @throws DrError NoSuchRun */
export async function recoveryProgress(handle: RecoveryHandle): Promise<RecoveryProgress> {
  return orNoSuchRun(handle.workflowId, () => handle.query<RecoveryProgress>(PROGRESS_QUERY));
}

/** A run as it says itself that it is, and as Temporal sees it. @throws DrError NoSuchRun */
export async function recoveryView(handle: RecoveryHandle) {
  const description = await describeRun(handle);
  const progress = await recoveryProgress(handle);
  return { execution: description.status.name, progress, pending: pendingSteps(description) };
}

/**
 * @param run the last one by default
 * @throws DrError NoSuchRun; NotYet while it runs.
 */
export async function recoveryResult(client: Client, cluster: string, run?: string): Promise<RecoveryReport> {
  const handle = await executionOf(client, cluster, run);
  const { status } = await describeRun(handle);
  if (status.name === 'RUNNING') {
    throw new DrError('NotYet', `'${handle.workflowId}' has not ended, so there is no report yet.`, {
      advice: `Follow it with: vault-dr status --cluster ${cluster} --follow`,
    });
  }
  return handle.result();
}

/** A run that continued in new executions ends in the last one; the namespace may have deleted the first by then. */
async function executionOf(client: Client, cluster: string, run: string | undefined): Promise<RecoveryHandle> {
  const latest = recoveryHandle(client, cluster);
  if (run === undefined) return latest;
  const last = await describeRun(latest).then(firstRunOf, () => null);
  if (last === run) return latest;
  const named = recoveryHandle(client, cluster, run);
  return last !== null && firstRunOf(await describeRun(named)) === last ? latest : named;
}

/** @throws DrError NoSuchRun */
export async function backupProgress(handle: BackupHandle): Promise<BackupProgress> {
  return orNoSuchRun(handle.workflowId, () => handle.query<BackupProgress>(PROGRESS_QUERY));
}

/** @throws DrError NoSuchRun */
export async function describeRun(handle: RecoveryHandle | BackupHandle | SandboxRunHandle) {
  return orNoSuchRun(handle.workflowId, () => handle.describe());
}

async function orNoSuchRun<T>(workflowId: string, act: () => Promise<T>): Promise<T> {
  try {
    return await onceItContinues(act);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new DrError('NoSuchRun', `There is no open run '${workflowId}'.`, {
      advice: 'Check the cluster name and Temporal’s namespace, or start a run.',
      cause: error,
    });
  }
}

/** A run whose last task has failed takes neither messages nor questions until the next one is done. */
async function onceItContinues<T>(act: () => Promise<T>): Promise<T> {
  const latest = Date.now() + TASK_PATIENCE_MS;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!hasFailedTask(error) || Date.now() > latest) throw error;
      await sleep(ASK_AGAIN_MS);
    }
  }
}
