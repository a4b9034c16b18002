import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { recoveryWorkflowId } from '../contract/names';

/**
 * The run by which a recovery is known, however many executions it has gone on in, in Temporal's word. Servers of before 1.26
 * don't say it: there each execution is a run of its own.
 */
export function firstRunOf({ raw, runId }: Pick<WorkflowExecutionDescription, 'raw' | 'runId'>): string {
  return raw.workflowExecutionInfo?.firstRunId || runId;
}

/** The recovery of a cluster that is open, of which there is never more than one; null when there is none. */
export async function openRecovery(client: Client, cluster: string): Promise<string | null> {
  try {
    const description = await client.workflow.getHandle(recoveryWorkflowId(cluster)).describe();
    return description.status.name === 'RUNNING' ? firstRunOf(description) : null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
