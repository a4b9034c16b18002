import type { RetryNotice } from '../contract/retry-notice';

/** What passes by itself within this time is nothing to speak of. */
const FIRST_AFTER_MS = 3_000;
/** The same for a step that waits without having failed. */
const FIRST_WAIT_AFTER_MS = 8_000;
/** All that is said becomes history, so there must be little of it. */
const APART_MS = 10_000;
const MOST_PER_STEP = 20;
const MOST_PER_RUN = 60;
const FORGOTTEN_AFTER_MS = 3_600_000;
/** A retrying step without a failure for this long counts as continuing. */
const GOES_ON_AFTER_MS = 30_000;

export interface Execution {
  workflowId: string;
  runId: string;
}

export type SendNotice = (run: Execution, notice: RetryNotice) => Promise<unknown>;

interface StepState {
  run: Execution;
  latest: RetryNotice;
  failedAt: number;
  /** The last report, without its changing parts; empty at first. */
  told: string;
  toldAt: number;
  /** Whether a failure was reported, not only a wait. */
  toldFailure: boolean;
  count: number;
  timer: NodeJS.Timeout | undefined;
}

/** Decides which failures seen by a worker are reported to its runs, and when: few, and soon. */
export class RetryNotices {
  readonly #steps = new Map<string, StepState>();
  readonly #sent = new Map<string, number>();

  constructor(private readonly send: SendNotice) {}

  /** @param key of the step, the same for all of its attempts */
  failed(key: string, run: Execution, notice: RetryNotice): void {
    const known = this.#steps.get(key);
    if (!known) this.#forget();
    const fresh = { told: '', toldAt: -Infinity, toldFailure: false, count: 0, timer: undefined };
    const state: StepState = { ...(known ?? fresh), run, latest: notice, failedAt: Date.now() };
    this.#steps.set(key, state);
    this.#schedule(key, state);
  }

  /** What failed before may be over: the step says something else now. */
  goesOn(key: string): void {
    const state = this.#steps.get(key);
    if (!state || state.latest.failure === null || Date.now() - state.failedAt < GOES_ON_AFTER_MS) return;
    state.latest = { ...state.latest, failure: null };
    if (state.told !== '') this.#schedule(key, state);
  }

  /** The step has ended, and the run knows that better than anybody. */
  over(key: string): void {
    clearTimeout(this.#steps.get(key)?.timer);
    this.#steps.delete(key);
  }

  #schedule(key: string, state: StepState): void {
    if (state.timer || !this.#isNews(state)) return;
    const now = Date.now();
    const isFailure = hasFailed(state.latest);
    const first = isFailure ? FIRST_AFTER_MS : FIRST_WAIT_AFTER_MS;
    // A failure is not held back because a wait was just reported.
    const apart = isFailure && !state.toldFailure ? FIRST_AFTER_MS : APART_MS;
    const wait = state.told === '' ? first : Math.max(0, state.toldAt + apart - now);
    const due = setTimeout(() => this.#tell(key), wait);
    due.unref();
    state.timer = due;
  }

  #tell(key: string): void {
    const state = this.#steps.get(key);
    if (!state) return;
    state.timer = undefined;
    if (!this.#isNews(state)) return;
    state.told = signatureOf(state.latest);
    state.toldFailure ||= hasFailed(state.latest);
    state.toldAt = Date.now();
    state.count++;
    this.#sent.set(state.run.runId, (this.#sent.get(state.run.runId) ?? 0) + 1);
    // It would have been a help. The run may have ended, and Temporal be away.
    this.send(state.run, state.latest).catch(() => undefined);
  }

  #isNews({ run, latest, told, count }: StepState): boolean {
    if (count >= MOST_PER_STEP || (this.#sent.get(run.runId) ?? 0) >= MOST_PER_RUN) return false;
    return signatureOf(latest) !== told;
  }

  /** Steps that have ended elsewhere, or not at all. */
  #forget(): void {
    for (const [key, { failedAt }] of this.#steps) {
      if (Date.now() - failedAt > FORGOTTEN_AFTER_MS) this.over(key);
    }
  }
}

/** What waits has not failed. */
function hasFailed({ failure }: RetryNotice): boolean {
  return failure !== null && failure.code !== 'NotYet';
}

/** Seconds, bytes and ports that differ each time are no news. */
function signatureOf({ failure }: RetryNotice): string {
  return failure === null ? 'continues' : `${failure.code} ${failure.problem.replace(/\d+/g, '0')}`;
}
