import { condition } from '@temporalio/workflow';
import type { WaitingFor } from '../../src/contract/recovery';
import { nextStep } from '../../src/contract/voice/one-line';
import { since } from './few-steps';
import type { Journal } from './journal';
import { nextReminderMs } from './reminders';
import type { RunState } from './run-state';

const WANTED = {
  approval: 'approval wanted',
  shares: 'shares wanted',
  operator: 'decision wanted',
  goLive: 'go-live wanted',
} as const;

interface Wait {
  what: WaitingFor;
  since: number;
  /** Number of reminders so far. */
  reminders: number;
  isOver: () => boolean;
}

/** Waits that an earlier execution began: people have been notified of them. */
export type HandedWaits = Pick<Wait, 'what' | 'since' | 'reminders'>[];

/** Waits for people, possibly for several things at once. */
export class Waiting {
  #waits: Wait[] = [];
  #since: number | null = null;

  constructor(
    private readonly state: RunState,
    private readonly journal: Journal,
    private readonly handed: HandedWaits = [],
  ) {}

  /** Whether there are waits, and none of them has ended. */
  get isIdle(): boolean {
    return this.#waits.length > 0 && this.#waits.every(({ isOver }) => !isOver());
  }

  /** To be called when nothing else happens in this execution. */
  handOver(): HandedWaits {
    this.#countHumanTime();
    return this.#waits.map(({ what, since, reminders }) => ({ what, since, reminders }));
  }

  /**
   * Time spent waiting for people is counted separately. They are reminded, and the wait never times out, unless there
   * is a deadline (milliseconds since the epoch).
   */
  async until(what: WaitingFor, done: () => boolean, deadline = Infinity): Promise<void> {
    if (done()) return;
    const wait = this.#begin(what, () => done() || Date.now() >= deadline);
    try {
      await this.#remind(wait, done, deadline);
    } finally {
      this.#end(wait);
    }
  }

  async #remind(wait: Wait, done: () => boolean, deadline: number): Promise<void> {
    const { reminders } = this.journal;
    for (;;) {
      // A notification names all open waits, so one of them is enough to remind people.
      if (!this.#isEldest(wait) && since('one-reminder')) await condition(() => done() || this.#isEldest(wait));
      if (done()) return;
      const interval = Math.min(nextReminderMs(reminders, wait.reminders), deadline - Date.now());
      const summary = `waiting for ${wait.what}; then remind people`;
      if (await condition(done, Math.max(1, interval), { summary })) return;
      if (Date.now() >= deadline) return;
      wait.reminders++;
      const waited = (Date.now() - wait.since) / 60_000;
      this.journal.notify(
        waited >= reminders.escalateMinutes ? 'escalation' : 'reminder',
        nextStep(this.state.progress),
      );
    }
  }

  #isEldest(wait: Wait): boolean {
    return this.#waits[0] === wait;
  }

  #begin(what: WaitingFor, isOver: () => boolean): Wait {
    const { progress } = this.state;
    const known = this.handed.findIndex((item) => item.what === what);
    const handed = known < 0 ? undefined : this.handed.splice(known, 1)[0];
    const wait = { ...(handed ?? { what, since: Date.now(), reminders: 0 }), isOver };
    this.#waits.push(wait);
    this.#since ??= Date.now();
    progress.escalatesAt = new Date(wait.since + this.journal.reminders.escalateMinutes * 60_000).toISOString();
    this.show();
    if (!handed) this.journal.notify(WANTED[what], nextStep(progress));
    return wait;
  }

  #end(wait: Wait): void {
    this.#waits.splice(this.#waits.indexOf(wait), 1);
    if (this.#waits.length === 0) {
      this.#countHumanTime();
      this.state.progress.escalatesAt = null;
      this.journal.waitOver();
    }
    this.show();
  }

  #countHumanTime(): void {
    const phase = this.state.progress.phases.at(-1);
    if (phase && this.#since !== null) phase.humanSeconds += (Date.now() - this.#since) / 1_000;
    this.#since = null;
  }

  /** To be called also when parked steps have changed. */
  show(): void {
    const { progress } = this.state;
    progress.waitingFor = this.#waits.at(-1)?.what ?? null;
    const waiting = this.#waits.length > 0 ? 'waiting' : 'running';
    progress.status = progress.parked.length > 0 ? 'parked' : waiting;
    this.state.show();
  }
}
