import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy, type ScheduleOptions } from '@temporalio/client';
import {
  backupScheduleId,
  backupWorkflowId,
  CONTROLLER_TASK_QUEUE,
  PRIORITY,
  WORKFLOW,
  WORKFLOW_TASK_TIMEOUT,
} from '../contract/names';

export interface BackupSchedule {
  cluster: string;
  /** Milliseconds between two backups. */
  everyMs: number;
  /** Spreads the start, so that not everything happens on the hour. */
  jitterMs: number;
}

/** Creates the schedule of a cluster's backups, or brings it into line. Repeatable. */
export async function applyBackupSchedule(client: Client, schedule: BackupSchedule): Promise<'created' | 'updated'> {
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

function scheduleOptions({ cluster, everyMs, jitterMs }: BackupSchedule) {
  const action = {
    type: 'startWorkflow' as const,
    workflowType: WORKFLOW.backUpCluster,
    workflowId: backupWorkflowId(cluster),
    taskQueue: CONTROLLER_TASK_QUEUE,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    args: [{ cluster }],
    // The SDK sends it, though the type of its options does not name it.
    priority: PRIORITY.backup,
  };
  return {
    scheduleId: backupScheduleId(cluster),
    spec: { intervals: [{ every: everyMs }], jitter: jitterMs },
    action,
    policies: {
      // One backup at a time; a paused schedule would be a silent outage; backups missed long ago are not caught up.
      overlap: ScheduleOverlapPolicy.SKIP,
      catchupWindow: '1h',
      pauseOnFailure: false,
    },
  } satisfies ScheduleOptions;
}
