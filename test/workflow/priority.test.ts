import { ScheduleOverlapPolicy } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { bundleWorkflowCode, Worker } from '@temporalio/worker';
import { backupWorkflowId, CONTROLLER_TASK_QUEUE } from '../../src/contract/names';
import { waitFor } from '../../src/lab/processes';
import { startBackup, startRecovery } from '../../src/temporal/runs';
import { applySchedule, offsetOf, type Scheduled } from '../../src/temporal/schedules';
import { QUIET, useWorkflowEnvironment } from '../support/workflow-environment';

const WORKFLOW_QUEUE = 1;
const CLUSTERS = Array.from({ length: 30 }, (_, index) => `cluster-${index}`);
// The order holds within a partition of a queue, not between them.
const ORDERING = [
  'matching.useNewMatcher=true',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
];

describe.each([
  { server: 'orders by priority', args: ORDERING.flatMap((value) => ['--dynamic-config-value', value]), ordered: true },
  { server: 'does not know priorities', args: [], ordered: false },
])('with a server that $server', ({ args, ordered }) => {
  const environment = useWorkflowEnvironment(args);

  it('a recovery comes before the backups that wait, and none fails', async () => {
    const { client, nativeConnection: connection } = environment().temporal;
    for (const cluster of CLUSTERS) await startBackup(client, cluster);
    const input = { cluster: 'prod', requestedBy: 'ana' };
    const recovery = await startRecovery(client, {
      workflow: 'restoreCluster',
      cluster: 'prod',
      input,
      summary: 'Restore of prod',
    });
    // A server hands tasks over some time after it has answered. One without priorities counts them later still.
    if (ordered) {
      const all = async () => ((await backlogOf(client)) > CLUSTERS.length ? true : null);
      await waitFor('all of them wait for a worker', all, { timeoutMs: 20_000, everyMs: 100 });
    }
    // And it writes its backlog down before it orders it.
    await sleep(1_000);

    const worker = await Worker.create({
      connection,
      taskQueue: CONTROLLER_TASK_QUEUE,
      workflowBundle: await bundleWorkflowCode({
        workflowsPath: require.resolve('../support/one-decision'),
        logger: QUIET,
      }),
      maxConcurrentWorkflowTaskExecutions: 2,
      maxConcurrentWorkflowTaskPolls: 2,
    });
    const backups = CLUSTERS.map((cluster) => client.workflow.getHandle(backupWorkflowId(cluster)));
    await worker.runUntil(() => Promise.all([recovery, ...backups].map((handle) => handle.result())));

    const decidedAt = await Promise.all([recovery, ...backups].map((handle) => decided(handle)));
    const before = decidedAt.slice(1).filter((at) => at < (decidedAt[0] ?? 0)).length;
    process.stdout.write(`${before} of ${backups.length} backups came before the recovery\n`);
    expect(before <= 5).toBe(ordered);
  }, 60_000);

  it.each<[Scheduled, string, number, object]>([
    ['backup', 'backUpCluster', 4, {}],
    ['drill', 'drillRestore', 4, { requestedBy: 'schedule', unseal: true }],
    ['roll-call', 'rollCall', 4, { requestedBy: 'schedule', waitMinutes: 60 }],
    ['readiness', 'evaluateReadiness', 5, { requestedBy: 'schedule' }],
  ])('a schedule gives each %s the priority, too, and skips it while one runs', async (what, type, key, input) => {
    const { client } = environment().temporal;
    const schedule = { cluster: 'prod', what, input, everyMs: 3_600_000, jitterMs: 0 };

    expect(await applySchedule(client, schedule)).toBe('created');
    expect(await applySchedule(client, { ...schedule, everyMs: 7_200_000 })).toBe('updated');

    const { action, spec, policies } = await client.schedule.getHandle(`${what}-prod`).describe();
    expect(action).toMatchObject({
      workflowType: type,
      workflowId: `${what}-prod`,
      args: [{ cluster: 'prod', ...input }],
      priority: { priorityKey: key, fairnessKey: 'prod' },
    });
    expect(spec.intervals).toMatchObject([
      { every: 7_200_000, offset: what === 'readiness' ? offsetOf('prod', 7_200_000) : 0 },
    ]);
    expect(policies.overlap).toBe(ScheduleOverlapPolicy.SKIP);
  });
});

/** Workflow tasks that wait for a worker. */
async function backlogOf({ workflowService, options: { namespace } }: Client): Promise<number> {
  const { stats } = await workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: CONTROLLER_TASK_QUEUE },
    taskQueueType: WORKFLOW_QUEUE,
    reportStats: true,
  });
  return Number(stats?.approximateBacklogCount);
}

async function decided(handle: { fetchHistory(): Promise<{ events?: Event[] | null }> }): Promise<number> {
  const { events } = await handle.fetchHistory();
  const time = events?.find((event) => event.workflowTaskStartedEventAttributes)?.eventTime;
  return Number(time?.seconds) * 1_000 + Number(time?.nanos) / 1_000_000;
}

interface Event {
  workflowTaskStartedEventAttributes?: object | null;
  eventTime?: { seconds?: unknown; nanos?: unknown } | null;
}
