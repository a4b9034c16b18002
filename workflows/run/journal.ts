import { CancellationScope, inWorkflowContext, log } from '@temporalio/workflow';
import type { Identity } from '../../src/contract/input';
import { kindOf, type Notification } from '../../src/contract/notification';
import type { ReminderSettings } from '../../src/contract/plan';
import type { RunClaim } from '../../src/contract/recovery';
import { type Delivering, notifyThroughChannels } from './deliver';
import { goesInFewSteps, since } from './few-steps';
import { problemOf } from './problems';
import { controller } from './steps';
import { type Counts, Tally } from './tally';
import { notice } from '../../src/contract/notice';

type AuditRecord = Parameters<typeof controller.recordAudit>[0];
type Details = Record<string, unknown>;
type What = [action: string, outcome: AuditRecord['outcome'], actor: string, details: Details];

const MOST_RECORDS_AT_ONCE = 100;

/** State for the next execution of the run. */
export interface HandedJournal {
  warnings: string[];
  reminders: ReminderSettings;
  audited: number;
  notified: number;
  /** Id of the notification of a wait that is not over. */
  wait?: string | null;
  counts: Counts;
}

/** Audit records and notifications of a run. They never block a recovery: a failure becomes a warning. */
export class Journal {
  readonly warnings: string[];
  /** Counts messages that anybody can send. */
  readonly tally: Tally;
  reminders: ReminderSettings;
  readonly #unwritten: AuditRecord[] = [];
  #auditTail: Promise<void> = Promise.resolve();
  readonly #telling: Promise<unknown>[] = [];
  #auditCount: number;
  #notificationCount: number;
  /** Id of the first notification of the wait that is not over. */
  #wait: string | null;
  /** What was said of it. */
  #ofWait: Promise<Delivering | null>[] = [];
  #usesChannels: boolean;

  constructor(
    private readonly claim: RunClaim,
    handed?: HandedJournal,
    /** Of the run, as its records in the audit trail begin. */
    private readonly kind: 'restore' | 'drill' | 'roll-call' | 'recover' = 'restore',
  ) {
    this.warnings = handed?.warnings ?? [];
    this.tally = new Tally(this.warnings, handed?.counts);
    this.reminders = handed?.reminders ?? { remindMinutes: 10, escalateMinutes: 30, alternates: [] };
    this.#auditCount = handed?.audited ?? 0;
    this.#notificationCount = handed?.notified ?? 0;
    this.#wait = handed?.wait ?? null;
    this.#usesChannels = this.#wait !== null;
  }

  handOver(): HandedJournal {
    const { warnings, reminders, tally } = this;
    return {
      warnings,
      reminders,
      counts: tally.counts,
      audited: this.#auditCount,
      notified: this.#notificationCount,
      ...(this.#usesChannels ? { wait: this.#wait } : {}),
    };
  }

  /** Writes to the audit trail, in order, without blocking the run. */
  record(...what: What): void {
    this.#note(...what);
    this.flush();
  }

  /** The same together with the next record, for what is followed by one within moments. */
  recordWithNext(...what: What): void {
    this.#note(...what);
    if (!goesInFewSteps()) this.flush();
  }

  #note(...[action, outcome, actor, details]: What): void {
    const { run, cluster } = this.claim;
    const id = `${run}/${++this.#auditCount}`;
    const at = new Date().toISOString();
    this.#unwritten.push({ id, at, action: `${this.kind}.${action}`, cluster, run, outcome, actor, details });
  }

  /** Writes what waits for a next record. */
  flush(): void {
    if (this.#unwritten.length === 0) return;
    this.#auditTail = this.#auditTail
      .then(() => this.#write())
      .catch((error: unknown) => {
        this.#warnOnce(notice('records-not-written', 'the audit trail could not be written'));
        warn('the audit trail could not be written', { problem: problemOf(error, 'audit').problem });
      });
  }

  /** Writes all pending records in one batch. */
  async #write(): Promise<void> {
    if (!since('audit-batches')) {
      const [record] = this.#unwritten.splice(0, 1);
      if (record) await controller.recordAudit(record);
      return;
    }
    const records = this.#unwritten.splice(0, MOST_RECORDS_AT_ONCE);
    if (records.length === 0) return;
    // Also if people cancelled the step.
    await CancellationScope.nonCancellable(() => controller.recordAudits({ records }));
  }

  /** Notifies people, and waits for none of the channels. */
  notify(event: Notification['event'], text: string): void {
    const { run, cluster } = this.claim;
    const alternates = event === 'escalation' ? this.reminders.alternates : [];
    const id = `${run}/notification/${++this.#notificationCount}`;
    const isOfWait = kindOf(event).subject === 'run';
    if (isOfWait) this.#wait ??= id;
    const about = isOfWait ? this.#wait : null;
    const send = () => notifyThroughChannels({ id, event, cluster, run, text, alternates }, about ?? undefined);
    // Also if people cancelled the step.
    const sent = since('notify-outside-of-steps') ? CancellationScope.nonCancellable(send) : send();
    const told = sent.then(
      (delivering) => {
        if (delivering !== null) this.#usesChannels = true;
        return delivering;
      },
      (error: unknown) => {
        this.#warnOnce(notice('not-notified', `people could not be notified: ${problemOf(error, 'notify').problem}`));
        return null;
      },
    );
    this.#telling.push(told);
    if (isOfWait) this.#ofWait.push(told);
  }

  /** Nothing is waited for any more. Of interest only where a channel has said that something was. */
  waitOver(): void {
    const [about, said] = [this.#wait, this.#ofWait];
    if (about === null) return;
    this.#wait = null;
    this.#ofWait = [];
    const { run, cluster } = this.claim;
    const id = `${run}/notification/over/${about.split('/').at(-1)}`;
    const text = 'Nobody is waited for any more.';
    const over = CancellationScope.nonCancellable(async () => {
      const delivering = (await Promise.all(said)).filter((item) => item !== null);
      if (delivering.length === 0 && !this.#usesChannels) return;
      await Promise.all(delivering.map((item) => item.cancel()));
      await notifyThroughChannels({ id, event: 'wait over', cluster, run, text, alternates: [] }, about);
    });
    this.#telling.push(over.catch(() => undefined));
  }

  /** A run that ends at once would take its last notification with it. What channels have yet to deliver is not waited for. */
  async told(): Promise<void> {
    this.waitOver();
    await Promise.all(this.#telling);
  }

  /** The same in runs that did not wait for it before there were channels. */
  async toldThroughChannels(): Promise<void> {
    if (this.#usesChannels) await this.told();
  }

  async written(): Promise<void> {
    if (goesInFewSteps()) this.flush();
    await this.#auditTail;
  }

  #warnOnce(warning: string): void {
    if (!this.warnings.includes(warning)) this.warnings.push(warning);
  }
}

/** Of who acts, for the details of a record; nothing where no login has said so, as in histories of earlier versions. */
export function asserted(identity: Identity | undefined): { identity?: Identity } {
  return identity === undefined ? {} : { identity };
}

/** Who has started a run through the pages. */
export function recordRequester(journal: Journal, requestedBy: string, identity: Identity | undefined): void {
  if (identity !== undefined) journal.record('requested', 'info', requestedBy, asserted(identity));
}

/** A log line while an execution is evicted has no workflow context, and would end the controller. */
export function warn(message: string, details: Record<string, unknown>): void {
  if (inWorkflowContext()) log.warn(message, details);
}
