import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { LastPoll } from '../contract/last-poll';
import { temporalError } from './temporal-error';

const ACTIVITY_QUEUE = 2;
const ASK_EVERY_MS = 100;
const ANSWER_WITHIN_MS = 5_000;

/** Returns once Temporal lists this worker as a poller, or if it may not be asked; also when stopped. */
export async function untilPolling(
  client: Client,
  { namespace, taskQueue, identity }: { namespace: string; taskQueue: string; identity: string },
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    try {
      const { pollers } = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
        client.workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name: taskQueue },
          taskQueueType: ACTIVITY_QUEUE,
        }),
      );
      if (pollers?.some((poller) => poller.identity === identity)) return;
    } catch (error) {
      if (!temporalError(error, { address: '', namespace }).retryable) return;
    }
    await sleep(ASK_EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}

/** When somebody last asked for steps, in milliseconds since the epoch; null if nobody ever did. */
export async function lastPoll(client: Client, taskQueue: string, identity?: RegExp): Promise<LastPoll> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: ACTIVITY_QUEUE,
  });
  const times = (pollers ?? [])
    .filter((poller) => identity === undefined || identity.test(poller.identity ?? ''))
    .map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1_000);
  return times.length === 0 ? null : Math.max(...times);
}
