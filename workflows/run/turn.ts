/** Anybody can send thousands, and nobody should have to wait behind them. */
const MOST_SIGNALS_WAITING = 10;

/** Lets in one at a time, in the order in which they come. */
export class Turn {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** How many are in it or wait for it. */
  get length(): number {
    return this.#waiting;
  }

  /** Updates always find room: Temporal lets few of them be under way. */
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
