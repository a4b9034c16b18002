import { rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { Client } from '@temporalio/client';
import { DefaultLogger, type NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createControllerActivities } from '../../activities/controller';
import { Controller } from '../../activities/controller/context';
import { TrailKeeper } from '../../activities/controller/trail';
import { createNodeActivities } from '../../activities/node';
import { controllerName } from '../config/controller-name';
import { clusterOf, hostedNodeOf } from '../config/load';
import { secretsOfAgent, secretsOfController } from '../config/needed-secrets';
import type { Config } from '../config/schema';
import { isDrError } from '../contract/failures';
import { CONTROLLER_TASK_QUEUE, controllerTaskQueue, nodeTaskQueue } from '../contract/names';
import { CONTROLLER_INPUTS } from '../contract/step-input/controller';
import { NODE_INPUTS } from '../contract/step-input/node';
import { BackupStops } from '../host/run/backup-stop';
import { holdNode } from '../host/run/exclusive';
import { sweepRunIdentities } from '../host/run/run-identity-sweep';
import { privateDirectory } from '../files/files';
import { createServiceDriver } from '../host/service/service';
import { VERSION } from '../version';
import { awaitSecrets } from './await-secrets';
import { awaitTemporal, type Prerequisite, watchTemporal } from './await-temporal';
import { HeartbeatInterceptor } from './heartbeat-interceptor';
import { WORKFLOW_BUNDLE } from './build-bundle';
import { confirmAttempt, isRecoveryOver } from './current-attempt';
import { connectClient, connectWorker, target, type TemporalOptions } from './connect-temporal';
import { holdControllerState } from './controller-state';
import { assertOnlyOfItsName, controllerIdentity, pollingControllers } from './controllers';
import { FailureInterceptor } from './failure-interceptor';
import { FirstRunInterceptor, FirstRuns } from './first-run-interceptor';
import { InputInterceptor } from './input-interceptor';
import {
  destroyFinishedIdentities,
  publishAuditTrail,
  releaseHolds,
  removeFinishedStaging,
  startAfterBackup,
} from './janitor';
import { AttemptNoter, type AttemptNotes, failAttemptsOfTheDead, openAttemptNotes } from './open-attempts';
import { Announcer, atMost, patiently } from './patience';
import { untilPolling } from './polling';
import { ensureSearchAttributes } from './register-search-attributes';
import { retryInterceptors } from './retry-interceptor';
import { agreeOnStateFormat } from './state-format';
import { checkOpenRuns, type SkippedRuns } from './takeover/check-open-runs';
import { createReplayer } from './takeover/replayer';
import { temporalError } from './temporal-error';
import { WORKFLOW_LIMITS } from './workflow-limits';

/** Background tasks of a worker may be interrupted at its end; each of them tolerates that. */
const WIND_UP_MS = 500;

export interface WorkerSettings {
  config: Config;
  temporal: TemporalOptions;
  log: Logger;
  /** Ends it. */
  stop: AbortSignal;
  /** There while the worker polls; for service managers and tests. */
  readyFile?: string;
}

/** Runs the controller until it is stopped: workflows, Vault API, repositories, audit. */
export async function runController(settings: WorkerSettings & { skipReplay: SkippedRuns }): Promise<void> {
  const { config, log } = settings;
  const name = controllerName(config);
  const state = await holdControllerState(config.stateDir, (message) => log.warn(message), settings.stop);
  await agreeOnStateFormat(config.stateDir);
  const identity = controllerIdentity({ name, id: state.id });
  await removeReadyFile(settings);
  const needs = { ...settings, also: ensureSearchAttributes };
  await Promise.all([awaitSecrets(secretsOfController(config), settings), awaitTemporal(needs)]);
  await assertCanTakeOver(settings);
  await awaitOwnName(settings, { name, id: state.id });
  // Not before: with a runtime and no worker the process would not end, whatever it had to say.
  useLogger(log);
  const over = new AbortController();
  const stop = AbortSignal.any([settings.stop, over.signal]);
  const keeper = new TrailKeeper(new Controller({ config }));
  const janitor = Promise.all([
    removeFinishedStaging(settings, config.stateDir, stop),
    publishAuditTrail(settings, (signal) => keeper.publish(signal), stop),
  ]);
  try {
    await runWorker(needs, 'the controller', config.stateDir, CONTROLLER_INPUTS, (client) => {
      const activities = createControllerActivities({
        config,
        confirmAttempt: () => confirmAttempt(client, name, `The controller ${name}`),
      });
      return [
        {
          identity,
          taskQueue: CONTROLLER_TASK_QUEUE,
          workflowBundle: { codePath: WORKFLOW_BUNDLE },
          activities,
          // After a crash the next controller has the run's task at once, not after the default ten seconds.
          stickyQueueScheduleToStartTimeout: '2s',
          ...WORKFLOW_LIMITS,
          ...cachedWorkflows(),
        },
        { identity, taskQueue: controllerTaskQueue(name), activities },
      ];
    });
  } finally {
    over.abort();
    await atMost(WIND_UP_MS, janitor);
  }
  // Only after a good end, as for an agent.
  await state.release();
}

/** Directories of which it is not said which controllers have them. */
function unassigned({ repositories }: Config): string[] {
  return Object.entries(repositories).flatMap(([name, repository]) =>
    repository.type === 'directory' && repository.host === undefined && !repository.shared ? [name] : [],
  );
}

/** Waits while another controller has the name; says which others there are. */
async function awaitOwnName(settings: WorkerSettings, own: { name: string; id: string }): Promise<void> {
  const { temporal, log, stop } = settings;
  const announcer = new Announcer((text) => log.warn(text), 'starts by itself');
  const client = await patiently(() => connectClient(temporal), { announcer, stop });
  try {
    await patiently(() => assertOnlyOfItsName(client, own), { announcer, stop });
    const others = (await pollingControllers(client)).filter(({ id }) => id !== own.id);
    for (const { name, host, version } of others)
      log.info({ controller: name, host, version }, 'shares the queue with');
    for (const name of others.length > 0 ? unassigned(settings.config) : []) {
      log.warn(`repositories.${name}: there are other controllers; set host to the one that has it, or shared: true`);
    }
    if (others.some(({ version }) => version !== VERSION)) {
      log.warn(`Not all controllers have the version ${VERSION}. Upgrade the others, too: runs may need this one.`);
    }
  } catch (error) {
    // Who may not list pollers may still poll.
    if (stop.aborted || (isDrError(error) && error.code === 'NotYet')) throw error;
    log.debug({ problem: (error as Error).message }, 'the other controllers are not known');
  } finally {
    await client.connection.close();
  }
}

/** @throws DrError OtherVersionNeeded */
async function assertCanTakeOver(settings: WorkerSettings & { skipReplay: SkippedRuns }): Promise<void> {
  const { config, temporal, log, stop: signal, skipReplay: skip } = settings;
  const client = await connectClient(temporal);
  try {
    const replayer = createReplayer(temporal, WORKFLOW_BUNDLE);
    const clusters = Object.keys(config.clusters);
    await checkOpenRuns({ client, replayer, clusters, version: VERSION, bundle: WORKFLOW_BUNDLE, skip, log, signal });
  } finally {
    await client.connection.close();
  }
}

/** Runs the agent of one node until it is stopped; waits while another agent of the node is still running. */
export async function runAgent(settings: WorkerSettings & { cluster: string; node: string }): Promise<void> {
  const { config, log } = settings;
  const cluster = clusterOf(config, settings.cluster);
  const node = hostedNodeOf(cluster, settings.node);
  await privateDirectory(node.stateDir);
  const over = new AbortController();
  const stop = AbortSignal.any([settings.stop, over.signal]);
  const hold = await holdNode(node.stateDir, (message) => log.warn(message), stop);
  await agreeOnStateFormat(node.stateDir);
  await removeReadyFile(settings);
  const driver = createServiceDriver(node);
  // A Vault that the agent runs must not wait for Temporal.
  const supervision = driver.supervise?.(stop, (message) => log.info(message));
  // Nor one that a backup has stopped.
  const stops = new BackupStops(node, driver);
  const starter = startAfterBackup(settings, (isOver) => stops.settle(isOver), stop);
  const holds = driver.settle && releaseHolds(settings, (isOver) => driver.settle!(isOver), stop);
  await Promise.all([awaitSecrets(secretsOfAgent(config, cluster, node.name), settings), awaitTemporal(settings)]);
  useLogger(log);
  const janitor = destroyFinishedIdentities(settings, (isOver) => sweepRunIdentities(node.runtimeDir, isOver), stop);
  await runWorker(settings, `the agent of ${node.name}`, node.stateDir, NODE_INPUTS, (client) => [
    {
      taskQueue: nodeTaskQueue(settings.cluster, node.name),
      activities: createNodeActivities({
        config,
        clusterName: settings.cluster,
        cluster,
        node,
        driver,
        confirmAttempt: () => confirmAttempt(client, node.name),
        isOver: (run) => isRecoveryOver(client, settings.cluster, run, node.name),
        stops,
      }),
    },
  ]);
  over.abort();
  await atMost(WIND_UP_MS, Promise.all([supervision, janitor, starter, holds]));
  // Only after a good end: one of its steps may still be at work otherwise, until this process is gone and its lock with it.
  await hold.release();
}

type Inputs = ConstructorParameters<typeof InputInterceptor>[0];
type Options = Partial<WorkerOptions> & Pick<WorkerOptions, 'taskQueue'>;
/** Of each queue that the process serves. */
type OptionsFor = (client: Client) => Options[];

async function runWorker(
  settings: WorkerSettings & { also?: Prerequisite },
  who: string,
  stateDir: string,
  inputs: Inputs,
  optionsFor: OptionsFor,
): Promise<void> {
  const { temporal, log, readyFile, stop } = settings;
  const announcer = new Announcer((text) => log.warn(text), 'starts by itself');
  const { connection, client, workers } = await patiently(() => prepare(settings, who, stateDir, inputs, optionsFor), {
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
async function removeReadyFile({ readyFile }: WorkerSettings): Promise<void> {
  if (readyFile !== undefined) await rm(readyFile, { force: true });
}

/** Everything up to the first poll. Temporal may go away again in the middle of it. */
async function prepare(
  { temporal, log }: WorkerSettings,
  who: string,
  stateDir: string,
  inputs: Inputs,
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
      workers.push(await createWorker(connection, namespace, inputs, notes, runs, options));
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
  inputs: Inputs,
  notes: AttemptNotes | null,
  runs: FirstRuns,
  options: Options,
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
      ],
    },
    // By default a heartbeat may be delayed for most of its interval.
    maxHeartbeatThrottleInterval: '2s',
    shutdownGraceTime: '10s',
    shutdownForceTime: '20s',
    ...options,
  });
}

function useLogger(log: Logger): void {
  Runtime.install({
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
    telemetryOptions: { logging: { forward: {}, filter: 'WARN' } },
  });
}

/** VAULT_DR_MAX_CACHED_WORKFLOWS=0 makes every workflow task replay from the start, which finds nondeterminism at once. */
function cachedWorkflows(): Partial<WorkerOptions> {
  const value = process.env['VAULT_DR_MAX_CACHED_WORKFLOWS'];
  return value === undefined ? {} : { maxCachedWorkflows: Number(value) };
}
