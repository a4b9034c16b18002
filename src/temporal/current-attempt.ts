import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { withKnownCauses } from '../contract/causes';
import { DrError } from '../contract/failures';
import { isOver } from './janitor';

const ANSWER_WITHIN_MS = 5_000;

/**
 * Asks Temporal whether it still waits for the attempt that runs here. A frozen agent gets to its task only after the thaw,
 * however late; only Temporal knows whether the run is over by then.
 * @param who as it begins a sentence
 * @returns when the run was started.
 * @throws DrError NodeFenced if it was given up; TemporalUnreachable.
 */
export async function confirmAttempt(
  client: Client,
  node: string,
  who = `The agent of ${node}`,
): Promise<{ startedAt: string }> {
  const { workflowExecution, activityId, attempt } = Context.current().info;
  if (!workflowExecution) {
    throw new DrError('PermissionDenied', `No run requested this step on ${node}, so it was not executed.`, {
      where: node,
      advice: "Check who can write to Temporal's namespace.",
    });
  }
  const { workflowId, runId } = workflowExecution;
  let awaited: number | null | undefined;
  let startedAt: string;
  try {
    const { raw, status, startTime } = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      client.workflow.getHandle(workflowId, runId).describe(),
    );
    // A terminated run still lists the steps that were pending then.
    const pending = status.name === 'RUNNING' ? raw.pendingActivities : [];
    awaited = pending?.find((item) => item.activityId === activityId)?.attempt;
    startedAt = startTime.toISOString();
  } catch (error) {
    throw new DrError(
      'TemporalUnreachable',
      `${who} could not check whether its step is still needed: ${withKnownCauses(error)}.`,
      {
        where: node,
        cause: error,
      },
    );
  }
  if (awaited === attempt) return { startedAt };
  throw new DrError('NodeFenced', `Attempt ${attempt} of a step on ${node} was abandoned before it began.`, {
    where: node,
    advice: 'Nothing was changed. Check whether it was frozen, or its host paused.',
  });
}

/**
 * Whether a recovery has ended, or is unknown here: runs of a lost database can't continue.
 * @throws DrError TemporalUnreachable
 */
export async function isRecoveryOver(client: Client, cluster: string, run: string, node: string): Promise<boolean> {
  try {
    return await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => isOver(client, cluster, run));
  } catch (error) {
    throw new DrError(
      'TemporalUnreachable',
      `The agent of ${node} could not check whether run ${run} has ended: ${withKnownCauses(error)}.`,
      {
        where: node,
        cause: error,
      },
    );
  }
}
