import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { recoveryWorkflowId } from '../contract/names';

/**
 * The first run of a recovery, however many executions it has continued in, as Temporal reports it. Servers before 1.26
 * don't: there each execution is its own run.
 */
export function firstRunOf({ raw, runId }: Pick<WorkflowExecutionDescription, 'raw' | 'runId'>): string {
  return raw.workflowExecutionInfo?.firstRunId || runId;
}

/** The open recovery of a cluster, of which there is at most one; null if there is none. */
export async function openRecovery(client: Client, cluster: string): Promise<string | null> {
  try {
    const description = await client.workflow.getHandle(recoveryWorkflowId(cluster)).describe();
    return description.status.name === 'RUNNING' ? firstRunOf(description) : null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
