import { join } from 'node:path';
import { createSandboxActivities } from '../../activities/sandbox';
import { sandboxName } from '../config/controller-name';
import { sandboxConfigOf } from '../config/load';
import { secretsOfSandbox } from '../config/needed-secrets';
import type { Config, SandboxConfig } from '../config/schema';
import { DrError } from '../contract/failures';
import { SANDBOX_TASK_QUEUE, sandboxTaskQueue } from '../contract/names';
import { SANDBOX_INPUTS } from '../contract/step-input/sandbox';
import { agentPublicKey } from '../crypto/agent-key';
import { privateDirectory } from '../files/files';
import { holdDirectory } from '../files/hold-directory';
import { ensureAgentKey } from '../host/run/agent-key-file';
import { sweepRunIdentities } from '../host/run/run-identity-sweep';
import { problemOfFence } from '../sandbox/probe';
import { awaitSecrets } from './await-secrets';
import { awaitTemporal } from './await-temporal';
import { destroyFinishedSandboxIdentities } from './janitor';
import { atMost } from './patience';
import { agreeOnStateFormat } from './state-format';
import {
  NODE_POLLS,
  type QueueOptions,
  removeReadyFile,
  runWorker,
  useRuntime,
  WIND_UP_MS,
  type WorkerSettings,
} from './run-worker';

/** What makes a process a sandbox host. */
export interface SandboxPart {
  queues(): QueueOptions[];
  /** Destroys identities of runs that were terminated. */
  tend(signal: AbortSignal): Promise<void>;
}

/** Its own directory: the key of the host. */
export function sandboxStateDir({ stateDir }: Pick<Config, 'stateDir'>): string {
  return join(stateDir, 'sandbox');
}

/** For other hosts to know its recipients by; made if there is none. @throws DrError InvalidConfiguration */
export async function sandboxKey(config: Config): Promise<{ name: string; publicKey: string }> {
  const name = sandboxName({ ...config, sandbox: sandboxConfigOf(config) });
  await privateDirectory(config.stateDir, 'sandbox');
  return { name, publicKey: agentPublicKey(await ensureAgentKey(sandboxStateDir(config))) };
}

/** Null where the configuration has no sandbox; also, with a warning, where this process could make none. */
export async function sandboxOf(settings: WorkerSettings): Promise<SandboxPart | null> {
  const { config, log } = settings;
  const { sandbox } = config;
  if (sandbox === undefined) return null;
  const problem = await problemOfFence(sandbox);
  if (problem === null) return partOf(settings, sandbox);
  log.warn(
    `This process takes no drills, because it can make no sandbox: ${problem} The unit of a controller lets it make none; that of a sandbox host does: vault-dr install sandbox`,
  );
  return null;
}

/** Runs a sandbox host that is no controller until it is stopped. */
export async function runSandbox(settings: WorkerSettings): Promise<void> {
  const { config, log, stop } = settings;
  const sandbox = sandboxConfigOf(config);
  const stateDir = sandboxStateDir(config);
  await privateDirectory(config.stateDir, 'sandbox');
  const hold = await holdDirectory(
    stateDir,
    { lockFile: 'sandbox.lock', who: 'sandbox host', what: stateDir },
    (message) => log.warn(message),
    stop,
  );
  await agreeOnStateFormat(stateDir);
  await removeReadyFile(settings);
  const problem = await problemOfFence(sandbox);
  if (problem !== null) throw new DrError('InvalidConfiguration', `This host can make no sandbox: ${problem}`);
  await Promise.all([awaitSecrets(secretsOfSandbox(config), settings), awaitTemporal(settings)]);
  useRuntime(log);
  const over = new AbortController();
  const part = partOf(settings, sandbox);
  const janitor = part.tend(AbortSignal.any([stop, over.signal]));
  try {
    await runWorker(settings, 'the sandbox host', stateDir, () => part.queues());
  } finally {
    over.abort();
    await atMost(WIND_UP_MS, janitor);
  }
  await hold.release();
}

function partOf(settings: WorkerSettings, sandbox: SandboxConfig): SandboxPart {
  const { config } = settings;
  const name = sandboxName({ ...config, sandbox });
  return {
    queues() {
      const activities = createSandboxActivities({ config, sandbox, name, stateDir: sandboxStateDir(config) });
      return [SANDBOX_TASK_QUEUE, sandboxTaskQueue(name)].map((taskQueue) => ({
        inputs: SANDBOX_INPUTS,
        taskQueue,
        ...NODE_POLLS,
        activities,
      }));
    },
    tend: (signal) =>
      destroyFinishedSandboxIdentities(settings, (isOver) => sweepRunIdentities(sandbox.runtimeDir, isOver), signal),
  };
}
