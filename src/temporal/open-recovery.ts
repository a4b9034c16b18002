import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { recoveryWorkflowId } from '../contract/names';

/**
 * The recovery of a cluster that is open: there is never more than one.
 * @returns the id of its first execution, by which it is known, and of the one that goes on; null when there is none.
 */
export async function openRecovery(
  client: Client,
  cluster: string,
): Promise<{ run: string; execution: string } | null> {
  try {
    const { runId, status, raw } = await client.workflow.getHandle(recoveryWorkflowId(cluster)).describe();
    if (status.name !== 'RUNNING') return null;
    return { run: raw.workflowExecutionInfo?.firstRunId || runId, execution: runId };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
