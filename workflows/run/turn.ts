/** Anybody can send thousands of signals, and nobody should have to wait behind them. */
const MOST_SIGNALS_WAITING = 10;

/** Runs work one at a time, in order of arrival. */
export class Turn {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** How many are running or waiting. */
  get length(): number {
    return this.#waiting;
  }

  /** Updates are always let in: Temporal limits how many are pending. */
  hasRoomFor(by: 'update' | 'signal'): boolean {
    return by === 'update' || this.length < MOST_SIGNALS_WAITING;
  }

  take<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const result = this.#tail.then(work);
    const over = () => void this.#waiting--;
    this.#tail = result.then(over, over);
    return result;
  }
}
