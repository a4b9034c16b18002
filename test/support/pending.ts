import type { Lab } from '../../src/lab/lab';
import { waitFor } from '../../src/lab/processes';
import { temporalCli } from './temporal-cli';

interface Described {
  workflowExecutionInfo: { execution: { runId: string } };
  pendingActivities?: { activityType: { name: string }; lastFailure?: { message: string } }[];
}

interface History {
  events: {
    eventId: string;
    activityTaskScheduledEventAttributes?: { activityType: { name: string } };
    activityTaskStartedEventAttributes?: { scheduledEventId: string; attempt: number };
  }[];
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

/** Waits until a run waits for nothing but one such step. */
export async function untilOnlyPending(lab: Lab, workflowId: string, activity: string): Promise<void> {
  const isReached = async () => {
    const { pendingActivities = [] } = await describeRun(lab, workflowId);
    return pendingActivities.map(({ activityType }) => activityType.name).join() === activity;
  };
  await waitFor(`${workflowId} waits for ${activity} only`, isReached, { timeoutMs: 30_000, everyMs: 50 });
}

/** How often each step of a run that is over was begun, at most. */
export async function attemptsOf(lab: Lab, workflowId: string): Promise<Record<string, number>> {
  const { events } = await temporalCli(lab).json<History>('workflow', 'show', '--workflow-id', workflowId);
  const names = new Map(
    events.map(({ eventId, activityTaskScheduledEventAttributes: scheduled }) => [
      eventId,
      scheduled?.activityType.name,
    ]),
  );
  const attempts: Record<string, number> = {};
  for (const { activityTaskStartedEventAttributes: started } of events) {
    const name = names.get(started?.scheduledEventId ?? '');
    if (started && name) attempts[name] = Math.max(attempts[name] ?? 0, started.attempt);
  }
  return attempts;
}

export async function runIdOf(lab: Lab, workflowId: string): Promise<string> {
  return (await describeRun(lab, workflowId)).workflowExecutionInfo.execution.runId;
}

function describeRun(lab: Lab, workflowId: string): Promise<Described> {
  return temporalCli(lab).json<Described>('workflow', 'describe', '--workflow-id', workflowId);
}
