/** Attempts that wait here for the next place; each takes one of the worker's slots. */
const ROOM = 16;
/** Below the limit of the step that asks. */
const LONGEST_WAIT_MS = 40_000;
/** One that has not asked for so long does not wait any more. */
const FORGET_MS = 5 * 60_000;
const LEAST_DELAY_MS = 5_000;
const MOST_DELAY_MS = 60_000;
const DELAY_EACH_MS = 50;

/** One execution of a workflow. */
export interface Execution {
  workflowId: string;
  runId: string;
}

/** Null: it is its turn. Otherwise how long until it should ask again. */
export type Turn = null | { againMs: number };

interface Waiter {
  run: Execution;
  place: number;
  answer: (turn: Turn) => void;
}

/**
 * Which runs of a kind are under way on this controller, and which wait: a thousand that are due at once would otherwise
 * take all of its memory, disk and slots. In the order in which they first asked. The first few wait here, so that no place stays
 * free; the others get a time at which to ask again, and take no slot meanwhile.
 */
export class Turns {
  readonly #underWay = new Map<string, Execution>();
  /** Its place in the order, and when it was last seen. */
  readonly #waiting = new Map<string, { place: number; seen: number }>();
  #asked = 0;
  #room: Waiter[] = [];

  constructor(
    private readonly most: number,
    private readonly now: () => number = Date.now,
  ) {}

  get underWay(): readonly Execution[] {
    return [...this.#underWay.values()];
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resolves at once, or when a place is free, or when it should not wait here any longer. */
  take(run: Execution, signal: AbortSignal): Promise<Turn> {
    if (this.#underWay.has(run.runId)) return Promise.resolve(null);
    const place = this.#asks(run);
    // An earlier attempt of this step; Temporal does not wait for it any more.
    this.#room.find((other) => other.run.runId === run.runId)?.answer(this.#later());
    return new Promise((resolve) => {
      const waiter: Waiter = {
        run,
        place,
        answer: (turn) => {
          clearTimeout(timer);
          signal.removeEventListener('abort', leave);
          this.#room = this.#room.filter((other) => other !== waiter);
          resolve(turn);
        },
      };
      const leave = () => waiter.answer(this.#later());
      const timer = setTimeout(leave, LONGEST_WAIT_MS);
      signal.addEventListener('abort', leave, { once: true });
      this.#room.push(waiter);
      this.#admit();
      if (signal.aborted) leave();
      // Whoever asked first stays.
      if (this.#room.length > ROOM) this.#inOrder().at(-1)?.answer(this.#later());
    });
  }

  /** Another step of it: it is under way, whoever has let it begin. */
  goesOn(run: Execution): void {
    if (!this.#underWay.has(run.runId)) this.#begin(run);
  }

  end({ runId }: Pick<Execution, 'runId'>): void {
    this.#waiting.delete(runId);
    if (this.#underWay.delete(runId)) this.#admit();
  }

  #admit(): void {
    for (const waiter of this.#inOrder()) {
      if (this.#underWay.size >= this.most) return;
      this.#begin(waiter.run);
      waiter.answer(null);
    }
  }

  #begin(run: Execution): void {
    this.#waiting.delete(run.runId);
    this.#underWay.set(run.runId, run);
  }

  #inOrder(): Waiter[] {
    return this.#room.toSorted((left, right) => left.place - right.place);
  }

  #asks({ runId }: Execution): number {
    const seen = this.now();
    for (const [id, other] of this.#waiting) if (seen - other.seen > FORGET_MS) this.#waiting.delete(id);
    // Not the time: several may ask within one millisecond.
    const place = this.#waiting.get(runId)?.place ?? ++this.#asked;
    this.#waiting.set(runId, { place, seen });
    return place;
  }

  /** The more wait, the more rarely each asks. */
  #later(): { againMs: number } {
    return { againMs: Math.min(MOST_DELAY_MS, Math.max(LEAST_DELAY_MS, this.waiting * DELAY_EACH_MS)) };
  }
}
