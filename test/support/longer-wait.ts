import type { WorkflowHandle } from '@temporalio/client';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
type Event = NonNullable<History['events']>[number];

/** Of an event that is made up: numbers for what the wire has as 64 bits. */
type Made = Omit<Event, 'eventId' | 'eventTime'> & { eventId: number; eventTime: { seconds: number; nanos: number } };

interface Pending {
  /** When it happens; seconds since the epoch. */
  at: number;
  happen: (at: number) => void;
}

/**
 * Continues the history of a waiting run for the given time, as the server would write it if nothing happened: timers
 * fire, watches end and are asked for again, people are reminded. Time is skipped, and a replay shows whether the
 * workflow would have done just this: it fails at the first event that the workflow did not ask for.
 * @param intervalMs how long the n-th timer of the wait lasts, from 0 on
 * @param watchSeconds how long one watch lasts
 */
export function waitLonger(
  history: History,
  days: number,
  intervalMs: (count: number) => number,
  watchSeconds: number,
): { history: History; events: number; reminders: number } {
  const events = [...(history.events ?? [])] as (Event | Made)[];
  const recorded = history.events ?? [];
  const secondsOf = (event: Event) => Number(event.eventTime?.seconds ?? 0);
  const idOf = (event: Event | Made | undefined) => Number(event?.eventId ?? 0);
  const end = secondsOf(recorded.at(-1)!) + days * 86_400;
  const pending: Pending[] = [];
  let reminders = 0;
  const last = (idIn: (event: Event) => string | null | undefined) =>
    Math.max(0, ...recorded.map((event) => Number(idIn(event) ?? 0)));
  let activities = last((event) => event.activityTaskScheduledEventAttributes?.activityId);
  let timers = last((event) => event.timerStartedEventAttributes?.timerId);

  const add = (at: number, event: Omit<Made, 'eventId' | 'eventTime'>): number => {
    const eventId = idOf(events.at(-1)) + 1;
    events.push({ ...event, eventId, eventTime: { seconds: at, nanos: 0 } });
    return eventId;
  };
  /** The workflow looks at what has happened. @returns the id of the event that its commands belong to */
  const decide = (at: number): number => {
    const template = (key: keyof Event) => recorded.findLast((event) => event[key]) as Event;
    const scheduled = template('workflowTaskScheduledEventAttributes');
    const scheduledEventId = add(at, {
      eventType: scheduled.eventType,
      workflowTaskScheduledEventAttributes: scheduled.workflowTaskScheduledEventAttributes,
    } as Made);
    const started = template('workflowTaskStartedEventAttributes');
    const startedEventId = add(at, {
      eventType: started.eventType,
      workflowTaskStartedEventAttributes: { ...started.workflowTaskStartedEventAttributes, scheduledEventId },
    } as unknown as Made);
    const completed = template('workflowTaskCompletedEventAttributes');
    return add(at, {
      eventType: completed.eventType,
      workflowTaskCompletedEventAttributes: {
        ...completed.workflowTaskCompletedEventAttributes,
        scheduledEventId,
        startedEventId,
      },
    } as unknown as Made);
  };
  const endOf = (scheduled: Event | Made, at: number, result?: unknown): void => {
    const name = scheduled.activityTaskScheduledEventAttributes?.activityType?.name;
    const done = recorded.find((event) => {
      const { scheduledEventId } = event.activityTaskCompletedEventAttributes ?? {};
      return scheduledEventId !== undefined && typeOf(Number(scheduledEventId)) === 'notify';
    })!;
    const started = recorded.find((event) => event.activityTaskStartedEventAttributes)!;
    const scheduledEventId = idOf(scheduled);
    const startedEventId = add(at, {
      eventType: started.eventType,
      activityTaskStartedEventAttributes: { ...started.activityTaskStartedEventAttributes, scheduledEventId },
    } as unknown as Made);
    const data = Buffer.from(JSON.stringify(result ?? null));
    const payloads = [{ metadata: { encoding: Buffer.from('json/plain') }, data }];
    add(at, {
      eventType: done.eventType,
      activityTaskCompletedEventAttributes: {
        ...done.activityTaskCompletedEventAttributes,
        scheduledEventId,
        startedEventId,
        result: name === 'notify' ? null : { payloads },
      },
    } as unknown as Made);
  };
  const typeOf = (eventId: number) =>
    recorded.find((event) => idOf(event) === eventId)?.activityTaskScheduledEventAttributes?.activityType?.name;
  const schedule = (at: number, like: Event | Made, decision: number): Made => {
    const attributes = { ...like.activityTaskScheduledEventAttributes, activityId: String(++activities) };
    add(at, {
      eventType: like.eventType,
      activityTaskScheduledEventAttributes: { ...attributes, workflowTaskCompletedEventId: decision },
    } as unknown as Made);
    return events.at(-1) as Made;
  };

  const watch = (scheduled: Event | Made, since: number): void => {
    const happen = (at: number) => {
      endOf(scheduled, at, false);
      watch(schedule(at, scheduled, decide(at)), at);
    };
    pending.push({ at: since + watchSeconds, happen });
  };
  const remindAfter = (timer: Event | Made, since: number, count: number): void => {
    const happen = (at: number) => {
      const { timerId } = timer.timerStartedEventAttributes!;
      const fired = recorded.find((event) => event.timerFiredEventAttributes);
      add(at, {
        eventType: fired?.eventType ?? EVENT_TYPE_TIMER_FIRED,
        timerFiredEventAttributes: { timerId, startedEventId: idOf(timer) },
      } as unknown as Made);
      const decision = decide(at);
      const like = recorded.findLast(
        (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'notify',
      );
      const notice = schedule(at, like!, decision);
      reminders++;
      add(at, {
        eventType: timer.eventType,
        timerStartedEventAttributes: {
          ...timer.timerStartedEventAttributes,
          timerId: String(++timers),
          workflowTaskCompletedEventId: decision,
        },
      } as unknown as Made);
      const next = events.at(-1) as Made;
      endOf(notice, at);
      decide(at);
      remindAfter(next, at, count + 1);
    };
    pending.push({ at: since + intervalMs(count) / 1_000, happen });
  };

  const over = new Set(
    recorded.flatMap((event) => {
      const { timerFiredEventAttributes: fired } = event;
      const done =
        event.activityTaskCompletedEventAttributes ??
        event.activityTaskFailedEventAttributes ??
        event.activityTaskTimedOutEventAttributes ??
        event.activityTaskCanceledEventAttributes ??
        // The workflow no longer waits for it, whether or not its worker has heard of that yet.
        event.activityTaskCancelRequestedEventAttributes;
      const id = done?.scheduledEventId ?? fired?.startedEventId ?? event.timerCanceledEventAttributes?.startedEventId;
      return id === undefined || id === null ? [] : [Number(id)];
    }),
  );
  for (const event of recorded.filter((item) => !over.has(idOf(item)))) {
    if (event.activityTaskScheduledEventAttributes) watch(event, secondsOf(event));
    if (event.timerStartedEventAttributes) remindAfter(event, secondsOf(event), 0);
  }
  for (;;) {
    pending.sort((left, right) => left.at - right.at);
    const next = pending.shift();
    if (!next || next.at > end) break;
    next.happen(Math.ceil(next.at));
  }
  return { history: { events } as unknown as History, events: events.length, reminders };
}

/** temporal.api.enums.v1.EventType */
const EVENT_TYPE_TIMER_FIRED = 18;
