import type { ControllerActivities } from '../../activities/controller';
import type { NodeActivities } from '../../activities/node';
import { nodeTaskQueue } from '../../src/contract/names';
import { controllerSummary, nodeSummary } from '../../src/contract/voice/step-summary';
import { patientActivities, type StepOptions } from './patient-activities';

/** How long one watch lasts. */
export const WATCH_SECONDS = 7 * 86_400;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Retries are bounded by time, not by number: each restart of a worker would spend one. */
const RETRY = { initialInterval: SECOND, backoffCoefficient: 2, maximumInterval: 10 * SECOND };
/** A few attempts where no time bounds them: given up soon, because another way may be open, and people must hear of it. */
const FEW = { ...RETRY, maximumAttempts: 4 };
/** Enough for an election, and for workers that are restarted while it lasts. */
const SOME = { ...RETRY, maximumAttempts: 12 };

/** Heartbeats while a step lasts: the death of a worker is noticed long before the step's own limit. */
const HEARTBEAT = 5 * SECOND;
/** Where more hangs on it: a worker that is merely slow must not lose what it has done. */
const SLOW_HEARTBEAT = 10 * SECOND;

/** Short questions over the network. */
const QUESTION: StepOptions = {
  startToCloseTimeout: MINUTE,
  scheduleToCloseTimeout: 5 * MINUTE,
  heartbeatTimeout: HEARTBEAT,
  retry: RETRY,
};
/** Bytes to or from a repository, or a whole snapshot that is read: its time goes by the size of the data. */
const TRANSFER: StepOptions = { startToCloseTimeout: 3 * HOUR, heartbeatTimeout: SLOW_HEARTBEAT, retry: FEW };
/** Waits for servers to agree. */
const AGREEMENT: StepOptions = {
  startToCloseTimeout: 5 * MINUTE,
  scheduleToCloseTimeout: 6 * MINUTE,
  heartbeatTimeout: SLOW_HEARTBEAT,
  retry: RETRY,
};
/** Must not hold a recovery up: what can't be written in this time becomes a warning. */
const RECORD: StepOptions = {
  startToCloseTimeout: 10 * SECOND,
  scheduleToCloseTimeout: MINUTE,
  heartbeatTimeout: HEARTBEAT,
  retry: RETRY,
};

const CONTROLLER_STEPS: Record<keyof ControllerActivities, StepOptions> = {
  planBackup: QUESTION,
  // Long enough for an election; a cluster that has no leader by then is down, and the operator should know.
  checkHealth: { ...QUESTION, startToCloseTimeout: 30 * SECOND, scheduleToCloseTimeout: MINUTE },
  stageBundle: QUESTION,
  captureSnapshot: { ...TRANSFER, retry: SOME },
  publishGeneration: TRANSFER,
  replicateGeneration: TRANSFER,
  listCatchUps: TRANSFER,
  applyRetention: TRANSFER,
  markRestored: QUESTION,
  markRolledBack: QUESTION,
  discardStaging: QUESTION,

  planRestore: QUESTION,
  lookAtCluster: QUESTION,
  chooseGeneration: TRANSFER,
  makePlan: QUESTION,
  makeQuorumPlan: QUESTION,
  makeRebuildPlan: QUESTION,
  makeRemovalPlan: QUESTION,
  makeRollBackPlan: QUESTION,
  makeMigrationPlan: QUESTION,
  // What it waits for has a limit of its own.
  verifyFirstNode: TRANSFER,
  checkApproval: QUESTION,
  checkConvergence: AGREEMENT,
  waitForLeader: AGREEMENT,
  moveLeadership: AGREEMENT,
  removePeer: QUESTION,
  // What can't serve in this time could not serve before either.
  checkRolledBack: {
    startToCloseTimeout: 2 * MINUTE,
    heartbeatTimeout: SLOW_HEARTBEAT,
    retry: { ...RETRY, maximumAttempts: 2 },
  },

  storeReport: QUESTION,
  notify: RECORD,
  recordAudit: RECORD,
  recordAudits: RECORD,
  publishAuditHead: RECORD,
};

/** How long an agent may take to pick a step up before it is asked once more; then the run says that it doesn't answer. */
const PICK_UP = 15 * SECOND;

/** Asks an agent about its host, or has it take something in. */
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
 * Here a Vault loads its data. The agent knows how much there is and how far it has come, so it is the agent that gives up:
 * after two minutes where nothing moves, for the run rebuilds a node by itself before it asks people.
 */
const LOADING: StepOptions = {
  scheduleToStartTimeout: PICK_UP,
  startToCloseTimeout: 3 * HOUR,
  heartbeatTimeout: SLOW_HEARTBEAT,
  retry: SOME,
};
/** Its time goes by the size of the data. */
const BULK: StepOptions = { ...LOADING, retry: { ...RETRY, maximumAttempts: 6 } };
/**
 * Lasts until something happens on the host, and ends at once when the result is no longer needed. For days, because each one
 * that is started again makes history longer; an agent that restarts resumes it at no cost.
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
  lookForLeftOvers: INSPECTION,
  // Nice to have: a host that is down must not hold a backup up.
  collectConfig: { ...INSPECTION, startToCloseTimeout: 30 * SECOND, scheduleToCloseTimeout: MINUTE },

  claimForRun: BRIEF,
  checkShare: BRIEF,
  rewrapShares: BRIEF,
  endRunOnNode: BRIEF,

  // Few attempts: what keeps it from succeeding (an identity, a repository) is for people to repair, and they must hear of it.
  stageGeneration: { ...BULK, retry: FEW },

  stopNode: CHANGE,
  setAsideData: CHANGE,
  putBackData: CHANGE,
  blankNode: CHANGE,
  switchConfig: CHANGE,

  recoverPeers: LOADING,
  startNode: LOADING,
  restartNode: LOADING,
  joinNode: LOADING,
  unsealNode: LOADING,
  awaitUnsealed: LOADING,

  migrateData: BULK,
  installSnapshot: BULK,
  installInPlace: BULK,
  copyDataAside: BULK,
  removeSetAsideData: BULK,

  watchForUnseal: WATCH,
  watchForSeal: WATCH,
};

/** The steps that run on the controller; its queue is the one that the workflow is on. */
export const controller = patientActivities<ControllerActivities>(CONTROLLER_STEPS, controllerSummary);

export type StepsOn = (node: string) => NodeActivities;

/** The steps on the hosts of one cluster. */
export function stepsOn(cluster: string): StepsOn {
  const known = new Map<string, NodeActivities>();
  return (node) => {
    const steps = known.get(node) ?? onNode(cluster, node);
    known.set(node, steps);
    return steps;
  };
}

/** The steps on one Vault host. */
export function onNode(cluster: string, node: string): NodeActivities {
  const summaryOf = (step: keyof NodeActivities, input: unknown) => nodeSummary(step, node, input);
  return patientActivities<NodeActivities>(NODE_STEPS, summaryOf, nodeTaskQueue(cluster, node));
}
