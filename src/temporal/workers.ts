import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { Client } from '@temporalio/client';
import { DefaultLogger, type NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createControllerActivities } from '../../activities/controller';
import { createNodeActivities } from '../../activities/node';
import { clusterOf, nodeOf } from '../config/load';
import type { Config } from '../config/schema';
import { CONTROLLER_TASK_QUEUE, nodeTaskQueue } from '../contract/names';
import { CONTROLLER_INPUTS } from '../contract/step-input/controller';
import { NODE_INPUTS } from '../contract/step-input/node';
import { holdNode } from '../host/run/exclusive';
import { sweepRunIdentities } from '../host/run/run-identity-sweep';
import { privateDirectory } from '../files/files';
import { createServiceDriver } from '../host/service/service';
import { VERSION } from '../version';
import { HeartbeatInterceptor } from './heartbeat-interceptor';
import { WORKFLOW_BUNDLE } from './build-bundle';
import { confirmAttempt, isRecoveryOver } from './current-attempt';
import { connectClient, connectWorker, type TemporalOptions } from './connect-temporal';
import { FailureInterceptor } from './failure-interceptor';
import { InputInterceptor } from './input-interceptor';
import { destroyFinishedIdentities, removeFinishedStaging } from './janitor';
import { AttemptNoter, type AttemptNotes, failAttemptsOfTheDead, openAttemptNotes } from './open-attempts';
import { ensureSearchAttributes } from './register-search-attributes';

export interface WorkerSettings {
  config: Config;
  temporal: TemporalOptions;
  log: Logger;
  /** Written when the worker has begun to poll; for service managers and tests. */
  readyFile?: string;
}

/** Runs the controller until it is told to stop: workflows, Vault API, repositories, audit. */
export async function runController(settings: WorkerSettings): Promise<void> {
  useLogger(settings.log);
  const client = await connectClient(settings.temporal);
  try {
    await ensureSearchAttributes(client);
  } finally {
    await client.connection.close();
  }
  const stop = new AbortController();
  const janitor = removeFinishedStaging(settings, settings.config.stateDir, stop.signal);
  try {
    await runWorker(settings, 'the controller', settings.config.stateDir, CONTROLLER_INPUTS, () => ({
      taskQueue: CONTROLLER_TASK_QUEUE,
      workflowBundle: { codePath: WORKFLOW_BUNDLE },
      activities: createControllerActivities({ config: settings.config }),
      // After a crash the next controller has the run's task at once, not after the default ten seconds.
      stickyQueueScheduleToStartTimeout: '2s',
      ...cachedWorkflows(),
    }));
  } finally {
    stop.abort();
    await janitor;
  }
}

/** Runs the agent of one node until it is told to stop; waits while another agent of the node still lives. */
export async function runAgent(settings: WorkerSettings & { cluster: string; node: string }): Promise<void> {
  useLogger(settings.log);
  const { config, log } = settings;
  const cluster = clusterOf(config, settings.cluster);
  const node = nodeOf(cluster, settings.node);
  await privateDirectory(node.stateDir);
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGTERM', onSignal);
  process.once('SIGINT', onSignal);
  const hold = await holdNode(node.stateDir, (message) => log.warn(message), stop.signal);
  try {
    const driver = createServiceDriver(node);
    const supervision = driver.supervise?.(stop.signal, (message) => log.info(message));
    const janitor = destroyFinishedIdentities(
      settings,
      (isOver) => sweepRunIdentities(node.runtimeDir, isOver),
      stop.signal,
    );
    await runWorker(settings, `the agent of ${node.name}`, node.stateDir, NODE_INPUTS, (client) => ({
      taskQueue: nodeTaskQueue(settings.cluster, node.name),
      activities: createNodeActivities({
        config,
        clusterName: settings.cluster,
        cluster,
        node,
        driver,
        confirmAttempt: () => confirmAttempt(client, node.name),
        isOver: (run) => isRecoveryOver(client, settings.cluster, run, node.name),
      }),
    }));
    stop.abort();
    await Promise.all([supervision, janitor]);
  } finally {
    await hold.release();
  }
}

type Inputs = ConstructorParameters<typeof InputInterceptor>[0];

async function runWorker(
  settings: WorkerSettings,
  who: string,
  stateDir: string,
  inputs: Inputs,
  optionsFor: (client: Client) => Partial<WorkerOptions> & Pick<WorkerOptions, 'taskQueue'>,
): Promise<void> {
  const { connection, namespace } = await connectWorker(settings.temporal);
  try {
    const client = new Client({ connection, namespace });
    const notes = await openAttemptNotes(stateDir);
    const failed = notes ? await failAttemptsOfTheDead(client, notes, who) : 0;
    if (failed > 0) settings.log.info({ attempts: failed }, 'told Temporal of what was cut short');
    const options = optionsFor(client);
    const worker = await createWorker(connection, namespace, inputs, notes, options);
    const running = worker.run();
    if (settings.readyFile !== undefined) await writeFile(settings.readyFile, `${process.pid}\n`);
    settings.log.info({ taskQueue: options.taskQueue, version: VERSION }, 'polling');
    await running;
  } finally {
    await connection.close();
  }
}

function createWorker(
  connection: NativeConnection,
  namespace: string,
  inputs: Inputs,
  notes: AttemptNotes | null,
  options: Partial<WorkerOptions> & Pick<WorkerOptions, 'taskQueue'>,
): Promise<Worker> {
  return Worker.create({
    connection,
    namespace,
    identity: `${hostname()}/${process.pid} vault-dr ${VERSION}`,
    interceptors: {
      activity: [
        // The outermost: what the others throw is told like anything else.
        () => ({ inbound: new FailureInterceptor() }),
        () => ({ inbound: new InputInterceptor(inputs) }),
        () => ({ inbound: new HeartbeatInterceptor() }),
        ...(notes ? [() => ({ inbound: new AttemptNoter(notes) })] : []),
      ],
    },
    // By default a beat may be held back for most of the time in which it is due.
    maxHeartbeatThrottleInterval: '2s',
    shutdownGraceTime: '10s',
    shutdownForceTime: '20s',
    ...options,
  });
}

function useLogger(log: Logger): void {
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
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
