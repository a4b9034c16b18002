import { setTimeout as sleep } from 'node:timers/promises';
import { DrError, type FailureCode, isDrError } from '../src/contract/failures';

/** What no waiting mends: somebody has to change something first. */
const FOR_PEOPLE: readonly FailureCode[] = ['InvalidConfiguration', 'PermissionDenied', 'NodeFenced'];

/**
 * Asks until the answer is neither null nor an error.
 * @throws DrError NotYet that says what was waited for and what the last answer was; at once what no waiting mends.
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
      if (needsPeople(error)) throw error;
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

function needsPeople(error: unknown): boolean {
  return isDrError(error) && FOR_PEOPLE.includes(error.code);
}
