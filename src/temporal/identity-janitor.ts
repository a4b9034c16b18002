import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Logger } from 'pino';
import { restoreWorkflowId } from '../contract/names';
import { sweepRunIdentities } from '../host/run-identity-sweep';
import { connectClient, type TemporalOptions } from './connect';

const INTERVAL_MS = 60_000;

/** Looks now and then whether a run whose identity lies here is over without having said so, as after a termination. */
export async function destroyFinishedIdentities(
  settings: { temporal: TemporalOptions; log: Logger; cluster: string },
  runtimeDir: string,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const over = await withClient(settings.temporal, (client) =>
        sweepRunIdentities(runtimeDir, (run) => isOver(client, settings.cluster, run)),
      );
      for (const run of over) settings.log.info({ run }, 'the run is over; its identity was destroyed');
    } catch (error) {
      // Temporal may be down just now; the identity stays until it is known that nobody needs it.
      settings.log.debug({ problem: (error as Error).message }, 'identities were not looked at');
    }
    await sleep(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function withClient<T>(options: TemporalOptions, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connectClient(options);
  try {
    return await work(client);
  } finally {
    await client.connection.close();
  }
}

async function isOver(client: Client, cluster: string, run: string): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(restoreWorkflowId(cluster), run).describe();
    return status.name !== 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true;
    throw error;
  }
}
