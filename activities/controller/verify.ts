import { nodeOf } from '../../src/config/load';
import { DrError, isDrError } from '../../src/contract/failures';
import { formatCount, formatNumber } from '../../src/contract/format';
import type { RecoveryPlan } from '../../src/contract/plan';
import { inWordsOf } from '../../src/contract/product';
import { convergenceGaps, differs, type NodeView } from '../../src/plan/convergence';
import type { SealStatus } from '../../src/vault/answers';
import { checkCanary } from '../../src/vault/canary';
import type { VaultClient } from '../../src/vault/client';
import { connectToNode } from '../../src/vault/connect-node';
import { requestSnapshot } from '../../src/vault/request-snapshot';
import { readSnapshotArchive, type SnapshotSummary } from '../../src/vault/snapshot/snapshot-archive';
import { attempt, cancellation, withHeartbeats } from '../heartbeat';
import { confirmCanary, confirmLogin, confirmNodes } from './confirm';
import type { Controller } from './context';
import { autopilotOf, peersOf } from './peers';
import { pollUntil } from '../poll';

/** Attempts to count the keys. */
const COUNTS = 2;

/**
 * The first node alone: its only peer is itself, cluster id and share numbers are those of the plan, the login works,
 * the canary is there, and so are as many keys as in the manifest.
 * @returns differences that need not be wrong.
 */
export async function verifyFirstNode(controller: Controller, input: { plan: RecoveryPlan }): Promise<string[]> {
  const { plan } = input;
  confirmNodes(controller, plan, [plan.firstNode]);
  return withHeartbeats('verify', async () => {
    const unchecked = await proveFirstNode(controller, plan);
    if (unchecked.length > 0) return unchecked;
    const { remarks } = confirmCanary(controller, plan);
    if (plan.storage !== undefined)
      return [...remarks, `the keys were not counted: ${plan.firstNode} has no Raft to take a snapshot of`];
    if (!('keyCounts' in plan) || Object.keys(plan.keyCounts).length === 0) return remarks;
    let counted: SnapshotSummary;
    try {
      counted = await readFirstNode(controller, plan);
    } catch (error) {
      cancellation().throwIfAborted();
      if (!mayStayUncounted(error, attempt())) throw error;
      // Not if the node is down.
      await proveFirstNode(controller, plan);
      return [...remarks, `the keys on ${plan.firstNode} could not be counted: ${(error as Error).message}`];
    }
    return [...remarks, ...compareCounts(plan.keyCounts, counted.keys.byPrefix)];
  });
}

/** @returns what could not be checked. */
async function proveFirstNode(controller: Controller, plan: RecoveryPlan): Promise<string[]> {
  const began = Date.now();
  return pollUntil(
    `${plan.firstNode} to serve the restored data`,
    {
      notice: 'restored-data-not-served',
      timeoutMs: 120_000,
      signal: cancellation(),
      where: plan.firstNode,
      advice: `Read Vault's log on ${plan.firstNode}.`,
    },
    async () => {
      try {
        await proveByLogin(controller, plan);
        return [];
      } catch (error) {
        if (!goesWithoutLogin(plan, error, Date.now() - began)) throw error;
        const { status, isSelf } = await seenFromOutside(controller, plan, plan.firstNode);
        assertSame([
          ...shownDifferences(plan, status),
          ...(status.sealed ? ['it is sealed'] : []),
          ...(isSelf ? [] : ['it does not lead']),
        ]);
        return [
          `no login works (${(error as Error).message}), so the members of the cluster, the canary and the keys were not checked, here and on the other nodes`,
        ];
      }
    },
  );
}

async function proveByLogin(controller: Controller, plan: RecoveryPlan): Promise<void> {
  const first = plan.nodes.find((node) => node.name === plan.firstNode);
  const peersWanted = plan.method === 'inPlace' || plan.storage !== undefined ? null : (first?.nodeId ?? '');
  await controller.withLogin(
    plan.cluster,
    plan.firstNode,
    async (vault) => {
      const [status, peers] = await Promise.all([vault.sealStatus(), peerIdsOf(vault, plan)]);
      assertSame([
        ...shownDifferences(plan, status),
        ...differs('peers', peers, peersWanted ?? peers),
        ...(plan.storage !== undefined && !(await vault.leader()).isSelf ? ['it does not lead'] : []),
      ]);
      await proveCanary(controller, vault, plan);
    },
    confirmLogin(controller, plan),
  );
}

function shownDifferences(plan: RecoveryPlan, { clusterId, n, t }: SealStatus): string[] {
  const { secretShares, secretThreshold } = plan.recoveryConfig ?? plan.seal;
  return [
    ...differs('cluster id', clusterId, plan.clusterId ?? clusterId),
    ...differs('shares', n, secretShares),
    ...differs('threshold', t, secretThreshold),
  ];
}

/** A Vault that has just become active may refuse a login that works a moment later. */
const LOGIN_WITHIN_MS = 15_000;

/** The copy of a data directory needs no login to come back, so none holds it, where somebody accepted that. */
export function goesWithoutLogin(plan: RecoveryPlan, error: unknown, waitedMs: number): boolean {
  const isCopy = plan.method === 'snapshot' && plan.archive === 'filesystem';
  if (!isCopy || !plan.accepted.includes('login') || !isDrError(error)) return false;
  const { code } = error;
  if (code === 'AuthenticationFailed') return waitedMs >= LOGIN_WITHIN_MS;
  return code === 'PermissionDenied' || code === 'InvalidConfiguration';
}

async function seenFromOutside(
  controller: Controller,
  plan: RecoveryPlan,
  name: string,
): Promise<{ status: SealStatus; isSelf: boolean; leader: string | null }> {
  const cluster = controller.cluster(plan.cluster);
  const vault = await connectToNode(cluster, nodeOf(cluster, name));
  try {
    const [status, { isSelf, leaderAddress }] = await Promise.all([vault.sealStatus(), vault.leader()]);
    return { status, isSelf, leader: leaderAddress || (isSelf ? name : null) };
  } finally {
    await vault.close();
  }
}

/** None where there is no Raft. */
async function peerIdsOf(vault: VaultClient, plan: RecoveryPlan): Promise<string> {
  if (plan.storage !== undefined) return '';
  return (await peersOf(vault, plan.nodes)).map((peer) => peer.nodeId).join();
}

/** Reads a whole snapshot of the node, and keeps nothing. */
async function readFirstNode(controller: Controller, plan: RecoveryPlan): Promise<SnapshotSummary> {
  return controller.withLogin(
    plan.cluster,
    plan.firstNode,
    async (vault) => readSnapshotArchive((await requestSnapshot(vault, { signal: cancellation() })).body),
    confirmLogin(controller, plan),
  );
}

/** Keys that can't be counted must not stop a serving node; damaged ones must. */
export function mayStayUncounted(error: unknown, attempts: number): boolean {
  if (!isDrError(error)) return attempts >= COUNTS;
  return error.code !== 'SnapshotCorrupt' && (attempts >= COUNTS || !error.retryable);
}

/** @returns differences that a few writes explain. @throws DrError if keys are missing. */
export function compareCounts(wanted: Record<string, number>, actual: SnapshotSummary['keys']['byPrefix']): string[] {
  const differences = Object.entries(wanted)
    .map(([prefix, count]) => ({ prefix, wanted: count, actual: actual[prefix]?.count ?? 0 }))
    .filter((item) => item.actual !== item.wanted);
  const lost = differences.filter((item) => item.actual < item.wanted - allowance(item.wanted));
  if (lost.length > 0) {
    const which = lost.map((item) => `${item.prefix}: ${item.actual} of ${item.wanted}`).join('; ');
    throw new DrError('Internal', `Fewer keys than in the manifest: ${which}.`, {
      notice: 'not-the-backup',
      // Counting again takes as long, and finds no more.
      retryable: false,
      advice: 'Put the missing keys back and resume, or roll back and choose another backup.',
    });
  }
  return differences.map(
    (item) =>
      `${item.prefix} has ${formatCount(item.actual, 'key')}, the manifest ${formatNumber(item.wanted)}: something is already writing`,
  );
}

/** Keys that clients and expired leases may remove between unsealing and counting. */
function allowance(count: number): number {
  return Math.max(5, Math.ceil(count / 100));
}

async function proveCanary(controller: Controller, vault: VaultClient, plan: RecoveryPlan): Promise<void> {
  const { canary } = confirmCanary(controller, plan);
  if (canary) await checkCanary(vault, canary, new Date(plan.plannedAt));
}

/**
 * Every node is unsealed, of one cluster and (unless accepted otherwise) one version; all are voters, autopilot reports
 * healthy, and a read works through each.
 */
export async function checkConvergence(
  controller: Controller,
  input: { plan: RecoveryPlan; nodes: string[] },
): Promise<void> {
  const { plan, nodes } = input;
  confirmNodes(controller, plan, nodes);
  if (plan.method === 'copy' && plan.stores === 'file') {
    // Without Raft there is nothing to agree on.
    await checkRolledBack(controller, { cluster: plan.cluster, nodes });
    return;
  }
  const began = Date.now();
  await withHeartbeats('converge', () =>
    pollUntil(
      `${nodes.join(', ')} to be healthy voters`,
      {
        notice: 'not-voters',
        timeoutMs: 240_000,
        intervalMs: 500,
        signal: cancellation(),
        advice: inWordsOf(
          plan.product,
          'Check `vault operator raft list-peers` and the log of the node that lags. If a peer is lost for good: `vault operator raft remove-peer ID`, then resume.',
        ),
      },
      async () => {
        const views = await Promise.all(nodes.map((node) => viewOf(controller, plan, node, Date.now() - began)));
        assertSame(convergenceGaps(plan, nodes, views, Date.now() - began));
        return true;
      },
    ),
  );
}

/** @returns the API address of the leader. */
export async function waitForLeader(controller: Controller, input: { cluster: string }): Promise<string> {
  return withHeartbeats('leader', () =>
    pollUntil(
      `${input.cluster} to have a leader`,
      { timeoutMs: 60_000, signal: cancellation(), advice: 'More than half of the voters must be up and unsealed.' },
      () => controller.withLeader(input.cluster, async (view) => view.leader.address),
    ),
  );
}

/**
 * Makes another node the leader: a cluster that can't do that is not healthy. Only if the configuration says so:
 * anybody who can write to the namespace can make up a plan, and clients wait for seconds each time.
 */
export async function moveLeadership(controller: Controller, input: { plan: RecoveryPlan }): Promise<string> {
  const { plan } = input;
  const leaderNow = () => controller.withLeader(plan.cluster, async (view) => view.leader.node);
  const { restore, method, filesystem } = controller.cluster(plan.cluster);
  const isCopied = (name: string) => plan.method === 'copy' && method === 'filesystem' && filesystem.node === name;
  return withHeartbeats('move the leadership', async () => {
    const before = await leaderNow();
    if (!restore.rollingRestart && !isCopied(before)) return before;
    await controller.withLogin(plan.cluster, before, stepDown, confirmLogin(controller, plan));
    return pollUntil(
      `another node than ${before} to lead`,
      { timeoutMs: 60_000, signal: cancellation(), advice: `Read Vault's log on ${before}.` },
      async () => {
        const now = await leaderNow();
        return isCopied(now) ? null : now;
      },
    );
  });
}

async function stepDown(vault: VaultClient): Promise<void> {
  try {
    await vault.stepDown();
  } catch (error) {
    if (!isDrError(error) || error.code !== 'PermissionDenied') throw error;
    const { code, message, where } = error;
    throw new DrError(code, message, {
      where,
      notice: 'step-down-denied',
      advice: 'Grant `docs/vault-dr-step-down-policy.hcl` to the role of vault-dr, then resume.',
      cause: error,
    });
  }
}

/** After a roll back: the nodes that were put back are unsealed and have a leader among them. @returns its name. */
export async function checkRolledBack(
  controller: Controller,
  input: { cluster: string; nodes: string[] },
): Promise<string> {
  const { cluster, nodes } = input;
  return withHeartbeats('verify the old cluster', () =>
    pollUntil(
      `${nodes.join(', ')} to serve as before`,
      {
        timeoutMs: 90_000,
        signal: cancellation(),
        advice: 'The old cluster may not have been able to serve before the restore either.',
      },
      () =>
        controller.withLeader(cluster, async (view) => {
          assertSame(
            view.nodes
              .filter(({ node }) => nodes.includes(node))
              .flatMap(({ node, problem }) => (problem === null ? [] : [`${node} ${problem}`])),
          );
          return view.leader.node;
        }),
    ),
  );
}

async function viewOf(controller: Controller, plan: RecoveryPlan, node: string, waitedMs: number): Promise<NodeView> {
  try {
    return await viewThrough(controller, plan, node);
  } catch (error) {
    if (!goesWithoutLogin(plan, error, waitedMs)) throw error;
    const { status, leader } = await seenFromOutside(controller, plan, node);
    return { ...shownBy(node, status), voters: [], nonVoters: [], autopilot: null, leader };
  }
}

async function viewThrough(controller: Controller, plan: RecoveryPlan, node: string): Promise<NodeView> {
  return controller.withLogin(
    plan.cluster,
    node,
    async (vault) => {
      const [status, membership] = await Promise.all([vault.sealStatus(), membershipThrough(vault, plan)]);
      await proveCanary(controller, vault, plan);
      return { ...shownBy(node, status), ...membership };
    },
    confirmLogin(controller, plan),
  );
}

function shownBy(node: string, status: SealStatus): Omit<NodeView, keyof Membership> {
  const { clusterId, clusterName, version, n, t, removedFromCluster: removed } = status;
  return { node, clusterId, clusterName, version, n, t, removed };
}

type Membership = Pick<NodeView, 'voters' | 'nonVoters' | 'autopilot' | 'leader'>;

async function membershipThrough(vault: VaultClient, plan: RecoveryPlan): Promise<Membership> {
  if (plan.storage !== undefined) {
    const { isSelf, leaderAddress } = await vault.leader();
    return { voters: [], nonVoters: [], autopilot: null, leader: leaderAddress || (isSelf ? vault.node : null) };
  }
  const [peers, autopilot] = await Promise.all([peersOf(vault, plan.nodes), autopilotOf(vault, plan.nodes)]);
  const idsOf = (voter: boolean) => peers.filter((peer) => peer.voter === voter).map((peer) => peer.nodeId);
  return { voters: idsOf(true), nonVoters: idsOf(false), autopilot };
}

function assertSame(differences: string[]): void {
  if (differences.length > 0) throw new Error(differences.join('; '));
}
