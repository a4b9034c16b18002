import { condition } from '@temporalio/workflow';
import type { WaitingFor } from '../../src/contract/recovery';
import { nextStep } from '../../src/contract/voice/one-line';
import type { Journal } from './journal';
import type { RunState } from './run-state';

const WANTED = {
  approval: 'approval wanted',
  shares: 'shares wanted',
  operator: 'decision wanted',
} as const;

/** How a run waits for people, several of whom may be waited for at once. */
export class Waiting {
  #waits: WaitingFor[] = [];
  #since: number | null = null;

  constructor(
    private readonly state: RunState,
    private readonly journal: Journal,
  ) {}

  /**
   * Time in which people are waited for is told apart from the machine's own. They are reminded; nothing ever gives up, unless
   * a deadline (milliseconds since the epoch) says so.
   */
  async until(what: WaitingFor, done: () => boolean, deadline = Infinity): Promise<void> {
    if (done()) return;
    this.#begin(what);
    try {
      await this.#remind(what, done, deadline);
    } finally {
      this.#end(what);
    }
  }

  async #remind(what: WaitingFor, done: () => boolean, deadline: number): Promise<void> {
    const { remindMinutes, escalateMinutes } = this.journal.reminders;
    this.journal.notify(WANTED[what], nextStep(this.state.progress));
    const since = Date.now();
    for (;;) {
      const interval = Math.max(1, Math.min(remindMinutes * 60_000, deadline - Date.now()));
      if (await condition(done, interval, { summary: `waiting for ${what}; then remind people` })) return;
      if (Date.now() >= deadline) return;
      const waited = (Date.now() - since) / 60_000;
      this.journal.notify(waited >= escalateMinutes ? 'escalation' : 'reminder', nextStep(this.state.progress));
    }
  }

  #begin(what: WaitingFor): void {
    const { progress } = this.state;
    this.#waits.push(what);
    this.#since ??= Date.now();
    progress.escalatesAt = new Date(Date.now() + this.journal.reminders.escalateMinutes * 60_000).toISOString();
    this.show();
  }

  #end(what: WaitingFor): void {
    const { progress } = this.state;
    this.#waits.splice(this.#waits.lastIndexOf(what), 1);
    if (this.#waits.length === 0 && this.#since !== null) {
      const phase = progress.phases.at(-1);
      if (phase) phase.humanSeconds += (Date.now() - this.#since) / 1_000;
      this.#since = null;
      progress.escalatesAt = null;
    }
    this.show();
  }

  /** To be called when what is parked has changed, too. */
  show(): void {
    const { progress } = this.state;
    progress.waitingFor = this.#waits.at(-1) ?? null;
    const waiting = this.#waits.length > 0 ? 'waiting' : 'running';
    progress.status = progress.parked.length > 0 ? 'parked' : waiting;
    this.state.show();
  }
}
