import { setTimeout as sleep } from 'node:timers/promises';
import { withCauses } from '../../../contract/causes';
import { printable } from '../../../contract/printable';

export interface SharedOptions {
  /** For so long an answer is taken for the present one. */
  freshMs: number;
  /** A page waits no longer; what comes later is in its next edition. */
  waitMs: number;
  /** How many are read at a time. */
  atOnce: number;
  /** Keys that are remembered. */
  most: number;
  now?: () => number;
}

export interface Known<T> {
  /** The last answer, however old; null: there was none. */
  value: T | null;
  /** Why there is no present one. */
  problem: string | null;
}

interface Entry<T> {
  value: T | null;
  /** When it was asked for; -Infinity: never. */
  at: number;
  problem: string | null;
  flight: Promise<void> | null;
}

const LONGEST_PROBLEM = 500;
/** After a failure it is asked again so soon. */
const AGAIN_MS = 5_000;

/**
 * Answers that all who look share: each is asked for once at a time, and only when somebody looks. A source that hangs keeps
 * its last answer, with a problem; it is not asked again before it has ended.
 */
export class Shared<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #now: () => number;
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly read: (key: string) => Promise<T>,
    private readonly options: SharedOptions,
  ) {
    this.#now = options.now ?? Date.now;
    this.#free = options.atOnce;
  }

  async get(key: string): Promise<Known<T>> {
    const entry = this.#entryOf(key);
    const freshMs = entry.problem === null ? this.options.freshMs : Math.min(this.options.freshMs, AGAIN_MS);
    if (this.#now() - entry.at >= freshMs) {
      entry.flight ??= this.#fly(key, entry);
      // What is known is shown at once, but not if it is much too old.
      const old = this.#now() - entry.at >= 3 * this.options.freshMs;
      if (old) await Promise.race([entry.flight, sleep(this.options.waitMs, undefined, { ref: false })]);
    }
    const { value, problem, flight, at } = entry;
    const slow = flight !== null && this.#now() - at >= 3 * this.options.freshMs;
    return { value, problem: problem ?? (slow ? 'no answer yet' : null) };
  }

  #entryOf(key: string): Entry<T> {
    const entry = this.#entries.get(key) ?? { value: null, at: -Infinity, problem: null, flight: null };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.options.most && oldest !== undefined) this.#entries.delete(oldest);
    return entry;
  }

  async #fly(key: string, entry: Entry<T>): Promise<void> {
    await this.#enter();
    const askedAt = this.#now();
    try {
      entry.value = await this.read(key);
      entry.problem = null;
    } catch (error) {
      entry.problem = printable(withCauses(error)).slice(0, LONGEST_PROBLEM);
    } finally {
      entry.at = askedAt;
      entry.flight = null;
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}

/** @throws Error if it takes longer; the work may continue, and its result is dropped */
export async function within<T>(milliseconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), milliseconds);
  timer.unref();
  const late = new Promise<never>((_, reject) => {
    limit.signal.addEventListener('abort', () => reject(new Error(`no answer within ${milliseconds / 1_000} s`)), {
      once: true,
    });
  });
  try {
    return await Promise.race([work(limit.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
