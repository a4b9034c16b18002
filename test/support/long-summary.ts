import { sleep } from '@temporalio/workflow';
import { oneLine } from '../../src/contract/voice/step-summary';

/** A timer with the longest summary that there can be. */
export async function summariseAtLength(text: string): Promise<void> {
  await sleep(1, { summary: oneLine(text) });
}
