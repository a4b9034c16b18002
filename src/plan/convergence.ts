import type { NodePlan, RecoveryPlan } from '../contract/restore';

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
  autopilot: { healthy: boolean; servers: { id: string; healthy: boolean }[] };
}

/**
 * What still keeps the nodes from being one cluster as the plan wants it; empty when nothing does. Nodes of the plan that are
 * left out may be voters all the same, and as long as they are down autopilot calls no cluster healthy: then only the
 * nodes themselves have to be.
 */
export function convergenceGaps(plan: RecoveryPlan, nodes: readonly string[], views: readonly NodeView[]): string[] {
  const idsOf = (those: NodePlan[]) => those.map(({ nodeId }) => nodeId).sort();
  const expected = idsOf(plan.nodes.filter(({ name }) => nodes.includes(name)));
  const leftOut = idsOf(plan.nodes.filter(({ name }) => !nodes.includes(name)));
  const { secretShares, secretThreshold } = plan.recovery ?? plan.seal;
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
    ...(leftOut.length === 0
      ? differs(`${view.node}: autopilot healthy`, view.autopilot.healthy, true)
      : differs(`${view.node}: healthy by autopilot`, healthyOf(expected, view).join(), expected.join())),
  ]);
}

function votersBut(leftOut: readonly string[], { voters }: NodeView): string[] {
  return voters.filter((id) => !leftOut.includes(id)).sort();
}

function healthyOf(ids: readonly string[], { autopilot }: NodeView): string[] {
  return ids.filter((id) => autopilot.servers.some((server) => server.id === id && server.healthy));
}

export function differs(what: string, actual: unknown, wanted: unknown): string[] {
  return actual === wanted ? [] : [`${what} is ${JSON.stringify(actual)}, expected ${JSON.stringify(wanted)}`];
}
