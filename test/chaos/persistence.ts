import { WorkflowFailedError } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';

const EVERY_MS = 100;

/** Asks again while Temporal is down; gives up when the run has failed, or at the deadline. */
export async function persistently<T>(deadline: number, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof WorkflowFailedError || Date.now() > deadline) throw error;
      await sleep(EVERY_MS);
    }
  }
}
