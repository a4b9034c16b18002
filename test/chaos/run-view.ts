import type { Client, WorkflowHandle } from '@temporalio/client';
import type { RunHistory } from '../../src/lab/demo/history';

const ANSWER_WITHIN_MS = 2_000;
/** Of PendingActivityState and of WorkflowExecutionStatus. */
const STARTED = 2;
const RUNNING = 1;

/** One activity of a run, as Temporal has it. */
export interface ActivityView {
  activity: string;
  /** The node whose queue it is in; undefined for the controller. */
  node: string | undefined;
  /** An attempt has begun at some time. */
  started: boolean;
  /** From the start of the last attempt to its end; null until then. */
  milliseconds: number | null;
  /** Milliseconds since 1970; null until then. */
  completedAt: number | null;
}

export interface RunView {
  activities: ActivityView[];
  isOver: boolean;
}

/** Watches a run from outside, again and again. Nothing is seen while Temporal is down. */
export function watchRun(client: Client, handle: WorkflowHandle): () => Promise<RunView> {
  let known: { length: string; activities: Map<string, ActivityView> } | undefined;
  return async () => {
    try {
      return await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, async () => {
        const { raw } = await handle.describe();
        const length = String(raw.workflowExecutionInfo?.historyLength);
        if (known?.length !== length) known = { length, activities: activitiesOf(await handle.fetchHistory()) };
        // Temporal writes the start of an activity into the history only when it ends.
        for (const { activityId, state } of raw.pendingActivities ?? []) {
          const running = state === STARTED ? known.activities.get(activityId ?? '') : undefined;
          if (running) running.started = true;
        }
        return { activities: [...known.activities.values()], isOver: raw.workflowExecutionInfo?.status !== RUNNING };
      });
    } catch {
      return { activities: [], isOver: false };
    }
  };
}

/** When the last backup that the run made ended, in milliseconds since 1970; undefined if it made none. */
export function backedUpAt(history: RunHistory): number | undefined {
  const ends = (history.events ?? []).filter((event) => event.childWorkflowExecutionCompletedEventAttributes);
  return ends.map(timeOf).at(-1);
}

/** By activity id, in the order in which they were scheduled. */
export function activitiesOf(history: RunHistory): Map<string, ActivityView> {
  const events = history.events ?? [];
  const byEvent = new Map<string, ActivityView>();
  const byId = new Map<string, ActivityView>();
  const startedAt = new Map<string, number>();
  for (const event of events) {
    const at = timeOf(event);
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) {
      const view: ActivityView = {
        activity: scheduled.activityType?.name ?? '',
        node: /^vault-dr-node\/[^/]+\/(.+)$/.exec(scheduled.taskQueue?.name ?? '')?.[1],
        started: false,
        milliseconds: null,
        completedAt: null,
      };
      byEvent.set(String(event.eventId), view);
      byId.set(scheduled.activityId ?? '', view);
    }
    const started = event.activityTaskStartedEventAttributes;
    if (started) startedAt.set(String(started.scheduledEventId), at);
    const completed =
      event.activityTaskCompletedEventAttributes ??
      event.activityTaskFailedEventAttributes ??
      event.activityTaskTimedOutEventAttributes ??
      event.activityTaskCanceledEventAttributes;
    const view = byEvent.get(String(completed?.scheduledEventId));
    if (!completed || !view) continue;
    view.started = true;
    view.completedAt = at;
    view.milliseconds = at - (startedAt.get(String(completed.scheduledEventId)) ?? at);
  }
  return byId;
}

function timeOf({ eventTime }: NonNullable<RunHistory['events']>[number]): number {
  return Number(eventTime?.seconds ?? 0) * 1_000 + (eventTime?.nanos ?? 0) / 1e6;
}
