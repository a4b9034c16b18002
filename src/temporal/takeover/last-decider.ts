import type { Client } from '@temporalio/client';
import type { Decider, OpenRun } from './open-run';

const PAGE_SIZE = 50;
/** Beyond this, the replay itself finds it. Messages that arrived without a controller follow the last decision. */
const PAGES = 20;

/** Who made the last decision of a run, from the end of its history only; null if no decision is near. */
export async function lastDecider(
  client: Client,
  { workflowId, runId }: OpenRun,
  deadline: number,
): Promise<Decider | null> {
  let nextPageToken: Uint8Array | null | undefined;
  for (let page = 0; page < PAGES; page++) {
    const request = {
      namespace: client.options.namespace,
      execution: { workflowId, runId },
      maximumPageSize: PAGE_SIZE,
      nextPageToken: nextPageToken ?? null,
    };
    const answer = await client.withDeadline(deadline, () =>
      client.workflowService.getWorkflowExecutionHistoryReverse(request),
    );
    const decision = (answer.history?.events ?? []).find((event) => event.workflowTaskCompletedEventAttributes);
    if (decision) return deciderOf(decision.workflowTaskCompletedEventAttributes);
    nextPageToken = answer.nextPageToken;
    if (!nextPageToken?.length) return null;
  }
  return null;
}

interface Decision {
  identity?: string | null;
  workerVersion?: { buildId?: string | null } | null;
}

export function deciderOf(decision: Decision | null | undefined): Decider {
  return { identity: decision?.identity ?? '', buildId: decision?.workerVersion?.buildId ?? '' };
}
