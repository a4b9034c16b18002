import type { History } from '@temporalio/worker';
import type { Decider } from './open-run';
import { deciderOf } from './last-decider';

type Event = NonNullable<History['events']>[number];

/**
 * The decided part of a run: its history up to the last decision and its results. Later events are left out: no version has
 * handled them yet.
 */
export function decidedPart(events: Event[]): { events: Event[]; decider: Decider | null } {
  const last = events.findLastIndex((event) => event.workflowTaskCompletedEventAttributes);
  const decision = events[last];
  if (!decision) return { events: [], decider: null };
  let end = last + 1;
  for (let event = events[end]; event && cameOf(event, Number(decision.eventId)); event = events[end]) end++;
  return { events: events.slice(0, end), decider: deciderOf(decision.workflowTaskCompletedEventAttributes) };
}

function cameOf(event: Event, decision: number): boolean {
  // The outcome of an update does not name the decision that it belongs to.
  if (event.workflowExecutionUpdateAcceptedEventAttributes ?? event.workflowExecutionUpdateCompletedEventAttributes) {
    return true;
  }
  return Object.values(event).some((attributes) => {
    const { workflowTaskCompletedEventId } = (attributes ?? {}) as { workflowTaskCompletedEventId?: unknown };
    return workflowTaskCompletedEventId !== undefined && Number(workflowTaskCompletedEventId) === decision;
  });
}
