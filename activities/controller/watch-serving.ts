import { Context } from '@temporalio/activity';
import { nodeOf } from '../../src/config/load';
import { isDrError } from '../../src/contract/failures';
import type { Serving } from '../../src/contract/guard';
import type { NodePlan } from '../../src/contract/plan';
import type { ControllerInput } from '../../src/contract/step-input/controller';
import { type ServingView, servingOf } from '../../src/guard/serving';
import type { AutopilotState } from '../../src/vault/answers';
import { checkCanary } from '../../src/vault/canary';
import type { VaultClient } from '../../src/vault/client';
import { connectToNode } from '../../src/vault/connect-node';
import { cancellation, withHeartbeats } from '../heartbeat';
import { pollUntil } from '../poll';
import { settingsOf } from './confirm';
import type { Controller } from './context';
import { autopilotOf, peersOf } from './peers';

const POLL_INTERVAL_MS = 2_000;
/** A frozen node accepts connections and never answers. */
const ANSWER_MS = 5_000;

type Wish = ControllerInput<'watchServing'>;

/**
 * Waits until all nodes of a cluster serve as it is wanted, for some seconds in a row. That they do not within that time is
 * a result, too. Each look logs in through each node, which writes to the log: a leader that can't commit is seen by that.
 */
export async function watchServing(controller: Controller, wish: Wish): Promise<Serving> {
  const { nodes } = settingsOf(controller, wish);
  const settleMs = wish.settleSeconds * 1_000;
  const began = Date.now();
  let last: Serving | null = null;
  let wellSince: number | null = null;

  async function look(): Promise<Serving | null> {
    const views = await Promise.all(nodes.map((node) => viewThrough(controller, wish, node)));
    last = servingOf(views, wish.wanted, Date.now() - began);
    if (last.gaps.length > 0) {
      wellSince = null;
      throw new Error(last.gaps.join('; '));
    }
    wellSince ??= Date.now();
    if (Date.now() - wellSince >= settleMs) return last;
    throw new Error(`all nodes serve; they must for ${wish.settleSeconds} s in a row`);
  }

  return withHeartbeats('inspect the nodes', async () => {
    try {
      return await pollUntil(
        `${wish.cluster} to serve as a whole`,
        { timeoutMs: remainingMs(wish), intervalMs: POLL_INTERVAL_MS, signal: cancellation() },
        look,
      );
    } catch (error) {
      cancellation().throwIfAborted();
      if (!isDrError(error) || error.code !== 'NotYet' || last === null) throw error;
      const { gaps, state } = last as Serving;
      const unsettled = [`all nodes serve, but not yet for ${wish.settleSeconds} s in a row`];
      return { gaps: gaps.length > 0 ? gaps : unsettled, state };
    }
  });
}

/** By Temporal's clock, as earlier attempts have used some of it. */
function remainingMs({ withinSeconds }: Wish): number {
  const { scheduledTimestampMs, currentAttemptScheduledTimestampMs } = Context.current().info;
  return Math.max(0, withinSeconds * 1_000 - Math.max(0, currentAttemptScheduledTimestampMs - scheduledTimestampMs));
}

async function viewThrough(controller: Controller, wish: Wish, node: NodePlan): Promise<ServingView> {
  const unseen: ServingView = {
    node: node.name,
    nodeId: node.nodeId,
    problem: null,
    version: null,
    clusterId: null,
    removed: false,
    leads: false,
    voters: null,
    nonVoters: [],
    autopilot: null,
    canaryProblem: null,
  };
  try {
    const outside = await viewFromOutside(controller, wish.cluster, node.name);
    const seen = { ...unseen, ...outside };
    if (seen.problem !== null) return seen;
    return {
      ...seen,
      ...(await controller.withLogin(wish.cluster, node.name, (vault) => inside(controller, wish, vault))),
    };
  } catch (error) {
    cancellation().throwIfAborted();
    if (!isDrError(error)) throw error;
    return { ...unseen, problem: withoutName(error.message, node.name) };
  }
}

/** It stands before the problem anyway. */
function withoutName(message: string, node: string): string {
  const said = message.startsWith(`${node} `) ? message.slice(node.length + 1) : message;
  return said.replace(/[.]$/, '');
}

type Outside = Pick<ServingView, 'problem' | 'version' | 'clusterId' | 'removed' | 'leads'>;

async function viewFromOutside(controller: Controller, name: string, node: string): Promise<Outside> {
  const cluster = controller.cluster(name);
  const vault = await connectToNode(cluster, nodeOf(cluster, node), { timeoutMs: ANSWER_MS });
  try {
    const { initialized, sealed, version = null, clusterId = null, removedFromCluster } = await vault.sealStatus();
    const problem = initialized ? (sealed ? 'it is sealed' : null) : 'it is not initialised';
    const leads = problem === null && (await vault.leader()).isSelf;
    return { problem, version, clusterId, removed: removedFromCluster, leads };
  } finally {
    await vault.close();
  }
}

type Inside = Pick<ServingView, 'voters' | 'nonVoters' | 'autopilot' | 'canaryProblem'>;

async function inside(controller: Controller, wish: Wish, vault: VaultClient): Promise<Inside> {
  const { storageType = 'raft' } = await vault.sealStatus();
  const canaryProblem = await canaryProblemOf(controller, wish, vault);
  if (storageType !== 'raft') return { voters: null, nonVoters: [], autopilot: null, canaryProblem };
  const { nodes } = settingsOf(controller, wish);
  const [peers, autopilot] = await Promise.all([peersOf(vault, nodes), autopilotOf(vault, nodes)]);
  const idsOf = (voter: boolean) => peers.filter((peer) => peer.voter === voter).map(({ nodeId }) => nodeId);
  return { voters: idsOf(true), nonVoters: idsOf(false), autopilot: healthOf(autopilot), canaryProblem };
}

function healthOf(state: AutopilotState | null): ServingView['autopilot'] {
  if (state === null) return null;
  const unhealthy = state.servers.filter(({ healthy }) => !healthy).map(({ id }) => id);
  const indexes = state.servers.map(({ lastIndex }) => lastIndex);
  return { healthy: state.healthy, unhealthy, lastIndex: indexes.length === 0 ? null : Math.max(...indexes) };
}

/** Nothing but what is configured as the canary is read with the login. */
async function canaryProblemOf(controller: Controller, wish: Wish, vault: VaultClient): Promise<string | null> {
  const { canary } = wish.wanted;
  if (canary === null || canary.path !== controller.cluster(wish.cluster).backup.canary?.path) return null;
  try {
    await checkCanary(vault, canary, new Date(canary.writtenAt));
    return null;
  } catch (error) {
    if (!isDrError(error) || error.code !== 'CopyDamaged') throw error;
    return 'the canary is not the one that was written before';
  }
}
