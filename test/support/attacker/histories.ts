import type { Client } from '@temporalio/client';

/** What a step of a run has answered, the last time. */
export async function stepResult(client: Client, workflowId: string, step: string): Promise<unknown> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const asked = (events ?? []).filter(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === step,
  );
  const ids = new Set(asked.map(({ eventId }) => String(eventId)));
  const answers = (events ?? []).flatMap(({ activityTaskCompletedEventAttributes: completed }) =>
    completed && ids.has(String(completed.scheduledEventId)) ? [completed.result?.payloads?.[0]?.data] : [],
  );
  return JSON.parse(Buffer.from(answers.at(-1) ?? []).toString()) as unknown;
}

/** What anybody can read who may read the namespace: the inputs of the steps of a run, by step; of several the last. */
export async function stepInputs(client: Client, workflowId: string, runId?: string): Promise<Map<string, unknown>> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const inputs = new Map<string, unknown>();
  for (const { activityTaskScheduledEventAttributes: scheduled } of events ?? []) {
    const [payload] = scheduled?.input?.payloads ?? [];
    const name = scheduled?.activityType?.name;
    if (name && payload?.data) inputs.set(name, JSON.parse(Buffer.from(payload.data).toString()) as unknown);
  }
  return inputs;
}
