import { createNodeActivities } from '../../activities/node';
import { clusterOf, hostedNodeOf } from '../config/load';
import { secretsOfAgent } from '../config/needed-secrets';
import { nodeTaskQueue } from '../contract/names';
import { NODE_INPUTS } from '../contract/step-input/node';
import { BackupStops } from '../host/run/backup-stop';
import { holdNode } from '../host/run/exclusive';
import { sweepRunIdentities } from '../host/run/run-identity-sweep';
import { privateDirectory } from '../files/files';
import { createServiceDriver } from '../host/service/service';
import { awaitSecrets } from './await-secrets';
import { awaitTemporal } from './await-temporal';
import { connectionValidity } from './connection-validity';
import { confirmAttempt, isRecoveryOver } from './current-attempt';
import { destroyFinishedIdentities, releaseHolds, startAfterBackup } from './janitor';
import { atMost } from './patience';
import { agreeOnStateFormat } from './state-format';
import { NODE_POLLS, removeReadyFile, runWorker, useRuntime, WIND_UP_MS, type WorkerSettings } from './run-worker';

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
  useRuntime(log);
  const janitor = destroyFinishedIdentities(settings, (isOver) => sweepRunIdentities(node.runtimeDir, isOver), stop);
  await runWorker(settings, `the agent of ${node.name}`, node.stateDir, (client) => [
    {
      inputs: NODE_INPUTS,
      taskQueue: nodeTaskQueue(settings.cluster, node.name),
      ...NODE_POLLS,
      activities: createNodeActivities({
        config,
        clusterName: settings.cluster,
        cluster,
        node,
        driver,
        confirmAttempt: () => confirmAttempt(client, node.name),
        connectionValidity: () => connectionValidity(settings.temporal),
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
