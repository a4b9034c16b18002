import type { ControllerActivities } from '../../activities/controller';
import type { NodeActivities } from '../../activities/node';
import type { SandboxActivities } from '../../activities/sandbox';
import { controllerTaskQueue, nodeTaskQueue, SANDBOX_TASK_QUEUE, sandboxTaskQueue } from '../../src/contract/names';
import { controllerSummary, nodeSummary, sandboxSummary } from '../../src/contract/voice/step-summary';
import { patientActivities, type StepOptions } from './patient-activities';

/** Duration of one watch. */
export const WATCH_SECONDS = 7 * 86_400;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Retries are limited by time, not by number: each restart of a worker would use one up. */
const RETRY = { initialInterval: SECOND, backoffCoefficient: 2, maximumInterval: 10 * SECOND };
/** Few attempts, without a time limit: another way may be open, and people must be notified soon. */
const FEW = { ...RETRY, maximumAttempts: 4 };
/** Enough for an election, and for workers that restart meanwhile. */
const SOME = { ...RETRY, maximumAttempts: 12 };
/** Enough to wait an hour for a turn. */
const MANY = { ...RETRY, maximumAttempts: 60 };

/** Detects the death of a worker long before the step's own limit. */
const HEARTBEAT = 5 * SECOND;
/** For steps that would lose more: a worker that is merely slow must not be replaced. */
const SLOW_HEARTBEAT = 10 * SECOND;

/** Short requests over the network. */
const QUESTION: StepOptions = {
  startToCloseTimeout: MINUTE,
  scheduleToCloseTimeout: 5 * MINUTE,
  heartbeatTimeout: HEARTBEAT,
  retry: RETRY,
};
/** Transfers to or from a repository, or reading a whole snapshot: as long as the size of the data requires. */
const TRANSFER: StepOptions = { startToCloseTimeout: 3 * HOUR, heartbeatTimeout: SLOW_HEARTBEAT, retry: FEW };
/** Waits for servers to agree. */
const AGREEMENT: StepOptions = {
  startToCloseTimeout: 5 * MINUTE,
  scheduleToCloseTimeout: 6 * MINUTE,
  heartbeatTimeout: SLOW_HEARTBEAT,
  retry: RETRY,
};
/** Must not block a recovery: a time-out becomes a warning. */
const RECORD: StepOptions = {
  startToCloseTimeout: 10 * SECOND,
  scheduleToCloseTimeout: MINUTE,
  heartbeatTimeout: HEARTBEAT,
  retry: RETRY,
};

/** The others hear of a channel that fails for that long. */
export const DELIVER_WITHIN_MINUTES = 5;
const DELIVERY: StepOptions = {
  startToCloseTimeout: 40 * SECOND,
  scheduleToCloseTimeout: DELIVER_WITHIN_MINUTES * MINUTE,
  heartbeatTimeout: HEARTBEAT,
  retry: { ...RETRY, maximumInterval: MINUTE },
  // What is under way has ended before anything else is said of the same.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};

const CONTROLLER_STEPS: Record<keyof ControllerActivities, StepOptions> = {
  // Where many are due at once, each waits for its turn.
  planBackup: { ...QUESTION, scheduleToCloseTimeout: 12 * HOUR },
  // Long enough for an election; a cluster without a leader after that is down, and the operator should know.
  checkHealth: { ...QUESTION, startToCloseTimeout: 30 * SECOND, scheduleToCloseTimeout: MINUTE },
  stageBundle: QUESTION,
  captureSnapshot: { ...TRANSFER, retry: SOME },
  describeCopy: QUESTION,
  publishGeneration: TRANSFER,
  replicateGeneration: TRANSFER,
  listCatchUps: TRANSFER,
  applyRetention: TRANSFER,
  // What it can't do is done step by step.
  tidyRepositories: { ...TRANSFER, retry: { ...RETRY, maximumAttempts: 2 } },
  markRestored: QUESTION,
  markRolledBack: QUESTION,
  discardStaging: QUESTION,
  closeBackup: { ...QUESTION, scheduleToCloseTimeout: 2 * MINUTE },

  chooseForDrill: TRANSFER,
  chooseForRecover: TRANSFER,

  surveyBackups: { ...TRANSFER, retry: MANY },
  makeCanary: QUESTION,
  judgeReadiness: QUESTION,

  planRestore: QUESTION,
  lookAtCluster: QUESTION,
  chooseGeneration: TRANSFER,
  makePlan: QUESTION,
  makeQuorumPlan: QUESTION,
  makeRebuildPlan: QUESTION,
  makeCopyPlan: QUESTION,
  makeRemovalPlan: QUESTION,
  makeRollBackPlan: QUESTION,
  makeMigrationPlan: QUESTION,
  // What it waits for has a limit of its own.
  verifyFirstNode: TRANSFER,
  checkApproval: QUESTION,
  // What it waits for has a limit of its own.
  watchServing: { startToCloseTimeout: 25 * HOUR, heartbeatTimeout: SLOW_HEARTBEAT, retry: RETRY },
  checkConvergence: AGREEMENT,
  waitForLeader: AGREEMENT,
  moveLeadership: AGREEMENT,
  removePeer: QUESTION,
  // A cluster that can't serve within this time could not before either.
  checkRolledBack: {
    startToCloseTimeout: 2 * MINUTE,
    heartbeatTimeout: SLOW_HEARTBEAT,
    retry: { ...RETRY, maximumAttempts: 2 },
  },

  storeReport: QUESTION,
  notify: RECORD,
  deliver: DELIVERY,
  recordAudit: RECORD,
  recordAudits: RECORD,
  publishAuditHead: RECORD,
};

/**
 * Time for an agent to pick a step up before it is scheduled once more; then the run reports that the agent doesn't
 * answer.
 */
const PICK_UP = 15 * SECOND;

/** Inspects a host, or hands something to its agent. */
const BRIEF: StepOptions = {
  scheduleToStartTimeout: PICK_UP,
  startToCloseTimeout: 10 * SECOND,
  scheduleToCloseTimeout: 2 * MINUTE,
  heartbeatTimeout: HEARTBEAT,
  retry: RETRY,
};
const INSPECTION: StepOptions = { ...BRIEF, startToCloseTimeout: 15 * SECOND, scheduleToCloseTimeout: 45 * SECOND };
/** A rename, or a service that stops. */
const CHANGE: StepOptions = {
  scheduleToStartTimeout: PICK_UP,
  startToCloseTimeout: 3 * MINUTE,
  scheduleToCloseTimeout: 4 * MINUTE,
  heartbeatTimeout: SLOW_HEARTBEAT,
  retry: RETRY,
};
/**
 * Vault loads its data. The agent knows how much there is and how much is loaded, so the agent decides to give up:
 * after two minutes without progress, because the run first rebuilds a node by itself before it asks people.
 */
const LOADING: StepOptions = {
  scheduleToStartTimeout: PICK_UP,
  startToCloseTimeout: 3 * HOUR,
  heartbeatTimeout: SLOW_HEARTBEAT,
  retry: SOME,
};
/** Takes as long as the size of the data requires. */
const BULK: StepOptions = { ...LOADING, retry: { ...RETRY, maximumAttempts: 6 } };
/**
 * Runs until something happens on the host, and ends at once when the result is no longer needed. It lasts days because
 * each restart makes history longer; an agent that restarts resumes it at no cost.
 */
const WATCH: StepOptions = {
  watches: true,
  startToCloseTimeout: WATCH_SECONDS * SECOND + 10 * MINUTE,
  heartbeatTimeout: SLOW_HEARTBEAT,
  retry: RETRY,
  cancellationType: 'TRY_CANCEL',
};

const NODE_STEPS: Record<keyof NodeActivities, StepOptions> = {
  describeNode: INSPECTION,
  proveInPlace: INSPECTION,
  // It waits for connections that fail.
  proveQuiet: BRIEF,
  lookForLeftOvers: INSPECTION,
  openCanary: INSPECTION,
  // Optional: a host that is down must not block a backup.
  collectConfig: { ...INSPECTION, startToCloseTimeout: 30 * SECOND, scheduleToCloseTimeout: MINUTE },

  claimForRun: BRIEF,
  checkShare: BRIEF,
  rewrapShares: BRIEF,
  endRunOnNode: BRIEF,

  // Few attempts: only people can fix the cause (an identity, a repository), so they must be notified.
  stageGeneration: { ...BULK, retry: FEW },

  stopNode: CHANGE,
  stopForBackup: CHANGE,
  setAsideData: CHANGE,
  putBackData: CHANGE,
  blankNode: CHANGE,
  switchConfig: CHANGE,

  recoverPeers: LOADING,
  startNode: LOADING,
  restartNode: LOADING,
  joinNode: LOADING,
  extendLeases: { ...LOADING, retry: FEW },
  unsealNode: LOADING,
  awaitUnsealed: LOADING,

  migrateData: BULK,
  archiveData: BULK,
  publishArchive: BULK,

  installSnapshot: BULK,
  installFiles: BULK,
  saveConsul: BULK,
  installConsul: BULK,
  putBackConsul: BULK,
  installInPlace: BULK,
  copyDataAside: BULK,
  removeSetAsideData: BULK,

  liftFence: CHANGE,

  watchForUnseal: WATCH,
  watchForSeal: WATCH,
};

/** It may wait for others on the same host. Whatever it fails with is the result of the run. */
const IN_SANDBOX: StepOptions = {
  scheduleToStartTimeout: PICK_UP,
  startToCloseTimeout: 12 * HOUR,
  heartbeatTimeout: SLOW_HEARTBEAT,
  retry: FEW,
  // Its sandbox is gone when the run has ended.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};

const SANDBOX_STEPS: Record<keyof SandboxActivities, StepOptions> = {
  prepareSandbox: BRIEF,
  checkSandboxShare: BRIEF,
  rehearse: IN_SANDBOX,
  tryShares: IN_SANDBOX,
  readFromBackup: IN_SANDBOX,
  endSandboxRun: BRIEF,
};

/** Steps on any controller; its queue is that of the workflow. */
export const controller = patientActivities<ControllerActivities>(CONTROLLER_STEPS, controllerSummary);

/** Deliveries after that, as long as it may still be of use. */
export const DELIVER_LATE_HOURS = 2;
export const late: Pick<ControllerActivities, 'deliver'> = patientActivities<ControllerActivities>(
  {
    ...CONTROLLER_STEPS,
    deliver: {
      ...DELIVERY,
      scheduleToCloseTimeout: DELIVER_LATE_HOURS * HOUR,
      retry: { ...RETRY, initialInterval: MINUTE, maximumInterval: 5 * MINUTE },
    },
  },
  controllerSummary,
);

/** The same, where nobody waits for longer than `PICK_UP` until it is taken up, because another controller can do it. */
const STEPS_OF_ONE = Object.fromEntries(
  Object.entries(CONTROLLER_STEPS).map(([step, options]) => [step, { ...options, scheduleToStartTimeout: PICK_UP }]),
) as typeof CONTROLLER_STEPS;

/** Steps that need what lies on the disk of one controller. Fail, see `isGone`, where that one does not answer. */
export function controllerAt(name: string): ControllerActivities {
  return patientActivities<ControllerActivities>(STEPS_OF_ONE, controllerSummary, controllerTaskQueue(name));
}

/** Steps that any sandbox host can do. */
export const anySandbox: Pick<SandboxActivities, 'prepareSandbox'> = patientActivities<SandboxActivities>(
  SANDBOX_STEPS,
  sandboxSummary,
  SANDBOX_TASK_QUEUE,
);

/** Steps on the sandbox host that has taken the run. Fail, see `isGone`, where that one does not answer. */
export function sandboxAt(host: string): SandboxActivities {
  return patientActivities<SandboxActivities>(SANDBOX_STEPS, sandboxSummary, sandboxTaskQueue(host));
}

export type StepsOn = (node: string) => NodeActivities;

/** Steps on the hosts of one cluster. */
export function stepsOn(cluster: string): StepsOn {
  const known = new Map<string, NodeActivities>();
  return (node) => {
    const steps = known.get(node) ?? onNode(cluster, node);
    known.set(node, steps);
    return steps;
  };
}

/** Steps on one Vault host. */
export function onNode(cluster: string, node: string): NodeActivities {
  const summaryOf = (step: keyof NodeActivities, input: unknown) => nodeSummary(step, node, input);
  return patientActivities<NodeActivities>(NODE_STEPS, summaryOf, nodeTaskQueue(cluster, node));
}
