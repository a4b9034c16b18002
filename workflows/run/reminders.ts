import type { ReminderSettings } from '../../src/contract/plan';

/** Whoever has not reacted for days needs no more than this, and each reminder makes history longer. */
const LONGEST_MS = 24 * 3_600_000;

/**
 * Time to the next reminder: the configured interval until the alternates have been notified (`escalateMinutes`), then
 * twice as long each time, up to a day.
 * @param sent number of reminders so far
 */
export function nextReminderMs(
  { remindMinutes, escalateMinutes }: Pick<ReminderSettings, 'remindMinutes' | 'escalateMinutes'>,
  sent: number,
): number {
  const steady = Math.ceil(escalateMinutes / remindMinutes);
  const doublings = Math.max(0, sent - steady + 1);
  return Math.min(remindMinutes * 60_000 * 2 ** doublings, Math.max(LONGEST_MS, remindMinutes * 60_000));
}
