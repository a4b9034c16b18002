import type { RecoveryPlan } from '../src/contract/restore';
import { convergenceGaps, differs, type NodeView } from '../src/plan/convergence';
import { readSnapshotArchive } from '../src/vault/snapshot-archive';
import { checkCanary } from '../src/vault/canary';
import type { VaultClient } from '../src/vault/client';
import { cancellation, whileBeating } from './context';
import type { Controller } from './controller-context';
import { pollUntil } from './poll';

/**
 * The first node, alone: its own peer, the plan's cluster id and numbers of shares, a login that works, the canary, and as
 * many keys as the manifest counts.
 * @returns what differs and need not be wrong.
 */
export async function verifyFirstNode(controller: Controller, input: { plan: RecoveryPlan }): Promise<string[]> {
  const { plan } = input;
  const first = plan.nodes.find((node) => node.name === plan.firstNode);
  const peersWanted = plan.method === 'inPlace' ? null : (first?.nodeId ?? '');
  return whileBeating('verify', async () => {
    await pollUntil(
      `${plan.firstNode} to serve the restored data`,
      {
        timeoutMs: 120_000,
        signal: cancellation(),
        where: plan.firstNode,
        advice: `Read Vault's log on ${plan.firstNode}.`,
      },
      () =>
        controller.withLogin(
          plan.cluster,
          plan.firstNode,
          async (vault) => {
            const [status, configuration] = await Promise.all([vault.sealStatus(), vault.raftConfiguration()]);
            const peers = configuration.map((peer) => peer.nodeId).join();
            const { secretShares, secretThreshold } = plan.recovery ?? plan.seal;
            assertSame([
              ...differs('cluster id', status.clusterId, plan.clusterId ?? status.clusterId),
              ...differs('shares', status.n, secretShares),
              ...differs('threshold', status.t, secretThreshold),
              ...differs('peers', peers, peersWanted ?? peers),
            ]);
            await proveCanary(vault, plan);
            return true;
          },
          plan.loginOf,
        ),
    );
    return countKeys(controller, plan);
  });
}

/** Reads a snapshot of the node end to end, keeps nothing of it, and compares. Fewer keys than a write or two explains are an error. */
async function countKeys(controller: Controller, plan: RecoveryPlan): Promise<string[]> {
  if (!('keyCounts' in plan) || Object.keys(plan.keyCounts).length === 0) return [];
  const { keys } = await controller.withLogin(
    plan.cluster,
    plan.firstNode,
    async (vault) => readSnapshotArchive((await vault.snapshot({ signal: cancellation() })).body),
    plan.loginOf,
  );
  const differences = Object.entries(plan.keyCounts).flatMap(([prefix, wanted]) => {
    const actual = keys.byPrefix[prefix]?.count ?? 0;
    return actual === wanted ? [] : [{ prefix, wanted, actual }];
  });
  const lost = differences.filter(({ wanted, actual }) => actual < wanted - allowance(wanted));
  if (lost.length > 0) {
    throw new Error(
      `Fewer keys than the manifest counts: ${lost.map(({ prefix, wanted, actual }) => `${prefix}: ${actual} of ${wanted}`).join('; ')}`,
    );
  }
  return differences.map(
    ({ prefix, wanted, actual }) =>
      `${prefix} has ${actual} keys, the manifest counts ${wanted}: somebody writes already`,
  );
}

/** What clients and expired leases may take away in the moment between unsealing and counting. */
function allowance(count: number): number {
  return Math.max(5, Math.ceil(count / 100));
}

async function proveCanary(vault: VaultClient, plan: RecoveryPlan): Promise<void> {
  if (plan.canary) await checkCanary(vault, plan.canary, new Date(plan.plannedAt));
}

/**
 * Every node unsealed, of one cluster and, unless somebody accepted otherwise, one version; all of them voters; autopilot
 * content with them; a read through each.
 */
export async function checkConvergence(
  controller: Controller,
  input: { plan: RecoveryPlan; nodes: string[] },
): Promise<void> {
  const { plan, nodes } = input;
  await whileBeating('converge', () =>
    pollUntil(
      `${nodes.join(', ')} to be healthy voters`,
      {
        timeoutMs: 240_000,
        intervalMs: 500,
        signal: cancellation(),
        advice: 'Look at `vault operator raft list-peers` and at the logs of the node that lags.',
      },
      async () => {
        const views = await Promise.all(nodes.map((node) => viewThrough(controller, plan, node)));
        assertSame(convergenceGaps(plan, nodes, views));
        return true;
      },
    ),
  );
}

/** @returns the API address of the node that leads. */
export async function waitForLeader(controller: Controller, input: { cluster: string }): Promise<string> {
  return whileBeating('leader', () =>
    pollUntil(
      `${input.cluster} to have a leader`,
      { timeoutMs: 60_000, signal: cancellation(), advice: 'More than half of the voters must be up and unsealed.' },
      () => controller.withLeader(input.cluster, async (view) => view.leader.address),
    ),
  );
}

/** Lets another node lead: a cluster that can't do that is not whole. */
export async function moveLeadership(controller: Controller, input: { plan: RecoveryPlan }): Promise<string> {
  const { plan } = input;
  const leaderNow = () => controller.withLeader(plan.cluster, async (view) => view.leader.node);
  return whileBeating('move the leadership', async () => {
    const before = await leaderNow();
    await controller.withLogin(plan.cluster, before, (vault) => vault.stepDown(), plan.loginOf);
    return pollUntil(
      `another node than ${before} to lead`,
      { timeoutMs: 60_000, signal: cancellation(), advice: `Read Vault's log on ${before}.` },
      leaderNow,
    );
  });
}

/** After a roll back: the nodes that were put back are unsealed and have a leader among them. @returns its name. */
export async function checkRolledBack(
  controller: Controller,
  input: { cluster: string; nodes: string[] },
): Promise<string> {
  const { cluster, nodes } = input;
  return whileBeating('verify the old cluster', () =>
    pollUntil(
      `${nodes.join(', ')} to serve as before`,
      { timeoutMs: 90_000, signal: cancellation(), advice: 'Was the old cluster able to serve, before the restore?' },
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

async function viewThrough(controller: Controller, plan: RecoveryPlan, node: string): Promise<NodeView> {
  return controller.withLogin(
    plan.cluster,
    node,
    async (vault) => {
      const [status, configuration, autopilot] = await Promise.all([
        vault.sealStatus(),
        vault.raftConfiguration(),
        vault.autopilotState(),
      ]);
      await proveCanary(vault, plan);
      return {
        node,
        clusterId: status.clusterId,
        clusterName: status.clusterName,
        version: status.version,
        n: status.n,
        t: status.t,
        removed: status.removedFromCluster,
        voters: configuration.filter((peer) => peer.voter).map((peer) => peer.nodeId),
        autopilot,
      };
    },
    plan.loginOf,
  );
}

function assertSame(differences: string[]): void {
  if (differences.length > 0) throw new Error(differences.join('; '));
}
