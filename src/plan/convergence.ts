import type { NodePlan, RecoveryPlan } from '../contract/plan';

/**
 * Autopilot's rounds are ten seconds apart. If there was none by then, it is turned off, and the other checks must do.
 */
const FIRST_ROUND_MS = 10_000;

/** As autopilot sees it. */
export interface ServerView {
  id: string;
  healthy: boolean;
  /** Of Vault Enterprise: one node of each zone votes; autopilot decides which. */
  redundancyZone?: string | null;
  /** Last log entry that the leader knows of. */
  lastIndex?: number;
}

/** The cluster as seen through one node. */
export interface NodeView {
  node: string;
  clusterId: string | undefined;
  clusterName: string | undefined;
  version: string | undefined;
  n: number;
  t: number;
  removed: boolean;
  /** Address of the leader that it knows; absent where its peers were asked instead. */
  leader?: string | null;
  /** Node ids. */
  voters: string[];
  /** Members that do not vote, permanently or not yet. */
  nonVoters: string[];
  /** Null if it is turned off, or the leader is too new to have made its first round. */
  autopilot: { healthy: boolean; leader?: string; servers: ServerView[] } | null;
}

/**
 * What is missing before the nodes are the cluster that the plan describes; empty if nothing. Nodes that are left out
 * may still be voters, and while they are down autopilot calls the whole cluster unhealthy: then only the plan's nodes
 * must be healthy.
 */
export function convergenceGaps(
  plan: RecoveryPlan,
  nodes: readonly string[],
  views: readonly NodeView[],
  waitedMs = 0,
): string[] {
  const idsOf = (those: NodePlan[]) => those.map(({ nodeId }) => nodeId).sort();
  const expected = idsOf(plan.nodes.filter(({ name }) => nodes.includes(name)));
  const neverVote = idsOf(plan.nodes.filter(({ name }) => plan.nonVoters?.includes(name)));
  const { bystanders = [] } = plan;
  const leftOut = idsOf(plan.nodes.filter(({ name }) => !nodes.includes(name)));
  const { secretShares, secretThreshold } = plan.recoveryConfig ?? plan.seal;
  const [first] = views;
  const anyVersion = plan.accepted.includes('version');
  return views.flatMap((view) => [
    ...differs(`${view.node}: cluster id`, view.clusterId, plan.clusterId || first?.clusterId),
    ...differs(`${view.node}: cluster name`, view.clusterName, plan.clusterName || first?.clusterName),
    ...(anyVersion ? [] : differs(`${view.node}: version`, view.version, first?.version)),
    ...differs(`${view.node}: shares`, view.n, secretShares),
    ...differs(`${view.node}: threshold`, view.t, secretThreshold),
    ...differs(`${view.node}: removed from the cluster`, view.removed, false),
    ...(view.leader === undefined
      ? [
          ...membershipGaps(view, expected, neverVote, [...leftOut, ...bystanders]),
          ...copyGaps(plan, view),
          ...healthGaps(view, leftOut.length + bystanders.length === 0 ? null : expected, waitedMs),
        ]
      : leaderGaps(view)),
  ]);
}

/** Without Raft there are no peers, and without a login nobody says who they are: each has to know one that leads. */
function leaderGaps({ node, leader = null }: NodeView): string[] {
  return leader === null ? [`${node}: no leader yet`] : [];
}

/** What is written between two of autopilot's looks. */
const CAUGHT_UP_WITHIN = 100;

/** A node that was stopped for a backup has caught up with the leader. */
function copyGaps(plan: RecoveryPlan, { node, autopilot }: NodeView): string[] {
  if (plan.method !== 'copy' || autopilot === null) return [];
  const indexOf = (id: string | undefined) => autopilot.servers.find((server) => server.id === id)?.lastIndex;
  const leading = indexOf(autopilot.leader);
  const own = indexOf(plan.nodes.find(({ name }) => name === plan.node)?.nodeId);
  if (leading === undefined || own === undefined || leading - own <= CAUGHT_UP_WITHIN) return [];
  return [`${node}: ${plan.node} is ${leading - own} log entries behind the leader`];
}

/** @param ids nodes that must be healthy; null: the whole cluster */
function healthGaps({ node, autopilot }: NodeView, ids: readonly string[] | null, waitedMs: number): string[] {
  if (autopilot === null) return waitedMs < FIRST_ROUND_MS ? [`${node}: autopilot has not reported yet`] : [];
  if (ids === null) return differs(`${node}: autopilot healthy`, autopilot.healthy, true);
  const healthy = ids.filter((id) => autopilot.servers.some((server) => server.id === id && server.healthy));
  return differs(`${node}: healthy by autopilot`, healthy.join(), ids.join());
}

/** @param others optional members: nodes that are left out, and earlier ones that are not configured */
function membershipGaps(
  view: NodeView,
  expected: readonly string[],
  neverVote: readonly string[],
  others: readonly string[],
): string[] {
  const voters = view.voters.filter((id) => !others.includes(id)).sort();
  const wanted = expected.filter((id) => !neverVote.includes(id) && !standsBy(view, id));
  const missing = expected.filter((id) => neverVote.includes(id) && ![...view.voters, ...view.nonVoters].includes(id));
  return [
    ...differs(`${view.node}: voters`, voters.join(), wanted.join()).map((gap) => gap + learners(view, wanted)),
    ...missing.map((id) => `${view.node}: ${id} is not in the cluster yet`),
  ];
}

/** If a redundancy zone has a voter, its other nodes are standbys. */
function standsBy({ autopilot, voters, nonVoters }: NodeView, id: string): boolean {
  const zoneOf = (server: string) => autopilot?.servers.find((item) => item.id === server)?.redundancyZone ?? null;
  const zone = zoneOf(id);
  return zone !== null && nonVoters.includes(id) && voters.some((voter) => zoneOf(voter) === zone);
}

/** Members that do not vote yet: autopilot promotes them when they have been healthy for its stabilisation time. */
function learners({ nonVoters, autopilot }: NodeView, wanted: readonly string[]): string {
  const waiting = wanted.filter((id) => nonVoters.includes(id));
  if (waiting.length === 0) return '';
  const sick = waiting.filter((id) => autopilot?.servers.some((server) => server.id === id && !server.healthy));
  const why = sick.length > 0 ? `autopilot reports ${sick.join(', ')} as unhealthy` : 'autopilot will promote them';
  return ` (${waiting.join(', ')} joined as non-voters: ${why})`;
}

export function differs(what: string, actual: unknown, wanted: unknown): string[] {
  return actual === wanted ? [] : [`${what} is ${JSON.stringify(actual)}, expected ${JSON.stringify(wanted)}`];
}
