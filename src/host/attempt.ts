import { DrError } from '../contract/failures';

/**
 * One attempt at a node's step. A retry may overlap with the attempt that it replaces: Temporal gives a step up on a
 * time-out, yet the code of the earlier attempt may still run. Within one agent the newest attempt wins.
 */
export interface Attempt {
  /** Aborts when the activity is cancelled or a newer attempt has begun. */
  readonly signal: AbortSignal;
  /**
   * To be called with no `await` between it and the effect: in one process nothing can come between the two.
   * @throws DrError NodeFenced when a newer attempt has begun.
   */
  assertCurrent(): void;
}

/** Hands out attempts, each of which ends the one before. One per node and agent process. */
export class AttemptGate {
  #current: AbortController | null = null;
  #latest = '';
  readonly #node: string;

  constructor(node: string) {
    this.#node = node;
  }

  /**
   * @param order sorts attempts as text: one that comes later in it is never held up by an earlier one that was slow to begin
   * @throws DrError NodeFenced when a later attempt has begun.
   */
  begin(cancellation: AbortSignal, order = ''): Attempt {
    if (order < this.#latest) throw superseded(this.#node);
    this.#latest = order;
    this.#current?.abort(superseded(this.#node));
    const controller = new AbortController();
    this.#current = controller;
    const signal = AbortSignal.any([cancellation, controller.signal]);
    return { signal, assertCurrent: () => signal.throwIfAborted() };
  }
}

function superseded(node: string): DrError {
  return new DrError('NodeFenced', `A newer attempt at ${node} has begun; this one stops here.`, { where: node });
}
