import type { NodePlan, RecoveryPlan } from '../contract/plan';

/** Autopilot's rounds are ten seconds apart; where there is none by then, it is turned off, and the other facts must do. */
const FIRST_ROUND_MS = 10_000;

/** What the gate sees through one node. */
export interface NodeView {
  node: string;
  clusterId: string | undefined;
  clusterName: string | undefined;
  version: string;
  n: number;
  t: number;
  removed: boolean;
  /** Node ids. */
  voters: string[];
  /** Null where there is none: it is turned off, or the leader is so new that it has not made its first round. */
  autopilot: { healthy: boolean; servers: { id: string; healthy: boolean }[] } | null;
}

/**
 * What still keeps the nodes from being one cluster as the plan wants it; empty when nothing does. Nodes of the plan that are
 * left out may be voters all the same, and as long as they are down autopilot calls no cluster healthy: then only the
 * nodes themselves have to be.
 */
export function convergenceGaps(
  plan: RecoveryPlan,
  nodes: readonly string[],
  views: readonly NodeView[],
  waitedMs = 0,
): string[] {
  const idsOf = (those: NodePlan[]) => those.map(({ nodeId }) => nodeId).sort();
  const expected = idsOf(plan.nodes.filter(({ name }) => nodes.includes(name)));
  const leftOut = idsOf(plan.nodes.filter(({ name }) => !nodes.includes(name)));
  const { secretShares, secretThreshold } = plan.recoveryConfig ?? plan.seal;
  const [first] = views;
  const anyVersion = plan.accepted.includes('version');
  return views.flatMap((view) => [
    ...differs(`${view.node}: cluster id`, view.clusterId, plan.clusterId ?? first?.clusterId),
    ...differs(`${view.node}: cluster name`, view.clusterName, plan.clusterName ?? first?.clusterName),
    ...(anyVersion ? [] : differs(`${view.node}: version`, view.version, first?.version)),
    ...differs(`${view.node}: shares`, view.n, secretShares),
    ...differs(`${view.node}: threshold`, view.t, secretThreshold),
    ...differs(`${view.node}: removed from the cluster`, view.removed, false),
    ...differs(`${view.node}: voters`, votersBut(leftOut, view).join(), expected.join()),
    ...healthGaps(view, leftOut.length === 0 ? null : expected, waitedMs),
  ]);
}

/** @param ids of the nodes that have to be healthy; null: the whole cluster */
function healthGaps({ node, autopilot }: NodeView, ids: readonly string[] | null, waitedMs: number): string[] {
  if (autopilot === null) return waitedMs < FIRST_ROUND_MS ? [`${node}: autopilot has said nothing yet`] : [];
  if (ids === null) return differs(`${node}: autopilot healthy`, autopilot.healthy, true);
  const healthy = ids.filter((id) => autopilot.servers.some((server) => server.id === id && server.healthy));
  return differs(`${node}: healthy by autopilot`, healthy.join(), ids.join());
}

function votersBut(leftOut: readonly string[], { voters }: NodeView): string[] {
  return voters.filter((id) => !leftOut.includes(id)).sort();
}

export function differs(what: string, actual: unknown, wanted: unknown): string[] {
  return actual === wanted ? [] : [`${what} is ${JSON.stringify(actual)}, expected ${JSON.stringify(wanted)}`];
}
