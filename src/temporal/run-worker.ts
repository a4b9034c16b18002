import { rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { Client } from '@temporalio/client';
import {
  type ActivityInboundCallsInterceptor,
  DefaultLogger,
  type NativeConnection,
  Runtime,
  type RuntimeOptions,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Config } from '../config/schema';
import { VERSION } from '../version';
import { type Prerequisite, watchTemporal } from './await-temporal';

import { HeartbeatInterceptor } from './heartbeat-interceptor';
import { connectWorker, target, type TemporalOptions } from './connect-temporal';
import { FailureInterceptor } from './failure-interceptor';
import { FirstRunInterceptor, FirstRuns } from './first-run-interceptor';
import { InputInterceptor } from './input-interceptor';
import { AttemptNoter, type AttemptNotes, failAttemptsOfTheDead, openAttemptNotes } from './open-attempts';
import { Announcer, atMost, patiently } from './patience';
import { untilPolling } from './polling';
import { retryInterceptors } from './retry-interceptor';
import { temporalError } from './temporal-error';

/** Background tasks of a worker may be interrupted at its end; each of them tolerates that. */
export const WIND_UP_MS = 500;

export interface WorkerSettings {
  config: Config;
  temporal: TemporalOptions;
  log: Logger;
  /** Ends it. */
  stop: AbortSignal;
  /** There while the worker polls; for service managers and tests. */
  readyFile?: string;
}

/** A node gets few steps at a time, and a controller without agents polls for each of its nodes; ten is the default. */
export const NODE_POLLS = { maxConcurrentActivityTaskPolls: 2 } as const;

type Inputs = ConstructorParameters<typeof InputInterceptor>[0];
export type QueueOptions = Partial<WorkerOptions> &
  Pick<WorkerOptions, 'taskQueue'> & { inputs: Inputs; turns?: readonly ActivityInboundCallsInterceptor[] };
/** Of each queue that the process serves. */
type OptionsFor = (client: Client) => QueueOptions[];

export async function runWorker(
  settings: WorkerSettings & { also?: Prerequisite },
  who: string,
  stateDir: string,
  optionsFor: OptionsFor,
): Promise<void> {
  const { temporal, log, readyFile, stop } = settings;
  const announcer = new Announcer((text) => log.warn(text), 'starts by itself');
  const { connection, client, workers } = await patiently(() => prepare(settings, who, stateDir, optionsFor), {
    announcer,
    stop,
  });
  const over = new AbortController();
  // One that has failed just now can't be shut down.
  const onStop = () => workers.forEach((worker) => (worker.getState() === 'RUNNING' ? worker.shutdown() : undefined));
  stop.addEventListener('abort', onStop, { once: true });
  const ended = AbortSignal.any([stop, over.signal]);
  const watch = watchTemporal({ ...settings, stop: ended });
  try {
    const running = Promise.all(workers.map((worker) => worker.run()));
    await Promise.race([running, Promise.all(workers.map(({ options }) => untilPolling(client, options, ended)))]);
    if (!stop.aborted) {
      if (readyFile !== undefined) await writeFile(readyFile, `${process.pid}\n`);
      for (const { options } of workers) log.info({ taskQueue: options.taskQueue, version: VERSION }, 'polling');
    }
    await running;
  } catch (error) {
    // One that failed takes the others with it.
    onStop();
    throw temporalError(error, target(temporal));
  } finally {
    over.abort();
    await removeReadyFile(settings);
    await atMost(WIND_UP_MS, Promise.all([watch, connection.close()]));
  }
}

/** Leftovers of a killed predecessor as well. */
export async function removeReadyFile({ readyFile }: WorkerSettings): Promise<void> {
  if (readyFile !== undefined) await rm(readyFile, { force: true });
}

/** Everything up to the first poll. Temporal may go away again in the middle of it. */
async function prepare(
  { temporal, log }: WorkerSettings,
  who: string,
  stateDir: string,
  optionsFor: OptionsFor,
): Promise<{ connection: NativeConnection; client: Client; workers: Worker[] }> {
  const { connection, namespace } = await connectWorker(temporal);
  try {
    const client = new Client({ connection, namespace });
    const notes = await openAttemptNotes(stateDir);
    const failed = notes ? await failAttemptsOfTheDead(client, notes, who) : 0;
    if (failed > 0) log.info({ attempts: failed }, 'reported interrupted steps to Temporal');
    const runs = new FirstRuns(client);
    const workers: Worker[] = [];
    for (const options of optionsFor(client)) {
      workers.push(await createWorker(connection, namespace, notes, runs, options));
    }
    return { connection, client, workers };
  } catch (error) {
    await connection.close().catch(() => undefined);
    throw temporalError(error, target(temporal));
  }
}

function createWorker(
  connection: NativeConnection,
  namespace: string,
  notes: AttemptNotes | null,
  runs: FirstRuns,
  { inputs, turns = [], ...options }: QueueOptions,
): Promise<Worker> {
  return Worker.create({
    connection,
    namespace,
    identity: `${hostname()}/${process.pid} vault-dr ${VERSION}`,
    interceptors: {
      activity: [
        ...retryInterceptors(connection, namespace),
        // The outermost one: errors thrown by the others are reported like any other.
        () => ({ inbound: new FailureInterceptor() }),
        () => ({ inbound: new FirstRunInterceptor(runs) }),
        () => ({ inbound: new InputInterceptor(inputs) }),
        () => ({ inbound: new HeartbeatInterceptor() }),
        ...(notes ? [() => ({ inbound: new AttemptNoter(notes) })] : []),
        ...turns.map((inbound) => () => ({ inbound })),
      ],
    },
    // By default a heartbeat may be delayed for most of its interval.
    maxHeartbeatThrottleInterval: '2s',
    shutdownGraceTime: '10s',
    shutdownForceTime: '20s',
    ...options,
  });
}

/** @param metricsAddress where the SDK serves metrics; where it can't, there are none */
export function useRuntime(log: Logger, metricsAddress?: string): void {
  try {
    Runtime.install(runtimeOptions(log, metricsAddress));
  } catch (error) {
    if (metricsAddress === undefined) throw error;
    log.warn({ problem: (error as Error).message }, `controller.metrics: nothing is served on ${metricsAddress}`);
    Runtime.install(runtimeOptions(log));
  }
}

function runtimeOptions(log: Logger, metricsAddress?: string): RuntimeOptions {
  return {
    // They are ours: by itself the SDK takes them also while it has nothing to stop, and the process lives on.
    shutdownSignals: [],
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      // Each of its pollers says so for itself; `watchTemporal` says it once.
      if (message.startsWith('gRPC call poll_')) return log.debug({ ...meta }, message);
      log[level === 'TRACE' ? 'trace' : (level.toLowerCase() as 'debug' | 'info' | 'warn' | 'error')](
        { ...meta },
        message,
      );
    }),
    telemetryOptions: {
      logging: { forward: {}, filter: 'WARN' },
      ...(metricsAddress && {
        metrics: { prometheus: { bindAddress: metricsAddress }, attachServiceName: false },
      }),
    },
  };
}
