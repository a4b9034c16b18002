import type { Client } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import { createControllerActivities } from '../../activities/controller';
import { Controller } from '../../activities/controller/context';
import { TrailKeeper } from '../../activities/controller/trail';
import { controllerName } from '../config/controller-name';
import { secretsOfController } from '../config/needed-secrets';
import type { Config } from '../config/schema';
import { isDrError } from '../contract/failures';
import { CONTROLLER_TASK_QUEUE, controllerTaskQueue } from '../contract/names';
import { CONTROLLER_INPUTS } from '../contract/step-input/controller';
import { ClaimedHosts } from '../ssh/claimed-hosts';
import { collectBuffers } from '../process-memory';
import { VERSION } from '../version';
import { awaitSecrets } from './await-secrets';
import { awaitTemporal } from './await-temporal';
import { WORKFLOW_BUNDLE } from './build-bundle';
import { BackupTurnInterceptor, endFinishedBackups } from './backup-turn-interceptor';
import { Turns } from './turns';
import { SURVEYS_AT_ONCE, SurveyTurnInterceptor } from './survey-turn-interceptor';
import { confirmAttempt } from './current-attempt';
import { connectClient } from './connect-temporal';
import { connectionValidity } from './connection-validity';
import { holdControllerState } from './controller-state';
import { assertOnlyOfItsName, controllerIdentity, pollingControllers } from './controllers';
import { publishAuditTrail, removeFinishedStaging, tendClaimedHosts } from './janitor';
import { serveMetrics } from './metrics/gauges';
import { nodesOverSsh, remoteQueue } from './nodes-over-ssh';
import { Announcer, atMost, patiently } from './patience';
import { isEvaluationFailureSaid, previousEvaluation } from './readiness';
import { ensureSearchAttributes } from './register-search-attributes';
import { sandboxOf } from './sandbox';
import { agreeOnStateFormat } from './state-format';
import { checkOpenRuns, type SkippedRuns } from './takeover/check-open-runs';
import { createReplayer } from './takeover/replayer';
import { WORKFLOW_LIMITS } from './workflow-limits';
import { removeReadyFile, runWorker, useRuntime, WIND_UP_MS, type WorkerSettings } from './run-worker';

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
  useRuntime(log, config.controller.metrics?.address);
  const over = new AbortController();
  const stop = AbortSignal.any([settings.stop, over.signal]);
  const keeper = new TrailKeeper(new Controller({ config }));
  const overSsh = nodesOverSsh(config);
  const claimed = new ClaimedHosts(config.stateDir);
  const sandbox = await sandboxOf(settings);
  const backupTurns = new Turns(config.controller.backupsAtOnce);
  const turns = [new BackupTurnInterceptor(backupTurns), new SurveyTurnInterceptor(new Turns(SURVEYS_AT_ONCE))];
  // Of the connection with which it works; an earlier one may have been closed.
  let asked: Client | undefined;
  const janitor = Promise.all([
    removeFinishedStaging(settings, config.stateDir, stop),
    tendClaimedHosts(settings, (ask) => claimed.tend(overSsh, ask, stop), stop),
    publishAuditTrail(settings, (signal) => keeper.publish(signal), stop),
    endFinishedBackups(() => asked, backupTurns, stop),
    sandbox?.tend(stop),
    serveMetrics(settings, () => asked, stop),
    collectBuffers(stop),
  ]);
  try {
    await runWorker(needs, 'the controller', config.stateDir, (client) => {
      asked = client;
      const activities = createControllerActivities({
        config,
        confirmAttempt: () => confirmAttempt(client, name, `The controller ${name}`),
        previousEvaluation: (cluster) => previousEvaluation(client, cluster),
        connectionValidity: () => connectionValidity(settings.temporal),
        isFailureSaid: (cluster) => isEvaluationFailureSaid(client, cluster),
      });
      return [
        {
          identity,
          inputs: CONTROLLER_INPUTS,
          turns,
          taskQueue: CONTROLLER_TASK_QUEUE,
          workflowBundle: { codePath: WORKFLOW_BUNDLE },
          activities,
          // After a crash the next controller has the run's task at once, not after the default ten seconds.
          stickyQueueScheduleToStartTimeout: '2s',
          ...WORKFLOW_LIMITS,
          ...cachedWorkflows(),
        },
        {
          identity,
          inputs: CONTROLLER_INPUTS,
          turns,
          taskQueue: controllerTaskQueue(name),
          activities,
        },
        ...(sandbox?.queues() ?? []).map((queue) => ({ identity, ...queue })),
        ...overSsh.map((served) => ({ identity, ...remoteQueue(served, client, claimed) })),
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

/**
 * Open runs that a controller keeps in memory, of as many as there are clusters. One that is not kept is replayed at its
 * next decision, which takes milliseconds for a backup.
 */
const CACHED_WORKFLOWS = 50;

/** VAULT_DR_MAX_CACHED_WORKFLOWS=0 makes every workflow task replay from the start, which finds nondeterminism at once. */
function cachedWorkflows(): Partial<WorkerOptions> {
  const value = process.env['VAULT_DR_MAX_CACHED_WORKFLOWS'];
  return { maxCachedWorkflows: value === undefined ? CACHED_WORKFLOWS : Number(value) };
}
