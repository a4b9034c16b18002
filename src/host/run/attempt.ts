import { DrError } from '../../contract/failures';
import { formatSeconds } from '../../contract/format';

/**
 * One attempt at a step. A retry may overlap with the attempt that it replaces: Temporal gives up a step on a time-out,
 * but the code of the earlier attempt may still run. Within one agent the newest attempt wins.
 */
export interface Attempt {
  /** Aborts when the activity is cancelled or a newer attempt has begun. */
  readonly signal: AbortSignal;
  /**
   * Call it right before the effect, without an `await` in between: in one process nothing can come between the two.
   * @throws DrError NodeFenced if a newer attempt has begun, or this process was frozen for too long.
   */
  assertCurrent(): void;
  /** Gets what is waited for, for those who watch. */
  readonly onWait?: (what: string) => void;
}

const POLL_INTERVAL_MS = 250;

export interface BeginOptions {
  /** Sorts attempts as text: a later one is never held up by an earlier one that was slow to begin. */
  order?: string;
  /** The attempt ends if this process is frozen for longer, because its run may have given up. */
  leaseMs?: number;
}

/**
 * Hands out attempts, each of which ends the one before. One per node and agent process. A process that was frozen
 * (SIGSTOP, a paused virtual machine) can't know what has happened meanwhile, so it abandons what it was about to do.
 */
export class AttemptGate {
  #current: { controller: AbortController; leaseMs: number } | null = null;
  #latest = '';
  #checkedAt: number;

  constructor(
    private readonly node: string,
    /** Milliseconds; must keep counting while this process is frozen. */
    private readonly now: () => number = Date.now,
  ) {
    this.#checkedAt = now();
    setInterval(() => this.#check(), POLL_INTERVAL_MS).unref();
  }

  /** @throws DrError NodeFenced if a later attempt has begun. */
  begin(cancellation: AbortSignal, { order = '', leaseMs = Infinity }: BeginOptions = {}): Attempt {
    if (order < this.#latest) throw overtaken(this.node);
    this.#latest = order;
    this.#check();
    this.#current?.controller.abort(superseded(this.node));
    const controller = new AbortController();
    this.#current = { controller, leaseMs };
    const signal = AbortSignal.any([cancellation, controller.signal]);
    return {
      signal,
      assertCurrent: () => {
        this.#check();
        signal.throwIfAborted();
      },
    };
  }

  #check(): void {
    const stoodStillMs = this.now() - this.#checkedAt;
    this.#checkedAt = this.now();
    if (this.#current && stoodStillMs > this.#current.leaseMs) {
      this.#current.controller.abort(stoodStill(this.node, stoodStillMs));
    }
  }
}

/**
 * Retryable: after a kill, Temporal has been seen to hand out a repeated attempt earlier than scheduled, so that the
 * next step of the run looks older. The result of an abandoned attempt is ignored anyway.
 */
function overtaken(node: string): DrError {
  return new DrError('NodeFenced', `A newer attempt on ${node} began before this one; this one changed nothing.`, {
    where: node,
    retryable: true,
  });
}

function superseded(node: string): DrError {
  return new DrError('NodeFenced', `A newer attempt on ${node} has begun; this one stops here.`, { where: node });
}

/** Retryable: if the run has not given up the attempt, the next one repeats all of it. */
function stoodStill(node: string, milliseconds: number): DrError {
  return new DrError(
    'NodeFenced',
    `The agent of ${node} was frozen for ${formatSeconds(Math.round(milliseconds / 1_000))} in the middle of a step; this attempt stops here.`,
    { where: node, retryable: true },
  );
}
