import type { RemovalPlan } from '../contract/plan';
import type { RemovalFacts } from './evaluate-removal';
import { trustOf } from './trust';

/** The plan to sign before old data is deleted. */
export function removalPlan(
  { input, settings, live, found }: RemovalFacts,
  warnings: string[],
  now: string,
): RemovalPlan {
  const { nodes, cluster } = settings;
  const seal = live.seal ?? { type: 'unknown', n: 0, t: 0 };
  const doomed = found.flatMap(({ node, leftOvers }) =>
    (leftOvers ?? []).length === 0 ? [] : [{ node, paths: (leftOvers ?? []).map(({ path }) => path) }],
  );
  return {
    method: 'remove',
    of: input.run,
    found: doomed,
    cluster,
    firstNode: live.leader ?? '',
    nodes,
    seal: { type: seal.type, secretShares: seal.n, secretThreshold: seal.t },
    recoveryConfig: null,
    clusterId: live.clusterId,
    clusterName: live.clusterName,
    canary: null,
    loginOf: cluster,
    approvals: settings.approvals,
    ...trustOf(settings),
    setAside: 'delete',
    rollingRestart: false,
    steps: doomed.map(({ node, paths }) => ({ node, steps: paths.map((path) => `DELETE ${path}`) })),
    holdData: [],
    accepted: input.accept.filter((code) => code === 'grace'),
    plannedAt: now,
    warnings,
  };
}
