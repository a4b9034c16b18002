import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeHealth } from '../contract/backup';
import { DrError, isDrError } from '../contract/failures';
import type { Product } from '../contract/product';
import type { VaultClient } from './client';

export interface LeaderView {
  leader: VaultClient;
  clusterId: string;
  clusterName: string;
  /** Empty where the listener redacts it. */
  serverVersion: string;
  product: Product | null;
  /** In the order of the configuration. */
  nodes: NodeHealth[];
}

interface NodeAnswer {
  client: VaultClient;
  health: NodeHealth;
  product: Product | null;
  clusterId: string;
  clusterName: string;
}

export interface ElectionWait {
  /** How long an election is waited for, while more than half of the nodes are there to hold one; default: not at all. */
  electionMs?: number;
  signal?: AbortSignal;
}

const POLL_INTERVAL_MS = 500;

/**
 * Asks each node at its own address whether it leads; never follows a redirect.
 * @throws DrError ClusterUnhealthy, with the reason per node, unless exactly one says so.
 */
export async function findLeader(
  clients: readonly VaultClient[],
  { electionMs = 0, signal }: ElectionWait = {},
): Promise<LeaderView> {
  const deadline = Date.now() + electionMs;
  let answers = await Promise.all(clients.map(askNode));
  while (isElecting(answers) && Date.now() < deadline) {
    await sleep(POLL_INTERVAL_MS, undefined, { signal });
    answers = await Promise.all(clients.map(askNode));
  }
  const nodes = answers.map(({ health }) => health);
  const leaders = answers.filter(({ health }) => health.leader);
  const [leader] = leaders;
  if (leader && leaders.length === 1) {
    return {
      leader: leader.client,
      clusterId: leader.clusterId,
      clusterName: leader.clusterName,
      serverVersion: leader.health.version ?? '',
      product: leader.product,
      nodes,
    };
  }
  if (leader) {
    throw new DrError('ClusterUnhealthy', `Several nodes report that they lead: ${names(leaders)}.`, {
      advice:
        "Configure each node's own address, not that of a load balancer. If they are right, the cluster is holding an election: try again.",
    });
  }
  throw new DrError('ClusterUnhealthy', `No node leads the cluster: ${nodes.map(reasonOf).join('; ')}.`, {
    advice:
      'Start and unseal the nodes: more than half of the voters must be running. If too many are permanently lost, see docs/operate.md.',
  });
}

function isElecting(answers: readonly NodeAnswer[]): boolean {
  const well = answers.filter(({ health }) => health.problem === null);
  return well.length > answers.length / 2 && well.filter(({ health }) => health.leader).length !== 1;
}

async function askNode(client: VaultClient): Promise<NodeAnswer> {
  const answer: NodeAnswer = {
    client,
    health: { node: client.node, reachable: false, sealed: null, leader: false, version: null, problem: null },
    product: null,
    clusterId: '',
    clusterName: '',
  };
  try {
    const health = await client.health();
    answer.clusterId = health.clusterId ?? '';
    answer.clusterName = health.clusterName ?? '';
    answer.product = health.product;
    const { sealed, version = null } = health;
    const state = { reachable: true, sealed, version, problem: problemOf(health) };
    answer.health = { ...answer.health, ...state };
    if (state.problem === null) {
      const { isSelf, haEnabled } = await client.leader();
      // Without high availability (`storage "file"`) there is no leader; the one server serves.
      answer.health.leader = isSelf || !haEnabled;
    }
  } catch (error) {
    if (!isDrError(error)) throw error;
    answer.health.problem = error.message;
  }
  return answer;
}

function problemOf(health: { initialized: boolean; sealed: boolean; removedFromCluster: boolean }): string | null {
  if (health.removedFromCluster) return 'was removed from the cluster';
  if (!health.initialized) return 'is not initialised';
  return health.sealed ? 'is sealed' : null;
}

function reasonOf({ node, problem }: NodeHealth): string {
  return `${node}: ${problem ?? 'follows, but there is no leader'}`;
}

function names(answers: readonly NodeAnswer[]): string {
  return answers.map(({ client }) => client.node).join(', ');
}
