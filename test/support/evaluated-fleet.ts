import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { type NativeConnection, Worker } from '@temporalio/worker';
import { nodeTaskQueue, readinessWorkflowId } from '../../src/contract/names';
import { startBackup } from '../../src/temporal/runs';
import { applySchedule } from '../../src/temporal/schedules';
import { nodeReport } from './plan-facts';
import { type Fleet, recoveryDelay, withFleet } from './simulated-fleet';

const STARTED_AT_ONCE = 25;
const LOOK_AGAIN_MS = 500;
const EVALUATION_ID = /^readiness-(c\d+)$/;
const RUNNING = "WorkflowType = 'evaluateReadiness' AND ExecutionStatus = 'Running'";
const ENDED = "WorkflowType = 'evaluateReadiness' AND ExecutionStatus != 'Running'";

export interface EvaluationFigures {
  clusters: number;
  /** Between two evaluations of one cluster, seconds. */
  everySeconds: number;
  evaluations: number;
  failed: number;
  /** What the first of these said. */
  failure: string | null;
  /** Clusters that were evaluated at least as often as they should be. */
  evaluatedClusters: number;
  /** Running at a time. */
  mostAtOnce: number;
  /** Most that began in one tenth of the interval, as a multiple of a tenth of all. */
  unevenness: number;
  /** Of the longest history. */
  mostEvents: number;
  /** Of the controller, for each evaluation. */
  cpuSeconds: number;
  /** Of the controller after each round. */
  memoryMiB: number[];
  /** From the start of a recovery in the last round until its first step has begun. */
  recoverySeconds: number;
}

/**
 * One controller that evaluates many clusters on schedule, round after round, after one backup of each. Real Temporal;
 * Vaults and agents are simulated, as what is measured is the controller.
 */
export async function measureEvaluations(
  temporal: { client: Client; nativeConnection: NativeConnection; address: string },
  directory: string,
  { clusters, everyMs, rounds }: { clusters: number; everyMs: number; rounds: number },
): Promise<EvaluationFigures> {
  const { client } = temporal;
  return withFleet(temporal.address, directory, clusters, async (fleet) => {
    await inParts(fleet.names, async (name) => (await startBackup(client, name)).result());
    const agents = answerWhenAsked(client, temporal.nativeConnection);
    try {
      await inParts(fleet.names, (cluster) =>
        applySchedule(client, {
          cluster,
          what: 'readiness',
          input: { requestedBy: 'schedule' },
          everyMs,
          jitterMs: 0,
        }),
      );
      const cpuBefore = await fleet.controller.cpuSeconds();
      const rows = await watchRounds(client, fleet, everyMs, rounds);
      const cpuSeconds = (await fleet.controller.cpuSeconds()) - cpuBefore;
      const ended = await endedEvaluations(client);
      const failed = ended.filter(({ status }) => status !== 'COMPLETED');
      return {
        clusters,
        everySeconds: everyMs / 1_000,
        evaluations: ended.length,
        failed: failed.length,
        failure: failed[0] ? await failureOf(client, failed[0]) : null,
        evaluatedClusters: clustersWith(ended, rounds),
        mostAtOnce: agents.mostAtOnce(),
        unevenness: unevenness(
          ended.map(({ startedAt }) => startedAt),
          everyMs,
        ),
        mostEvents: Math.max(...ended.map(({ events }) => events)),
        cpuSeconds: cpuSeconds / ended.length,
        ...rows,
      };
    } finally {
      await agents.stop();
    }
  });
}

async function watchRounds(client: Client, fleet: Fleet, everyMs: number, rounds: number) {
  const memoryMiB: number[] = [];
  let recoverySeconds = 0;
  for (let round = 1; round <= rounds; round++) {
    await sleep(everyMs);
    if (round === rounds) recoverySeconds = await recoveryDelay(client, fleet.names[0]!);
    memoryMiB.push(await fleet.controller.memoryMiB('VmRSS'));
  }
  // What was due last is still on its way.
  await sleep(Math.min(everyMs, 30_000) / 2);
  return { memoryMiB, recoverySeconds };
}

interface Ended {
  cluster: string;
  run: string;
  status: string;
  startedAt: number;
  events: number;
}

async function endedEvaluations(client: Client): Promise<Ended[]> {
  const ended: Ended[] = [];
  for await (const { workflowId, runId, status, startTime, historyLength } of client.workflow.list({ query: ENDED })) {
    // Those that a schedule starts have an id of their own, and run the evaluation under the cluster's.
    const cluster = EVALUATION_ID.exec(workflowId)?.[1];
    if (cluster === undefined) continue;
    ended.push({
      cluster,
      run: runId,
      status: status.name,
      startedAt: startTime.getTime(),
      events: historyLength,
    });
  }
  return ended;
}

async function failureOf(client: Client, { cluster, run }: Ended): Promise<string> {
  const ended = client.workflow.getHandle(readinessWorkflowId(cluster), run).result();
  return ended.then(
    () => 'it did not fail',
    (error: Error) => String(error.cause),
  );
}

function clustersWith(ended: readonly Ended[], rounds: number): number {
  const times = new Map<string, number>();
  for (const { cluster } of ended) times.set(cluster, (times.get(cluster) ?? 0) + 1);
  return [...times.values()].filter((count) => count >= rounds).length;
}

function unevenness(times: readonly number[], everyMs: number): number {
  const tenths = Array.from({ length: 10 }, () => 0);
  for (const time of times) tenths[Math.floor(((time % everyMs) / everyMs) * 10)]!++;
  return Math.max(...tenths) / (times.length / 10);
}

/** The agents of clusters that are being evaluated: a thousand that wait are not what a controller costs. */
function answerWhenAsked(client: Client, connection: NativeConnection) {
  const agents = new Map<string, Promise<{ stop(): Promise<void> }>>();
  let [most, stopped] = [0, false];
  const look = async () => {
    while (!stopped) {
      const running = new Set<string>();
      for await (const { workflowId } of client.workflow.list({ query: RUNNING })) {
        const cluster = EVALUATION_ID.exec(workflowId)?.[1];
        if (cluster !== undefined) running.add(cluster);
      }
      most = Math.max(most, running.size);
      for (const cluster of running) if (!agents.has(cluster)) agents.set(cluster, agentOf(connection, cluster));
      for (const [cluster, agent] of agents) {
        if (running.has(cluster)) continue;
        agents.delete(cluster);
        await (await agent).stop();
      }
      await sleep(LOOK_AGAIN_MS);
    }
  };
  const looking = look();
  return {
    mostAtOnce: () => most,
    async stop() {
      stopped = true;
      await looking;
      await Promise.all([...agents.values()].map(async (agent) => (await agent).stop()));
    },
  };
}

async function agentOf(connection: NativeConnection, cluster: string): Promise<{ stop(): Promise<void> }> {
  const worker = await Worker.create({
    connection,
    taskQueue: nodeTaskQueue(cluster, 'vault-1'),
    // A server limits how many polls a namespace has.
    maxConcurrentActivityTaskPolls: 1,
    activities: { describeNode: () => Promise.resolve(nodeReport('vault-1')) },
  });
  const running = worker.run();
  return {
    async stop() {
      worker.shutdown();
      await running;
    },
  };
}

async function inParts<T>(names: readonly string[], work: (name: string) => Promise<T>): Promise<void> {
  for (let at = 0; at < names.length; at += STARTED_AT_ONCE) {
    await Promise.all(names.slice(at, at + STARTED_AT_ONCE).map((name) => work(name)));
  }
}
