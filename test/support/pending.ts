import type { Lab } from '../../src/lab/lab';
import { waitFor } from '../../src/lab/processes';
import { temporalCli } from './temporal-cli';

interface Described {
  workflowExecutionInfo: { execution: { runId: string } };
  pendingActivities?: { activityType: { name: string }; lastFailure?: { message: string } }[];
}

/** Waits until one of these steps of a run has failed and is being repeated. @returns what it failed with */
export function failureOf(lab: Lab, workflowId: string, ...activities: string[]): Promise<string> {
  return waitFor(
    `${activities.join(' or ')} of ${workflowId} has failed`,
    async () => {
      const { pendingActivities = [] } = await describeRun(lab, workflowId);
      const failed = pendingActivities.filter(({ activityType }) => activities.includes(activityType.name));
      return failed.find(({ lastFailure }) => lastFailure !== undefined)?.lastFailure?.message;
    },
    { timeoutMs: 60_000, everyMs: 200 },
  );
}

/** Waits until such a step of a run has been asked for, or is under way. */
export async function pending(lab: Lab, workflowId: string, activity: string): Promise<void> {
  await waitFor(
    `${activity} of ${workflowId} is pending`,
    async () => {
      const { pendingActivities = [] } = await describeRun(lab, workflowId);
      return pendingActivities.some(({ activityType }) => activityType.name === activity);
    },
    { timeoutMs: 30_000, everyMs: 100 },
  );
}

export async function runIdOf(lab: Lab, workflowId: string): Promise<string> {
  return (await describeRun(lab, workflowId)).workflowExecutionInfo.execution.runId;
}

function describeRun(lab: Lab, workflowId: string): Promise<Described> {
  return temporalCli(lab).json<Described>('workflow', 'describe', '--workflow-id', workflowId);
}
