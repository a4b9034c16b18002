import type { ControllerActivities } from '../activities/controller';
import type { NodeActivities } from '../activities/node';
import { nodeTaskQueue } from '../src/contract/names';
import { patientActivities } from './patient-activities';

/** Retries are bounded by time, not by number: each restart of a worker would spend one. */
const RETRY = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10s' } as const;

/** How long an agent may take to pick a step up before it is asked once more; then the run says that it doesn't answer. */
const PICK_UP = '15s';

/** Workers beat while a step lasts, so the death of one is noticed long before the step's own limit. */
const BEAT = '5s';
/** Where more hangs on it: a worker that is merely slow must not lose what it has done. */
const SLOW_BEAT = '10s';

/** Short questions over the network. */
export const ask = patientActivities<
  Pick<
    ControllerActivities,
    | 'planBackup'
    | 'stageBundle'
    | 'planRestore'
    | 'lookAtCluster'
    | 'makePlan'
    | 'makeQuorumPlan'
    | 'makeRebuildPlan'
    | 'makeRemovalPlan'
    | 'markRestored'
    | 'markRolledBack'
    | 'storeReport'
    | 'discardStaging'
  >
>({ startToCloseTimeout: '1m', scheduleToCloseTimeout: '5m', heartbeatTimeout: BEAT, retry: RETRY });

/** Long enough for an election; a cluster that has no leader by then is down, and the operator should know. */
export const probe = patientActivities<Pick<ControllerActivities, 'checkHealth'>>({
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '60s',
  heartbeatTimeout: BEAT,
  retry: RETRY,
});

/** Long enough for an election in the middle of it; after that the cluster is down, and the operator should know. */
export const capturing = patientActivities<Pick<ControllerActivities, 'captureSnapshot'>>({
  startToCloseTimeout: '3h',
  heartbeatTimeout: SLOW_BEAT,
  retry: { ...RETRY, maximumAttempts: 12 },
});

/** Bytes to or from a repository: given up soon, because another one may answer, and people must hear of it. */
export const transfer = patientActivities<
  Pick<
    ControllerActivities,
    'publishGeneration' | 'replicateGeneration' | 'applyRetention' | 'chooseGeneration' | 'listCatchUps'
  >
>({
  startToCloseTimeout: '3h',
  heartbeatTimeout: SLOW_BEAT,
  retry: { ...RETRY, maximumAttempts: 4 },
});

/** What it waits for has a limit of its own; then it reads a whole snapshot, whose time goes by the size of the data. */
export const verifying = patientActivities<Pick<ControllerActivities, 'verifyFirstNode'>>({
  startToCloseTimeout: '3h',
  heartbeatTimeout: SLOW_BEAT,
  retry: { ...RETRY, maximumAttempts: 4 },
});

/** Waits for servers to agree; beats while it does. */
export const settle = patientActivities<
  Pick<ControllerActivities, 'checkConvergence' | 'waitForLeader' | 'moveLeadership'>
>({ startToCloseTimeout: '5m', scheduleToCloseTimeout: '6m', heartbeatTimeout: SLOW_BEAT, retry: RETRY });

/** After a roll back: what can't serve in this time could not serve before either. */
export const look = patientActivities<Pick<ControllerActivities, 'checkRolledBack'>>({
  startToCloseTimeout: '2m',
  heartbeatTimeout: SLOW_BEAT,
  retry: { ...RETRY, maximumAttempts: 2 },
});

/** The audit trail must not hold a recovery up: what can't be written in this time becomes a warning. */
export const audit = patientActivities<Pick<ControllerActivities, 'recordAudit' | 'publishAuditHead' | 'notify'>>({
  startToCloseTimeout: '10s',
  scheduleToCloseTimeout: '1m',
  heartbeatTimeout: BEAT,
  retry: RETRY,
});

/** Steps on one host, by what they need. */
export function onNode(cluster: string, node: string) {
  const taskQueue = nodeTaskQueue(cluster, node);
  const base = { taskQueue, scheduleToStartTimeout: PICK_UP, heartbeatTimeout: SLOW_BEAT, retry: RETRY } as const;
  const { stopNode, setAsideData, putBackData, blankNode } = patientActivities<
    Pick<NodeActivities, 'stopNode' | 'setAsideData' | 'putBackData' | 'blankNode'>
  >({ ...base, startToCloseTimeout: '3m', scheduleToCloseTimeout: '4m' });
  // Here a Vault loads its data. The agent knows how much they are and how far it is, so it is the agent that gives up: after two
  // minutes where nothing moves, for the run makes a node anew by itself before it asks people.
  const { recoverPeers, startNode, restartNode, joinNode, unsealNode, awaitUnsealed } = patientActivities<
    Pick<NodeActivities, 'recoverPeers' | 'startNode' | 'restartNode' | 'joinNode' | 'unsealNode' | 'awaitUnsealed'>
  >({ ...base, startToCloseTimeout: '3h', retry: { ...RETRY, maximumAttempts: 12 } });
  return {
    probe: patientActivities<Pick<NodeActivities, 'describeNode' | 'proveInPlace' | 'lookForLeftOvers'>>({
      taskQueue,
      scheduleToStartTimeout: PICK_UP,
      startToCloseTimeout: '15s',
      scheduleToCloseTimeout: '45s',
      heartbeatTimeout: BEAT,
      retry: RETRY,
    }),
    /** What is nice to have: a host that is down must not hold a backup up. */
    config: patientActivities<Pick<NodeActivities, 'collectConfig'>>({
      taskQueue,
      scheduleToStartTimeout: PICK_UP,
      startToCloseTimeout: '30s',
      scheduleToCloseTimeout: '1m',
      heartbeatTimeout: BEAT,
      retry: RETRY,
    }),
    quick: patientActivities<Pick<NodeActivities, 'claimForRun' | 'checkShare' | 'rewrapShares' | 'endRunOnNode'>>({
      taskQueue,
      scheduleToStartTimeout: PICK_UP,
      startToCloseTimeout: '10s',
      scheduleToCloseTimeout: '2m',
      heartbeatTimeout: BEAT,
      retry: RETRY,
    }),
    // Few attempts: what keeps it from succeeding (an identity, a repository) is for people to mend, and they must hear of it.
    fetch: patientActivities<Pick<NodeActivities, 'stageGeneration'>>({
      ...base,
      startToCloseTimeout: '3h',
      retry: { ...RETRY, maximumAttempts: 4 },
    }),
    change: { stopNode, setAsideData, putBackData, blankNode, recoverPeers, startNode, restartNode },
    enter: { joinNode, unsealNode, awaitUnsealed },
    /** Whose time goes by the size of the data. */
    install: patientActivities<
      Pick<NodeActivities, 'installSnapshot' | 'installInPlace' | 'copyDataAside' | 'removeSetAsideData'>
    >({
      ...base,
      startToCloseTimeout: '3h',
      retry: { ...RETRY, maximumAttempts: 6 },
    }),
    watch: patientActivities<Pick<NodeActivities, 'watchForUnseal' | 'watchForSeal'>>({
      taskQueue,
      startToCloseTimeout: '10m',
      heartbeatTimeout: SLOW_BEAT,
      cancellationType: 'TRY_CANCEL',
      retry: RETRY,
    }),
  };
}

export type NodeSteps = ReturnType<typeof onNode>;
