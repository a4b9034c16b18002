import { clusterOf } from '../../src/config/load';
import { DrError, isDrError } from '../../src/contract/failures';
import type { CopyNodeInput, RebuildNodeInput, RecoverQuorumInput, RestoreInput } from '../../src/contract/input';
import {
  type ChosenGeneration,
  CLUSTER_DOWN,
  type LiveView,
  type RecoveryPlan,
  type RemovalPlan,
  type RecoverySettings,
} from '../../src/contract/plan';
import { encryptionOf } from '../../src/crypto/encryption';
import { planHashOf } from '../../src/plan/hash';
import type { NodeInspection } from '../../src/plan/evaluate-node';
import { evaluateMigration, type MigrationFacts } from '../../src/plan/evaluate-migration';
import { evaluateCopy } from '../../src/plan/evaluate-copy';
import { evaluateRecoverQuorum } from '../../src/plan/evaluate-recover-quorum';
import { evaluateRebuild } from '../../src/plan/evaluate-rebuild';
import { evaluateRemoval, type RemovalFacts } from '../../src/plan/evaluate-removal';
import { removalPlan } from '../../src/plan/removal-plan';
import { evaluateRollBack, type RollBackFacts } from '../../src/plan/evaluate-roll-back';
import { evaluateRestore, type Evaluation } from '../../src/plan/evaluate-restore';
import { type AutopilotConfiguration, type AutopilotState, sealReportOf } from '../../src/vault/answers';
import type { LeaderView } from '../../src/vault/leader';
import { membersOf } from '../../src/vault/members';
import { credentialFingerprint } from '../../src/vault/login';
import { loginValidity } from '../../src/vault/login-validity';
import { cancellation } from '../heartbeat';
import { confirmSettings, settingsOf } from './confirm';
import { autopilotOf, peersOf } from './peers';
import { reportedRuns } from './report';
import type { Controller } from './context';
import { viewConsul } from './view-consul';
import { viewSource } from './view-source';

export interface MadePlan<P extends RecoveryPlan = RecoveryPlan> {
  plan: P;
  planHash: string;
}

/**
 * What the run keeps of the configuration, in history. The steps themselves use the configuration: see `confirm.ts`.
 * @throws DrError UnknownCluster; InvalidConfiguration for a drill where none is allowed, or an unknown node.
 */
export async function planRestore(
  controller: Controller,
  input: { cluster: string; into?: string; drill?: boolean; node?: string },
): Promise<RecoverySettings> {
  const settings = settingsOf(controller, input);
  const { cluster, nodes } = settings;
  if (input.node !== undefined && !nodes.some(({ name }) => name === input.node)) {
    const known = nodes.map(({ name }) => name).join(', ');
    throw new DrError('InvalidInput', `'${cluster}' has no node '${input.node}'. It has: ${known}.`);
  }
  return settings;
}

/**
 * Twice the time of an election with Vault's default settings: 9 s (measured, Vault 1.21, `performance_multiplier` 5).
 */
const ELECTION_MS = 20_000;

/**
 * Asks every node, and the leader with a login. A cluster that is down is a result, not an error. Waits out an
 * election, because the leader may have just died.
 */
export async function lookAtCluster(controller: Controller, input: { cluster: string }): Promise<LiveView> {
  const signal = cancellation();
  const inspection = (view: LeaderView) => inspectThroughLeader(controller, input.cluster, view);
  const [live, consul] = await Promise.all([viewVaults(), viewConsul(controller, input.cluster)]);
  return { ...live, ...consul };

  async function viewVaults(): Promise<LiveView> {
    try {
      return await controller.withLeader(input.cluster, inspection, { electionMs: ELECTION_MS, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (!isDrError(error)) throw error;
      return { ...CLUSTER_DOWN, problem: error.message };
    }
  }
}

const REMOVE_PEER = 'sys/storage/raft/remove-peer';

async function inspectThroughLeader(controller: Controller, cluster: string, view: LeaderView): Promise<LiveView> {
  const serving = view.nodes.filter((node) => node.problem === null);
  const status = await view.leader.sealStatus();
  const seen: LiveView = {
    ...CLUSTER_DOWN,
    leader: view.leader.node,
    clusterId: view.clusterId || null,
    clusterName: view.clusterName || null,
    serverVersion: view.serverVersion || null,
    product: view.product,
    serving: serving.map(({ node }) => node),
    versions: Object.fromEntries(serving.flatMap(({ node, version }) => (version === null ? [] : [[node, version]]))),
    seal: sealReportOf(status),
    ...(status.storageType === undefined ? {} : { storageType: status.storageType }),
  };
  const { storageType = 'raft' } = status;
  if (storageType !== 'raft') return { ...seen, ...(await tryLogin(controller, cluster, view.leader.node)) };
  try {
    const { nodes } = settingsOf(controller, { cluster });
    const [peers, autopilot, configuration, allowed, validity, plugins] = await controller.withLogin(
      cluster,
      view.leader.node,
      (vault) =>
        // What autopilot thinks is good to know; it may be turned off, and the policy need not let us ask.
        Promise.all([
          peersOf(vault, nodes),
          autopilotOf(vault, nodes).catch(() => null),
          vault.autopilotConfiguration().catch(() => null),
          vault.capabilitiesSelf([REMOVE_PEER]).catch(() => null),
          loginValidity(vault, controller.cluster(cluster).auth),
          vault.externalPlugins().catch(() => null),
        ]),
    );
    const capabilities = allowed?.[REMOVE_PEER] ?? [];
    const voters = peers.filter((peer) => peer.voter).map((peer) => peer.nodeId);
    const mayRemovePeers = capabilities.includes('root') || capabilities.includes('update');
    const members = membersOf(peers, autopilot);
    return {
      ...seen,
      login: true,
      loginValidity: validity,
      voters,
      members,
      mayRemovePeers,
      ...(plugins && { plugins }),
      ...silencesOf(autopilot, configuration),
    };
  } catch (error) {
    cancellation().throwIfAborted();
    return { ...seen, login: false, problem: (error as Error).message };
  }
}

/** Where there is no Raft, there are no members to ask about. */
async function tryLogin(
  controller: Controller,
  cluster: string,
  node: string,
): Promise<Pick<LiveView, 'login' | 'loginValidity' | 'plugins' | 'problem'>> {
  try {
    const { auth } = controller.cluster(cluster);
    const [validity, plugins] = await controller.withLogin(cluster, node, (vault) =>
      Promise.all([loginValidity(vault, auth), vault.externalPlugins().catch(() => null)]),
    );
    return { login: true, loginValidity: validity, ...(plugins && { plugins }), problem: null };
  } catch (error) {
    cancellation().throwIfAborted();
    return { login: false, problem: (error as Error).message };
  }
}

/** What autopilot says of how far members are, and of when it removes those that are silent. */
function silencesOf(
  autopilot: AutopilotState | null,
  configuration: AutopilotConfiguration | null,
): Pick<LiveView, 'logIndexes' | 'deadAfterSeconds'> {
  const { cleanupDeadServers, deadAfterMs } = configuration ?? {};
  const removes = cleanupDeadServers === true && typeof deadAfterMs === 'number';
  return {
    ...(autopilot && { logIndexes: Object.fromEntries(autopilot.servers.map(({ id, lastIndex }) => [id, lastIndex])) }),
    ...(configuration && { deadAfterSeconds: removes ? deadAfterMs / 1_000 : null }),
  };
}

/**
 * Evaluates the facts; the hash binds an approval to exactly this plan. @throws DrError PlanRefused with every reason.
 */
export async function makePlan(
  controller: Controller,
  facts: {
    input: RestoreInput;
    settings: RecoverySettings;
    chosen: ChosenGeneration;
    inspections: NodeInspection[];
    live: LiveView;
    /** Why the leader's host can't load a snapshot in place; null if it can. */
    inPlaceProblem: string | null;
    /** Why the first node's host has no fence; null if it has one. */
    quietProblem?: string | null | undefined;
  },
) {
  const settings = confirmSettings(controller, facts.settings, facts.input);
  const credential = await fingerprintOf(controller, settings.source);
  const { recipients } = encryptionOf(controller.cluster(settings.source).backup.encryption);
  const ended = await endedAmong(controller, settings.cluster, facts.inspections);
  const source = settings.source === settings.cluster ? null : await viewSource(controller, settings.source);
  const now = new Date().toISOString();
  return made(evaluateRestore({ ...facts, settings, credential, recipients, ended, source, now }));
}

/** Runs that hosts list as unfinished only because they could not be reached at the end. */
export function endedAmong(
  controller: Controller,
  cluster: string,
  inspections: readonly NodeInspection[],
): Promise<string[]> {
  const runs = inspections.flatMap(({ report }) => report?.unfinished?.map(({ run }) => run) ?? []);
  return reportedRuns(controller, cluster, runs);
}

/** The same for a lost quorum. @throws DrError PlanRefused */
export async function makeQuorumPlan(
  controller: Controller,
  facts: { input: RecoverQuorumInput; settings: RecoverySettings; inspections: NodeInspection[]; live: LiveView },
) {
  const settings = confirmSettings(controller, facts.settings, { cluster: facts.input.cluster });
  const ended = await endedAmong(controller, settings.cluster, facts.inspections);
  return made(evaluateRecoverQuorum({ ...facts, settings, ended, now: new Date().toISOString() }));
}

/** The same for one node. @throws DrError PlanRefused */
export async function makeRebuildPlan(
  controller: Controller,
  facts: { input: RebuildNodeInput; settings: RecoverySettings; inspection: NodeInspection; live: LiveView },
) {
  const settings = confirmSettings(controller, facts.settings, { cluster: facts.input.cluster });
  return made(evaluateRebuild({ ...facts, settings, now: new Date().toISOString() }));
}

/** Which node may be stopped for a backup. @throws DrError PlanRefused */
export async function makeCopyPlan(
  controller: Controller,
  facts: { input: CopyNodeInput; settings: RecoverySettings; inspections: NodeInspection[]; live: LiveView },
) {
  const { cluster } = facts.input;
  const settings = confirmSettings(controller, facts.settings, { cluster });
  const { method, filesystem } = controller.cluster(cluster);
  if (method !== 'filesystem') {
    throw new DrError('InvalidConfiguration', `'${cluster}' has the method '${method}', by which no node is stopped.`);
  }
  return made(evaluateCopy({ ...facts, settings, how: filesystem, now: new Date().toISOString() }));
}

/** Whether what an earlier run set aside may be deleted. @throws DrError PlanRefused */
export async function makeRemovalPlan(controller: Controller, facts: RemovalFacts): Promise<MadeRemoval> {
  const now = new Date().toISOString();
  const settings = confirmSettings(controller, facts.settings, { cluster: facts.input.cluster });
  const { refusals, warnings } = evaluateRemoval({ ...facts, settings, now });
  if (refusals.length > 0) throw refused(refusals);
  if (settings.trust !== 'approvers') return warnings;
  const plan = removalPlan({ ...facts, settings }, warnings, now);
  return { plan, planHash: planHashOf(plan) };
}

/** Whether what a lost run set aside can be put back. @throws DrError PlanRefused */
export async function makeRollBackPlan(controller: Controller, facts: Omit<RollBackFacts, 'ended' | 'now'>) {
  const settings = confirmSettings(controller, facts.settings, { cluster: facts.input.cluster });
  const ended = await endedAmong(controller, settings.cluster, facts.inspections);
  return made(evaluateRollBack({ ...facts, settings, ended, now: new Date().toISOString() }));
}

/** Whether a cluster can be moved to Raft. @throws DrError PlanRefused */
export async function makeMigrationPlan(controller: Controller, facts: Omit<MigrationFacts, 'ended' | 'now'>) {
  const settings = confirmSettings(controller, facts.settings, { cluster: facts.input.cluster });
  const ended = await endedAmong(controller, settings.cluster, facts.inspections);
  return made(evaluateMigration({ ...facts, settings, ended, now: new Date().toISOString() }));
}

/** The warnings alone, where nobody has to sign anything. */
export type MadeRemoval = string[] | MadePlan<RemovalPlan>;

function made<P extends RecoveryPlan>({ refusals, plan }: Evaluation<P>): MadePlan<P> {
  if (plan !== null) return { plan, planHash: planHashOf(plan) };
  throw refused(refusals);
}

function refused(refusals: string[]): DrError {
  return new DrError(
    'PlanRefused',
    `The plan was refused:\n${refusals.map((reason) => `  - ${reason}`).join('\n')}\n`,
    {
      advice: 'Fix this and start again. About a code: vault-dr explain CODE',
    },
  );
}

export async function fingerprintOf(controller: Controller, cluster: string) {
  try {
    return { fingerprint: await credentialFingerprint(clusterOf(controller.config, cluster).auth), problem: null };
  } catch (error) {
    return { fingerprint: null, problem: (error as Error).message };
  }
}
