import { since } from './few-steps';
import { isGone } from './problems';
import { controller, controllerAt } from './steps';

/** For how long a controller that did not answer is not asked again: each time takes half a minute. */
const SILENT_MS = 5 * 60_000;

export interface HandedServing {
  by: string | null;
  /** Milliseconds since the epoch. */
  silentAt: number | null;
}

/** The controller that serves a directory of the cluster's backups, and whether it answers. */
export class Serving {
  /** As the plan found it; null where any controller serves everything. */
  by: string | null;
  #silentAt: number | null;

  constructor(handed?: HandedServing) {
    this.by = handed?.by ?? null;
    this.#silentAt = handed?.silentAt ?? null;
  }

  handOver(): HandedServing {
    return { by: this.by, silentAt: this.#silentAt };
  }

  /** The controller, if it did not answer lately. */
  get silent(): string | null {
    const lately = this.#silentAt !== null && Date.now() - this.#silentAt < SILENT_MS;
    return lately ? this.by : null;
  }

  /** Asks that controller; where it does not answer, any other one, which does without the directory. */
  async ask<T>(work: (steps: typeof controller) => Promise<T>): Promise<T> {
    if (this.by === null) return work(controller);
    // Asked each time in histories from before this.
    if (this.silent !== null && since('silent-controller')) return work(controller);
    try {
      return await work(controllerAt(this.by));
    } catch (error) {
      if (!isGone(error)) throw error;
      this.#silentAt = Date.now();
      return work(controller);
    }
  }
}
