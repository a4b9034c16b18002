import { log } from '@temporalio/workflow';
import type { Notification } from '../../src/contract/notification';
import type { ReminderSettings } from '../../src/contract/plan';
import type { RunClaim } from '../../src/contract/recovery';
import { problemOf } from './problems';
import { controller } from './steps';

/** What a run writes down and whom it notifies. None of it ever holds a recovery up: what fails becomes a warning. */
export class Journal {
  readonly warnings: string[] = [];
  reminders: ReminderSettings = { remindMinutes: 10, escalateMinutes: 30, alternates: [] };
  #auditTail: Promise<void> = Promise.resolve();
  #auditCount = 0;
  #notificationCount = 0;

  constructor(private readonly claim: RunClaim) {}

  /** Writes to the audit trail, in order and beside the run. */
  record(
    action: string,
    outcome: 'success' | 'failure' | 'info',
    actor: string,
    details: Record<string, unknown>,
  ): void {
    const { run, cluster } = this.claim;
    const id = `${run}/${++this.#auditCount}`;
    const at = new Date().toISOString();
    this.#auditTail = this.#auditTail
      .then(() =>
        controller.recordAudit({ id, at, action: `restore.${action}`, cluster, run, outcome, actor, details }),
      )
      .catch((error: unknown) => {
        this.#warnOnce('the audit trail could not be written');
        log.warn('the audit trail could not be written', { problem: problemOf(error, 'audit').problem });
      });
  }

  /** Notifies people, by the operator's own command. */
  notify(event: Notification['event'], text: string): void {
    const { run, cluster } = this.claim;
    const alternates = event === 'escalation' ? this.reminders.alternates : [];
    const id = `${run}/notification/${++this.#notificationCount}`;
    controller.notify({ id, event, cluster, run, text, alternates }).catch((error: unknown) => {
      this.#warnOnce(`people could not be notified: ${problemOf(error, 'notify').problem}`);
    });
  }

  async written(): Promise<void> {
    await this.#auditTail;
  }

  #warnOnce(warning: string): void {
    if (!this.warnings.includes(warning)) this.warnings.push(warning);
  }
}
