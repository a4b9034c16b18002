import type { RecoveryHandle } from '../../temporal/runs';

export type RunHistory = Awaited<ReturnType<RecoveryHandle['fetchHistory']>>;

/** Attempts that an activity took to succeed, by the name of its type; the highest where it ran several times. */
export function attemptsOf(history: RunHistory, activity: string): number {
  const scheduled = new Set(
    (history.events ?? [])
      .filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity)
      .map((event) => String(event.eventId)),
  );
  const attempts = (history.events ?? []).flatMap(({ activityTaskStartedEventAttributes: started }) =>
    started && scheduled.has(String(started.scheduledEventId)) ? [started.attempt ?? 1] : [],
  );
  return Math.max(0, ...attempts);
}

/** The controllers that worked on the run, in order of their first task. */
export function controllersOf(history: RunHistory): string[] {
  const identities = (history.events ?? []).flatMap(({ workflowTaskCompletedEventAttributes: completed }) =>
    completed?.identity ? [completed.identity] : [],
  );
  return [...new Set(identities)];
}
