import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type WorkflowHandle,
} from '@temporalio/client';
import type { BackupProgress, BackupResult } from '../contract/backup';
import { DrError } from '../contract/failures';
import type { RestoreInput } from '../contract/input';
import {
  backupWorkflowId,
  CONTROLLER_TASK_QUEUE,
  PROGRESS_QUERY,
  restoreWorkflowId,
  WORKFLOW,
} from '../contract/names';
import type { RestoreProgress, RestoreReport } from '../contract/restore';
import type { Answer } from '../contract/update-answers';

export type RestoreHandle = WorkflowHandle<(input: RestoreInput) => Promise<RestoreReport>>;
export type BackupHandle = WorkflowHandle<(input: { cluster: string }) => Promise<BackupResult>>;

export async function startRestore(client: Client, input: RestoreInput): Promise<RestoreHandle> {
  const workflowId = restoreWorkflowId(input.cluster);
  return startOnce(workflowId, `vault-dr status --cluster ${input.cluster}`, () =>
    client.workflow.start<(input: RestoreInput) => Promise<RestoreReport>>(WORKFLOW.restoreCluster, {
      workflowId,
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [input],
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: `Restore of ${input.cluster}, asked for by ${input.requestedBy}`,
      // `temporal workflow describe` shows this and nothing that changes.
      staticDetails: `What it waits for, and the next command: \`temporal workflow metadata --workflow-id ${workflowId}\``,
    }),
  );
}

export async function startBackup(client: Client, cluster: string): Promise<BackupHandle> {
  const workflowId = backupWorkflowId(cluster);
  return startOnce(workflowId, `vault-dr status --cluster ${cluster} --backup`, () =>
    client.workflow.start<(input: { cluster: string }) => Promise<BackupResult>>(WORKFLOW.backUpCluster, {
      workflowId,
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [{ cluster }],
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: `Backup of ${cluster}`,
    }),
  );
}

async function startOnce<T>(workflowId: string, look: string, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new DrError(
      'AlreadyRunning',
      `'${workflowId}' runs already; there is never more than one. Nothing was started.`,
      {
        advice: `Follow it with: ${look}`,
        cause: error,
      },
    );
  }
}

export function restoreHandle(client: Client, cluster: string): RestoreHandle {
  return client.workflow.getHandle<(input: RestoreInput) => Promise<RestoreReport>>(restoreWorkflowId(cluster));
}

export function backupHandle(client: Client, cluster: string): BackupHandle {
  return client.workflow.getHandle<(input: { cluster: string }) => Promise<BackupResult>>(backupWorkflowId(cluster));
}

/** @throws DrError NoSuchRun */
export async function askRestore(handle: RestoreHandle, name: string, input: object): Promise<Answer> {
  return orNoSuchRun(handle.workflowId, () => handle.executeUpdate<Answer, [object]>(name, { args: [input] }));
}

/** @throws DrError NoSuchRun */
export async function restoreProgress(handle: RestoreHandle): Promise<RestoreProgress> {
  return orNoSuchRun(handle.workflowId, () => handle.query<RestoreProgress>(PROGRESS_QUERY));
}

/** @throws DrError NoSuchRun */
export async function backupProgress(handle: BackupHandle): Promise<BackupProgress> {
  return orNoSuchRun(handle.workflowId, () => handle.query<BackupProgress>(PROGRESS_QUERY));
}

/** @throws DrError NoSuchRun */
export async function describeRun(handle: RestoreHandle | BackupHandle) {
  return orNoSuchRun(handle.workflowId, () => handle.describe());
}

async function orNoSuchRun<T>(workflowId: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new DrError('NoSuchRun', `There is no run '${workflowId}' that takes messages.`, {
      advice: 'Start one, or check the cluster name and Temporal’s namespace.',
      cause: error,
    });
  }
}
