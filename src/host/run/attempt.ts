import { DrError } from '../../contract/failures';
import { formatSeconds } from '../../contract/format';

/**
 * One attempt at a node's step. A retry may overlap with the attempt that it replaces: Temporal gives a step up on a
 * time-out, yet the code of the earlier attempt may still run. Within one agent the newest attempt wins.
 */
export interface Attempt {
  /** Aborts when the activity is cancelled or a newer attempt has begun. */
  readonly signal: AbortSignal;
  /**
   * To be called with no `await` between it and the effect: in one process nothing can come between the two.
   * @throws DrError NodeFenced when a newer attempt has begun, or when this process was frozen for too long.
   */
  assertCurrent(): void;
}

const POLL_INTERVAL_MS = 250;

export interface BeginOptions {
  /** Sorts attempts as text: one that comes later in it is never held up by an earlier one that was slow to begin. */
  order?: string;
  /** The attempt ends when this process is frozen for longer: its run may have abandoned it. */
  leaseMs?: number;
}

/**
 * Hands out attempts, each of which ends the one before. One per node and agent process. A process that was frozen (SIGSTOP,
 * a paused virtual machine) can't know what has happened meanwhile, and so ends what it was about to do.
 */
export class AttemptGate {
  #current: { controller: AbortController; leaseMs: number } | null = null;
  #latest = '';
  #checkedAt: number;

  constructor(
    private readonly node: string,
    /** Milliseconds; a clock that keeps running while this process is frozen. */
    private readonly now: () => number = Date.now,
  ) {
    this.#checkedAt = now();
    setInterval(() => this.#check(), POLL_INTERVAL_MS).unref();
  }

  /** @throws DrError NodeFenced when a later attempt has begun. */
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
 * Retryable: a Temporal that was killed has been seen to hand a repeated attempt out before the time that it had set
 * for it, and then the next step of the run looks older than that one. The result of an abandoned attempt is ignored
 * anyway.
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

/** Retryable: if the run has not given the attempt up, the next one does all of it. */
function stoodStill(node: string, milliseconds: number): DrError {
  return new DrError(
    'NodeFenced',
    `The agent of ${node} was frozen for ${formatSeconds(Math.round(milliseconds / 1_000))} in the middle of a step; this attempt stops here.`,
    { where: node, retryable: true },
  );
}
