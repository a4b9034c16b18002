import { setTimeout as sleep } from 'node:timers/promises';
import { formatSeconds } from '../contract/format';
import { DrError, isDrError } from '../contract/failures';

const AGAIN_MS = 1_000;
const REPEAT_MS = 60_000;
/** A reason that changes each time must not fill the log. */
const MOST_REASONS = 5;

/** Logs the reason of a wait: a new reason immediately, then once a minute. */
export class Announcer {
  private readonly saidAt = new Map<string, number>();
  private since: number | undefined;

  /** @param then what happens after the wait, such as `starts by itself` */
  constructor(
    private readonly say: (text: string) => void,
    private readonly then: string,
    private readonly now: () => number = Date.now,
  ) {}

  announce({ message, advice }: DrError): void {
    const at = this.now();
    this.since ??= at;
    for (const [reason, saidAt] of this.saidAt) if (at - saidAt >= REPEAT_MS) this.saidAt.delete(reason);
    if (this.saidAt.has(message) || this.saidAt.size >= MOST_REASONS) return;
    this.saidAt.set(message, at);
    const waiting =
      at === this.since ? 'Waiting' : `Waiting for ${formatSeconds(Math.round((at - this.since) / 1_000))}`;
    // Commands come last, where they can be copied.
    this.say([message, `${waiting}; ${this.then}.`, ...(advice === undefined ? [] : [advice])].join(' '));
  }

  /** @returns seconds waited; null if there was no wait. */
  over(): number | null {
    const { since } = this;
    this.since = undefined;
    this.saidAt.clear();
    return since === undefined ? null : Math.round((this.now() - since) / 1_000);
  }
}

/** The limits of a wait. */
export interface Patience {
  announcer: Announcer;
  /** Ends the wait at once. */
  stop: AbortSignal;
  againMs?: number;
}

/**
 * Retries until it succeeds, as long as waiting can help.
 * @throws DrError Aborted if it was stopped; or an error that waiting does not fix.
 */
export async function patiently<T>(
  attempt: () => Promise<T>,
  { announcer, stop, againMs = AGAIN_MS }: Patience,
): Promise<T> {
  for (;;) {
    try {
      return await unlessStopped(stop, attempt);
    } catch (error) {
      if (stop.aborted) throw stopped();
      if (!isDrError(error) || !error.retryable) throw error;
      announcer.announce(error);
    }
    await sleep(againMs, undefined, { signal: stop }).catch(() => undefined);
  }
}

/** Returns when it is stopped, even if the work hangs. @throws DrError Aborted */
export async function unlessStopped<T>(stop: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (stop.aborted) throw stopped();
  let onStop = () => {};
  const asked = new Promise<never>((_resolve, reject) => {
    onStop = () => reject(stopped());
    stop.addEventListener('abort', onStop, { once: true });
  });
  try {
    return await Promise.race([work(), asked]);
  } finally {
    stop.removeEventListener('abort', onStop);
  }
}

/** Waits for something that may remain unfinished. */
export async function atMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  await Promise.race([work, sleep(milliseconds, undefined, { ref: false })]);
}

function stopped(): DrError {
  return new DrError('Aborted', 'It was stopped before it had started to work.');
}
