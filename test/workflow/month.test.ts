import { Worker } from '@temporalio/worker';
import { patient, waitFor } from '../../src/lab/processes';
import { nextReminderMs } from '../../workflows/run/reminders';
import { WATCH_SECONDS } from '../../workflows/run/steps';
import { waitLonger } from '../support/longer-wait';
import { type Handle, refusal, useRecoveries } from '../support/workflow-driver';

jest.setTimeout(120_000);

const MONTH = 31;
const REMINDERS = { remindMinutes: 10, escalateMinutes: 30 };

describe('a run that waits for a month', () => {
  const recoveries = useRecoveries();
  const { begin, approve, submitThree, waiting, until } = recoveries;

  /** @returns seconds of CPU that a controller takes which restarts, after a month */
  async function afterAMonth(handle: Handle) {
    await waitFor('only the wait is left', () => isStill(handle), { timeoutMs: 20_000 });
    const made = waitLonger(
      await handle.fetchHistory(),
      MONTH,
      (count) => nextReminderMs(REMINDERS, count),
      WATCH_SECONDS,
    );
    const begun = process.cpuUsage();
    await Worker.runReplayHistory({ workflowBundle: recoveries.environment().bundle }, made.history, 'restore-prod');
    const { user, system } = process.cpuUsage(begun);
    return { ...made, seconds: (user + system) / 1e6 };
  }

  it('for the shares of key holders has a history of less than a thousand events, gone through at once', async () => {
    const handle = await begin();
    await approve(handle);
    await waiting(handle, 'shares');

    const { events, reminders, seconds } = await afterAMonth(handle);

    process.stdout.write(`a month of waiting for shares: ${events} events, gone through in ${seconds} s of CPU\n`);
    expect(events).toBeLessThan(1_000);
    expect(reminders).toBeGreaterThan(30);
    // Two on a usual machine.
    expect(seconds).toBeLessThan(patient(3));
  });

  it('for several decisions at once reminds people once for all of them', async () => {
    for (const name of ['vault-2', 'vault-3']) {
      recoveries.fakes().nodes[name]!.joinNode = () => Promise.reject(refusal('NodeUnsafe', 'not its own', 'Look.'));
    }
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    await until(handle, 'both are parked', ({ parked }) => parked.length === 2);

    const { events, reminders } = await afterAMonth(handle);

    process.stdout.write(`a month with two parked nodes: ${events} events\n`);
    expect(events).toBeLessThan(1_000);
    expect(reminders).toBeLessThan(45);
  });
});

/** What is reported at the beginning of a wait is reported, and only watches are left. */
async function isStill(handle: Handle): Promise<boolean> {
  const { raw } = await handle.describe();
  const pending = (raw.pendingActivities ?? []).map(({ activityType }) => activityType?.name ?? '');
  return !raw.pendingWorkflowTask && pending.length > 0 && pending.every((name) => name.startsWith('watch'));
}
