import { ChildWorkflowFailure, executeChild, isCancellation, ParentClosePolicy } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { PRIORITY, recoveryWorkflowId, WORKFLOW, WORKFLOW_TASK_TIMEOUT } from '../../src/contract/names';
import type { RecoveryReport } from '../../src/contract/recovery';
import { ending } from './problems';

/** Has a node stopped and archived by a run of its own. */
export async function runCopy(cluster: string): Promise<RecoveryReport> {
  const id = recoveryWorkflowId(cluster);
  try {
    return await executeChild<(raw: unknown) => Promise<RecoveryReport>>(WORKFLOW.copyNode, {
      workflowId: id,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      priority: PRIORITY.recovery,
      // Whatever becomes of this backup, the node is started again and unsealed.
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [{ cluster, requestedBy: 'vault-dr' }],
      staticSummary: `Copy of a node of ${cluster}`,
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) {
      throw ending({
        code: 'AlreadyRunning',
        problem: `Another run changes the nodes of '${cluster}' (workflow ${id}), so no node was stopped.`,
        advice: `See what it does: vault-dr status --cluster ${cluster}. The next backup is made as scheduled.`,
        where: null,
      });
    }
    throw error instanceof ChildWorkflowFailure && error.cause && !isCancellation(error) ? error.cause : error;
  }
}
