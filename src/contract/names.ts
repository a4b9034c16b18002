import { DrError } from './failures';

/** Task queue of the controller: workflows, Vault API, repositories, audit. */
export const CONTROLLER_TASK_QUEUE = 'vault-dr';

/** Task queue of one node's agent. The name is stable, so a restarted agent resumes its work. */
export function nodeTaskQueue(cluster: string, node: string): string {
  return `vault-dr-node/${cluster}/${node}`;
}

/** Task queue of one controller, for steps that need what is on its own disk. */
export function controllerTaskQueue(controller: string): string {
  return `vault-dr-controller/${controller}`;
}

/** Task queue of all sandbox hosts, for the step with which one of them takes a run. */
export const SANDBOX_TASK_QUEUE = 'vault-dr-sandbox';

/** Task queue of one sandbox host, for steps that need the identity of the run on its disk. */
export function sandboxTaskQueue(host: string): string {
  return `vault-dr-sandbox/${host}`;
}

/** The node of a task queue; null for one of a controller. */
export function nodeOfTaskQueue(taskQueue: string): string | null {
  const [, , node] = /^vault-dr-node\/([^/]+)\/([^/]+)$/.exec(taskQueue) ?? [];
  return node ?? null;
}

/**
 * Workflow id of every run that changes the nodes of a cluster: Temporal allows one open run per id, and that is the
 * lock.
 */
export function recoveryWorkflowId(cluster: string): string {
  return `restore-${cluster}`;
}

export function backupWorkflowId(cluster: string): string {
  return `backup-${cluster}`;
}

export function backupScheduleId(cluster: string): string {
  return `backup-${cluster}`;
}

/** Changes nothing that a recovery or a backup uses, so its lock is one of its own. */
export function drillWorkflowId(cluster: string): string {
  return `drill-${cluster}`;
}

/** One at a time, so that holders and approvers see one request of a cluster. */
export function secretWorkflowId(cluster: string): string {
  return `recover-${cluster}`;
}

export function drillScheduleId(cluster: string): string {
  return `drill-${cluster}`;
}

/** The same for a roll-call of the key holders. */
export function rollCallWorkflowId(cluster: string): string {
  return `roll-call-${cluster}`;
}

export function rollCallScheduleId(cluster: string): string {
  return `roll-call-${cluster}`;
}

/** Exactly this one, so that no two evaluations of a cluster run at a time. */
export function readinessWorkflowId(cluster: string): string {
  return `readiness-${cluster}`;
}

export function readinessScheduleId(cluster: string): string {
  return `readiness-${cluster}`;
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
  copyNode: 'copyNode',
  drillRestore: 'drillRestore',
  rollCall: 'rollCall',
  recoverSecret: 'recoverSecret',
  evaluateReadiness: 'evaluateReadiness',
} as const;

/** Of runs and their steps: 1 comes first, 3 is Temporal's default. Servers without priorities ignore it. */
export const PRIORITY = {
  recovery: { priorityKey: 1 },
  backup: { priorityKey: 4 },
  drill: { priorityKey: 4 },
  secret: { priorityKey: 2 },
  evaluation: { priorityKey: 5 },
} as const;
export type Priority = (typeof PRIORITY)[keyof typeof PRIORITY];

/** Within one priority clusters take turns, however much one of them asks for. Steps inherit it from their run. */
export function fairly(priority: Priority, cluster: string): { priorityKey: number; fairnessKey: string } {
  return { ...priority, fairnessKey: cluster };
}

/**
 * Time a controller may take for one workflow task, including a replay of the whole history. If it is killed meanwhile,
 * the run waits as long.
 */
export const WORKFLOW_TASK_TIMEOUT = '10s';

/** In the namespace, all of type Keyword; `temporal-config/search-attributes.txt` is made from this. */
export const SEARCH_ATTRIBUTE = {
  cluster: 'VaultCluster',
  phase: 'RecoveryPhase',
  generation: 'GenerationId',
  shares: 'UnsealShares',
} as const;
export const SEARCH_ATTRIBUTES = Object.values(SEARCH_ATTRIBUTE);

/** Wire names of messages to a running restore; each exists as a signal and as an update. */
export const MESSAGE = {
  approve: 'approve',
  submitShare: 'submitShare',
  resume: 'resume',
  skipNode: 'skipNode',
  rollBack: 'rollBack',
  abort: 'abort',
  goLive: 'goLive',
} as const;

/** Wire name of the signal with which workers tell a recovery what they retry; not for people. */
export const RETRY_SIGNAL = 'stepRetries';

/** Header of steps whose run understands that signal; runs of earlier versions don't. */
export const RETRY_HEADER = 'vault-dr-retries';

/** Wire name of the query for the progress of a run. */
export const PROGRESS_QUERY = 'progress';

/** Clusters, nodes and repositories: their names become directories, object keys and queue names. */
export const NAME_PATTERN = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Run ids become directories, file names and object keys. Temporal's own are UUIDs. */
export const RUN_PATTERN = /^[0-9a-z][0-9a-z-]{0,63}$/;

/** A run id for use in a file name. @throws DrError InvalidInput for anything that could point elsewhere. */
export function runName(run: string): string {
  if (RUN_PATTERN.test(run)) return run;
  throw new DrError('InvalidInput', `${JSON.stringify(run.slice(0, 100))} is not the id of a run. Nothing was done.`);
}

/** SHA-256 and other 32 bytes, as everything here writes them. */
export const HASH_PATTERN = /^[0-9a-f]{64}$/;
