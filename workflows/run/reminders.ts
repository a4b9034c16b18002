import type { ReminderSettings } from '../../src/contract/plan';

/** Whoever has not come within days needs no more than this; and each reminder makes history longer. */
const LONGEST_MS = 24 * 3_600_000;

/**
 * When to remind people again: at the configured interval until somebody else has been notified (`escalateMinutes`), then each time
 * after twice as long, up to a day.
 * @param sent how often they have been reminded of the same
 */
export function nextReminderMs(
  { remindMinutes, escalateMinutes }: Pick<ReminderSettings, 'remindMinutes' | 'escalateMinutes'>,
  sent: number,
): number {
  const steady = Math.ceil(escalateMinutes / remindMinutes);
  const doublings = Math.max(0, sent - steady + 1);
  return Math.min(remindMinutes * 60_000 * 2 ** doublings, Math.max(LONGEST_MS, remindMinutes * 60_000));
}
