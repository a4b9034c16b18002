import { nextReminderMs } from '../../../workflows/run/reminders';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe('reminders', () => {
  it('come at their interval until somebody else is notified, then each after twice as long, up to a day', () => {
    const minutes = Array.from({ length: 12 }, (_, sent) => {
      return nextReminderMs({ remindMinutes: 10, escalateMinutes: 30 }, sent) / MINUTE;
    });

    expect(minutes).toEqual([10, 10, 10, 20, 40, 80, 160, 320, 640, 1_280, 1_440, 1_440]);
  });

  it('are not more frequent than the interval that is configured', () => {
    expect(nextReminderMs({ remindMinutes: 3 * 1_440, escalateMinutes: 30 }, 0)).toBe(3 * DAY);
    expect(nextReminderMs({ remindMinutes: 3 * 1_440, escalateMinutes: 30 }, 5)).toBe(3 * DAY);
  });

  it('stay finite, however long somebody is waited for', () => {
    expect(nextReminderMs({ remindMinutes: 0.01, escalateMinutes: 30 }, 10_000)).toBe(DAY);
  });
});
