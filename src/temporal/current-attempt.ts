import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { withKnownCauses } from '../contract/causes';
import { DrError } from '../contract/failures';
import { isOver } from './janitor';

const ANSWER_WITHIN_MS = 5_000;

/**
 * Asks Temporal whether it still waits for the attempt that runs here. What a frozen agent had been given to do reaches its
 * code only after the thaw, however long that took; nothing but Temporal knows whether the run is over by then.
 * @returns when the run was started.
 * @throws DrError NodeFenced when it was given up; TemporalUnreachable.
 */
export async function confirmAttempt(client: Client, node: string): Promise<{ startedAt: string }> {
  const { workflowExecution, activityId, attempt } = Context.current().info;
  if (!workflowExecution) {
    throw new DrError('PermissionDenied', `No run asked for a step on ${node}, so it was not done.`, {
      where: node,
      advice: 'Look at who may write to the namespace.',
    });
  }
  const { workflowId, runId } = workflowExecution;
  let awaited: number | null | undefined;
  let startedAt: string;
  try {
    const { raw, status, startTime } = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      client.workflow.getHandle(workflowId, runId).describe(),
    );
    // A run that was terminated still lists what was pending then.
    const pending = status.name === 'RUNNING' ? raw.pendingActivities : [];
    awaited = pending?.find((item) => item.activityId === activityId)?.attempt;
    startedAt = startTime.toISOString();
  } catch (error) {
    throw new DrError(
      'TemporalUnreachable',
      `The agent of ${node} could not ask whether its step is still wanted: ${withKnownCauses(error)}.`,
      {
        where: node,
        cause: error,
      },
    );
  }
  if (awaited === attempt) return { startedAt };
  throw new DrError('NodeFenced', `Attempt ${attempt} of a step on ${node} was given up before it began.`, {
    where: node,
    advice: 'Nothing was changed. Was the agent frozen, or its host paused?',
  });
}

/**
 * Whether a recovery has ended, or was never known here: what a lost database held can't run any more.
 * @throws DrError TemporalUnreachable
 */
export async function isRecoveryOver(client: Client, cluster: string, run: string, node: string): Promise<boolean> {
  try {
    return await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => isOver(client, cluster, run));
  } catch (error) {
    throw new DrError(
      'TemporalUnreachable',
      `The agent of ${node} could not ask whether run ${run} is over: ${withKnownCauses(error)}.`,
      {
        where: node,
        cause: error,
      },
    );
  }
}
