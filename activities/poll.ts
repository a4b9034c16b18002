import { setTimeout as sleep } from 'node:timers/promises';
import { boundedProblem } from '../src/contract/retry-notice';
import { type Report, reportWait } from './heartbeat';
import { DrError, type FailureCode, isDrError, withoutRetry } from '../src/contract/failures';
import type { NoticeCode } from '../src/contract/notice';

/** Waiting does not fix these: somebody has to change something first. */
const FOR_PEOPLE: readonly FailureCode[] = ['InvalidConfiguration', 'PermissionDenied', 'NodeFenced'];

const POLL_INTERVAL_MS = 1_000;
const NOT_YET = 'not yet';

export interface PollOptions {
  timeoutMs: number;
  /** Whether there is progress, so that the wait may exceed its time-out. Called every second, from the start. */
  getsOn?: () => Promise<boolean>;
  intervalMs?: number;
  /** Called with what is waited for and the last answer, whenever that changes. Default: the heartbeats of the step. */
  report?: Report;
  /** Anything else known about the delay; called now and then. */
  why?: () => Promise<string | null>;
  signal: AbortSignal;
  where?: string;
  advice?: string;
  /** Entry in the catalogue for a wait that timed out. */
  notice?: NoticeCode;
}

/**
 * Asks until the answer is neither null nor an error.
 * @throws DrError NotYet with what was waited for and the last answer; at once if waiting does not help.
 */
export async function pollUntil<T>(what: string, options: PollOptions, ask: () => Promise<T | null>): Promise<T> {
  const since = Date.now();
  let checkedAt = -Infinity;
  let getsOn = false;
  let last = 'no answer yet';
  const wait = new WaitReport(what, options);
  for (;;) {
    options.signal.throwIfAborted();
    try {
      const answer = await ask();
      if (answer !== null) {
        wait.isOver();
        return answer;
      }
      last = NOT_YET;
    } catch (error) {
      options.signal.throwIfAborted();
      if (needsPeople(error)) throw error;
      last = (error as Error).message;
    }
    wait.goesOn(last);
    if (options.getsOn && Date.now() - checkedAt >= POLL_INTERVAL_MS) {
      checkedAt = Date.now();
      getsOn = await options.getsOn().catch(() => false);
    }
    const waitedMs = Date.now() - since;
    if (waitedMs >= options.timeoutMs && !getsOn) {
      const seconds = Math.round(waitedMs / 1_000);
      throw new DrError('NotYet', `Waited ${seconds} s for ${what}; the last answer was: ${last}`, {
        ...(options.where === undefined ? {} : { where: options.where }),
        ...(options.advice === undefined ? {} : { advice: options.advice }),
        ...(options.notice === undefined ? {} : { notice: options.notice }),
      });
    }
    // The check at the top of the loop throws the reason of the abort, which the error of `sleep` lacks.
    await sleep(options.intervalMs ?? 250, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

const WHY_AFTER_MS = 5_000;
const WHY_EVERY_MS = 10_000;

/** Reports on a wait while it lasts. */
class WaitReport {
  readonly #report: Report;
  readonly #since = Date.now();
  #said = '';
  #why: string | null = null;
  #whyAskedAt = -Infinity;

  constructor(
    private readonly what: string,
    private readonly options: Pick<PollOptions, 'report' | 'why' | 'advice'>,
  ) {
    this.#report = options.report ?? reportWait;
  }

  goesOn(last: string): void {
    this.#askWhy();
    const said = this.#why === null ? last : `${last.replace(/[.]$/, '')}. ${this.#why}`;
    if (said === this.#said) return;
    this.#said = said;
    const problem =
      said === NOT_YET ? `Waiting for ${this.what}.` : `Waiting for ${this.what}; the last answer was: ${said}`;
    const failed = boundedProblem({ code: 'NotYet', problem, advice: this.options.advice ?? null });
    this.#report(`waiting for ${this.what}`, { ...failed, tries: 1 });
  }

  isOver(): void {
    if (this.#said !== '') this.#report(null);
  }

  /** Runs in the background, because it may take time. */
  #askWhy(): void {
    const now = Date.now();
    if (now - this.#since < WHY_AFTER_MS || now - this.#whyAskedAt < WHY_EVERY_MS) return;
    this.#whyAskedAt = now;
    this.options.why?.().then(
      (why) => (this.#why = why),
      () => undefined,
    );
  }
}

/** How long a step retries by itself. */
const RETRY_MS = 120_000;

export interface RetryOptions {
  signal: AbortSignal;
  /** Called with the failure of each try, which Temporal would not show. */
  report: Report;
}

/**
 * Retries what failed, as long as that may help. For steps in which Vault may load data for hours: Temporal's limits
 * can't tell that from a hang.
 * @throws the last failure, as not retryable.
 */
export async function retry<T>({ signal, report }: RetryOptions, act: () => Promise<T>): Promise<T> {
  const since = Date.now();
  for (let tries = 1; ; tries++) {
    try {
      return await act();
    } catch (error) {
      signal.throwIfAborted();
      if (!isDrError(error) || !error.retryable) throw error;
      // A wait that timed out is not repeated; anything else is tried at least twice.
      const over = Date.now() - since >= RETRY_MS && (error.code === 'NotYet' || tries > 1);
      if (over) throw withoutRetry(error);
      const { code, message: problem, advice = null } = error;
      report('failed, trying again', { ...boundedProblem({ code, problem, advice }), tries });
    }
    await sleep(Math.min(2 ** (tries - 1), 10) * 1_000, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}

function needsPeople(error: unknown): boolean {
  return isDrError(error) && FOR_PEOPLE.includes(error.code);
}
