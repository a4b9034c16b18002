import { DrError } from './failures';

/** Task queue of the controller: workflows, Vault API, repositories, audit. */
export const CONTROLLER_TASK_QUEUE = 'vault-dr';

/** Task queue of one node's agent; the name is stable, so a restarted agent picks up where it stood. */
export function nodeTaskQueue(cluster: string, node: string): string {
  return `vault-dr-node/${cluster}/${node}`;
}

/** The node whose agent is asked on a task queue; null for the controller's. */
export function nodeOfTaskQueue(taskQueue: string): string | null {
  const [, , node] = /^vault-dr-node\/([^/]+)\/([^/]+)$/.exec(taskQueue) ?? [];
  return node ?? null;
}

/** Of every run that changes the nodes of a cluster: Temporal allows one open run of an id, and that is the lock. */
export function recoveryWorkflowId(cluster: string): string {
  return `restore-${cluster}`;
}

export function backupWorkflowId(cluster: string): string {
  return `backup-${cluster}`;
}

export function backupScheduleId(cluster: string): string {
  return `backup-${cluster}`;
}

/** Workflow types, as typed after `temporal workflow start --type`. */
export const WORKFLOW = {
  backUpCluster: 'backUpCluster',
  restoreCluster: 'restoreCluster',
  recoverQuorum: 'recoverQuorum',
  rebuildNode: 'rebuildNode',
  removeSetAside: 'removeSetAside',
  rollBackRun: 'rollBackRun',
  migrateStorage: 'migrateStorage',
} as const;

/** Of runs, and of their steps: 1 is first, 3 is what Temporal gives to what has none. A server that knows none ignores it. */
export const PRIORITY = {
  recovery: { priorityKey: 1 },
  backup: { priorityKey: 5 },
} as const;

/** How long a controller may take over one decision, a whole history included. One that is killed meanwhile holds the run up for so long. */
export const WORKFLOW_TASK_TIMEOUT = '10s';

/** Names in the namespace, all of type Keyword; `temporal-config/search-attributes.txt` is made of them. */
export const SEARCH_ATTRIBUTE = {
  cluster: 'VaultCluster',
  phase: 'RecoveryPhase',
  generation: 'GenerationId',
  shares: 'UnsealShares',
} as const;
export const SEARCH_ATTRIBUTES = Object.values(SEARCH_ATTRIBUTE);

/** Wire names of the messages that a running restore takes; each exists as a signal and as an update. */
export const MESSAGE = {
  approve: 'approve',
  submitShare: 'submitShare',
  resume: 'resume',
  skipNode: 'skipNode',
  rollBack: 'rollBack',
  abort: 'abort',
} as const;

/** Wire name of the signal by which workers tell a recovery what they try again; not for people. */
export const RETRY_SIGNAL = 'stepRetries';

/** Header of a step whose run understands that signal: to one that began under an earlier version it would be unknown. */
export const RETRY_HEADER = 'vault-dr-retries';

/** Wire name of the query that answers with the progress of a run. */
export const PROGRESS_QUERY = 'progress';

/** Names of clusters, nodes and repositories: they become directories, object keys and queue names. */
export const NAME_PATTERN = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Ids of runs: they become directories, file names and object keys. Temporal's own are UUIDs. */
export const RUN_PATTERN = /^[0-9a-z][0-9a-z-]{0,63}$/;

/** A run as part of a name of a file. @throws DrError InvalidInput for what could lead elsewhere. */
export function runName(run: string): string {
  if (RUN_PATTERN.test(run)) return run;
  throw new DrError('InvalidInput', `${JSON.stringify(run.slice(0, 100))} is not the id of a run. Nothing was done.`);
}

/** SHA-256 and other 32 bytes, as everything here writes them. */
export const HASH_PATTERN = /^[0-9a-f]{64}$/;
