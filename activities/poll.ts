import { setTimeout as sleep } from 'node:timers/promises';
import { DrError } from '../src/contract/failures';

/**
 * Asks until the answer is neither null nor an error.
 * @throws DrError NotYet that says what was waited for and what the last answer was.
 */
export async function pollUntil<T>(
  what: string,
  options: { timeoutMs: number; intervalMs?: number; signal: AbortSignal; where?: string; advice?: string },
  ask: () => Promise<T | null>,
): Promise<T> {
  const deadline = Date.now() + options.timeoutMs;
  let last = 'no answer yet';
  for (;;) {
    options.signal.throwIfAborted();
    try {
      const answer = await ask();
      if (answer !== null) return answer;
      last = 'not yet';
    } catch (error) {
      options.signal.throwIfAborted();
      last = (error as Error).message;
    }
    if (Date.now() >= deadline) {
      const seconds = Math.round(options.timeoutMs / 1_000);
      throw new DrError('NotYet', `Waited ${seconds} s for ${what}; the last answer was: ${last}`, {
        ...(options.where === undefined ? {} : { where: options.where }),
        ...(options.advice === undefined ? {} : { advice: options.advice }),
      });
    }
    // The loop begins with the reason of the abort; the one of `sleep` says nothing.
    await sleep(options.intervalMs ?? 250, undefined, { signal: options.signal }).catch(() => undefined);
  }
}
