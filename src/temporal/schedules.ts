import { createHash } from 'node:crypto';
import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy, type ScheduleOptions } from '@temporalio/client';
import {
  backupScheduleId,
  backupWorkflowId,
  CONTROLLER_TASK_QUEUE,
  drillScheduleId,
  drillWorkflowId,
  fairly,
  PRIORITY,
  readinessScheduleId,
  readinessWorkflowId,
  rollCallScheduleId,
  rollCallWorkflowId,
  WORKFLOW,
  WORKFLOW_TASK_TIMEOUT,
} from '../contract/names';

/** What can be started on schedule. */
export type Scheduled = 'backup' | 'drill' | 'roll-call' | 'readiness';

export interface RunSchedule {
  cluster: string;
  what: Scheduled;
  /** Of all but backups, besides the cluster. */
  input?: object;
  /** Milliseconds between two of them. */
  everyMs: number;
  /** Spreads the start, so that not everything happens on the hour. */
  jitterMs: number;
}

const RUNS = {
  backup: {
    type: WORKFLOW.backUpCluster,
    workflowId: backupWorkflowId,
    scheduleId: backupScheduleId,
    priority: PRIORITY.backup,
  },
  drill: {
    type: WORKFLOW.drillRestore,
    workflowId: drillWorkflowId,
    scheduleId: drillScheduleId,
    priority: PRIORITY.drill,
  },
  'roll-call': {
    type: WORKFLOW.rollCall,
    workflowId: rollCallWorkflowId,
    scheduleId: rollCallScheduleId,
    priority: PRIORITY.drill,
  },
  readiness: {
    type: WORKFLOW.evaluateReadiness,
    workflowId: readinessWorkflowId,
    scheduleId: readinessScheduleId,
    priority: PRIORITY.evaluation,
  },
} as const;

export function scheduleIdOf(what: Scheduled, cluster: string): string {
  return RUNS[what].scheduleId(cluster);
}

/** Creates a schedule, or brings it into line. Repeatable. */
export async function applySchedule(client: Client, schedule: RunSchedule): Promise<'created' | 'updated'> {
  const options = scheduleOptions(schedule);
  try {
    await client.schedule.create(options);
    return 'created';
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  await client.schedule.getHandle(options.scheduleId).update((current) => ({
    ...current,
    spec: options.spec,
    action: options.action,
    policies: { ...current.policies, ...options.policies },
  }));
  return 'updated';
}

/** Milliseconds, whole seconds: evaluations of many clusters are spread evenly, each at the same distance from its last. */
export function offsetOf(cluster: string, everyMs: number): number {
  const number = createHash('sha256').update(cluster).digest().readUInt32BE();
  return Math.floor(((number / 2 ** 32) * everyMs) / 1_000) * 1_000;
}

function scheduleOptions({ cluster, what, input, everyMs, jitterMs }: RunSchedule) {
  const { type, workflowId, scheduleId, priority } = RUNS[what];
  const action = {
    type: 'startWorkflow' as const,
    workflowType: type,
    workflowId: workflowId(cluster),
    taskQueue: CONTROLLER_TASK_QUEUE,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    args: [{ cluster, ...input }],
    // The SDK sends it, though the type of its options does not name it.
    priority: fairly(priority, cluster),
  };
  return {
    scheduleId: scheduleId(cluster),
    spec: {
      intervals: [{ every: everyMs, offset: what === 'readiness' ? offsetOf(cluster, everyMs) : 0 }],
      jitter: jitterMs,
    },
    action,
    policies: {
      // One at a time; a paused schedule would be a silent outage; what was missed long ago is not caught up.
      overlap: ScheduleOverlapPolicy.SKIP,
      catchupWindow: '1h',
      pauseOnFailure: false,
    },
  } satisfies ScheduleOptions;
}
