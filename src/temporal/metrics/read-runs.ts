import {
  type Client,
  type ScheduleDescription,
  ScheduleNotFoundError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { isPolling } from '../../contract/last-poll';
import { nodeTaskQueue, recoveryWorkflowId, SEARCH_ATTRIBUTE, WORKFLOW } from '../../contract/names';
import { RESTORE_PHASES, type RecoveryPhase } from '../../contract/recovery';
import { type RunFacts, SCHEDULED, type Waiting } from '../../metrics/runs';
import { lastPoll } from '../polling';
import { recoveryHandle, recoveryProgress } from '../runs';
import { scheduleIdOf } from '../schedules';

const PHASE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.phase, 'KEYWORD');
/** Of a run that no controller answers for, the phase alone is known. */
const QUERY_WITHIN_MS = 5_000;

/** What Temporal says of a cluster now. @throws what Temporal's client throws */
export async function readRuns(client: Client, cluster: string, nodes: readonly string[]): Promise<RunFacts> {
  const [schedules, completed, failed, polls, recovery] = await Promise.all([
    Promise.all(
      SCHEDULED.map(async (what) => [what, await readSchedule(client, scheduleIdOf(what, cluster))] as const),
    ),
    lastBackup(client, cluster, "ExecutionStatus = 'Completed'"),
    lastBackup(client, cluster, "ExecutionStatus != 'Completed' AND ExecutionStatus != 'Running'"),
    Promise.all(nodes.map((node) => lastPoll(client, nodeTaskQueue(cluster, node)))),
    runningRecovery(client, cluster),
  ]);
  const now = Date.now();
  return {
    schedules: Object.fromEntries(schedules.filter(([, found]) => found !== null)),
    backups: { ...(completed && { completed }), ...(failed && { failed: { endedAt: failed.endedAt } }) },
    nodes: nodes.map((node, at) => ({ node, polled: isPolling(polls[at] ?? null, now) })),
    recovery,
  };
}

/** Null: there is none. */
export async function readSchedule(
  client: Client,
  scheduleId: string,
): Promise<{ paused: boolean; everySeconds: number | null; next: string | null } | null> {
  try {
    const found = await client.schedule.getHandle(scheduleId).describe();
    const [next] = found.info.nextActionTimes;
    return { paused: found.state.paused, everySeconds: intervalOf(found), next: next?.toISOString() ?? null };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}

/** Of the interval, or else between the next two times, as of a calendar. */
function intervalOf({ spec, info }: ScheduleDescription): number | null {
  const [interval] = spec.intervals ?? [];
  if (interval) return Number(interval.every) / 1_000;
  const [first, second] = info.nextActionTimes;
  return first && second ? (second.getTime() - first.getTime()) / 1_000 : null;
}

/** Temporal lists those first that ended last. */
async function lastBackup(
  client: Client,
  cluster: string,
  state: string,
): Promise<{ startedAt: number; endedAt: number } | null> {
  const query = `WorkflowType = '${WORKFLOW.backUpCluster}' AND ${SEARCH_ATTRIBUTE.cluster} = '${cluster}' AND ${state}`;
  for await (const { startTime, closeTime } of client.workflow.list({ query, pageSize: 1 })) {
    return { startedAt: startTime.getTime(), endedAt: closeTime?.getTime() ?? startTime.getTime() };
  }
  return null;
}

async function runningRecovery(client: Client, cluster: string): Promise<Waiting | null> {
  try {
    const found = await client.workflow.getHandle(recoveryWorkflowId(cluster)).describe();
    if (found.status.name !== 'RUNNING') return null;
    const phase = found.typedSearchAttributes.get(PHASE);
    const until = Date.now() + QUERY_WITHIN_MS;
    return await client
      .withDeadline(until, () => recoveryProgress(recoveryHandle(client, cluster)))
      .catch(() => ({ phase: isPhase(phase) ? phase : RESTORE_PHASES[0] }));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

const OTHERS: readonly string[] = ['rollBack', 'remove', 'archive'];

/** Anybody who can write to the namespace can set it. */
function isPhase(text: string | undefined): text is RecoveryPhase {
  return text !== undefined && ([...RESTORE_PHASES, ...OTHERS] as string[]).includes(text);
}
