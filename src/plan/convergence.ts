import type { RecoveryPlan } from '../contract/restore';

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
  healthy: boolean;
}

/** What still keeps the nodes from being one cluster as the plan wants it; empty when nothing does. */
export function convergenceGaps(plan: RecoveryPlan, nodes: readonly string[], views: readonly NodeView[]): string[] {
  const expected = plan.nodes
    .filter((node) => nodes.includes(node.name))
    .map((node) => node.nodeId)
    .sort();
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
    ...differs(`${view.node}: voters`, view.voters.toSorted().join(), expected.join()),
    ...differs(`${view.node}: autopilot healthy`, view.healthy, true),
  ]);
}

export function differs(what: string, actual: unknown, wanted: unknown): string[] {
  return actual === wanted ? [] : [`${what} is ${JSON.stringify(actual)}, expected ${JSON.stringify(wanted)}`];
}
