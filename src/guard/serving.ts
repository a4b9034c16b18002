import type { Serving, ServingState, ServingWanted } from '../contract/guard';

/** A leader that is too new has no report of autopilot yet. If there is none by then, autopilot is turned off. */
const FIRST_REPORT_MS = 12_000;
const MOST_GAPS = 50;

/** The cluster as seen through one node. */
export interface ServingView {
  node: string;
  nodeId: string;
  /** Why it can't be seen through this node; null if it can. */
  problem: string | null;
  /** Null in what can't be seen, and where the listener redacts it. */
  version: string | null;
  clusterId: string | null;
  removed: boolean;
  leads: boolean;
  /** Node ids; null without Raft. */
  voters: string[] | null;
  nonVoters: string[];
  autopilot: { healthy: boolean; unhealthy: string[]; lastIndex: number | null } | null;
  /** Why the canary is not the one that is wanted. */
  canaryProblem: string | null;
}

/** @param waitedMs since the first look */
export function servingOf(views: readonly ServingView[], wanted: ServingWanted, waitedMs: number): Serving {
  const state = stateOf(views);
  const answering = views.filter(({ problem }) => problem === null);
  const gaps = [
    ...views.flatMap(({ node, problem }) => (problem === null ? [] : [`${node}: ${problem}`])),
    ...answering.flatMap((view) => [...identityGaps(view, wanted, state), ...membershipGaps(view, wanted)]),
    ...versionGaps(answering, wanted.version),
    ...leaderGaps(answering),
    ...autopilotGaps(answering, wanted, waitedMs),
    ...logGaps(state, wanted),
    ...answering.flatMap(({ node, canaryProblem }) => (canaryProblem === null ? [] : [`${node}: ${canaryProblem}`])),
  ];
  return { gaps: [...new Set(gaps)].slice(0, MOST_GAPS), state };
}

/** What the same cluster must be after a change. @param version null: any */
export function wantedAfter(state: ServingState, more: Pick<ServingWanted, 'version' | 'canary'>): ServingWanted {
  const { clusterId, raftIndex, voters } = state;
  return { clusterId, raftIndex, voters, ...more };
}

function stateOf(views: readonly ServingView[]): ServingState {
  const leaders = views.filter(({ leads }) => leads);
  const [leader] = leaders;
  const told = leader ?? views.find(({ problem }) => problem === null);
  return {
    clusterId: told?.clusterId ?? null,
    versions: Object.fromEntries(views.flatMap(({ node, version }) => (version === null ? [] : [[node, version]]))),
    leader: leaders.length === 1 ? (leader?.node ?? null) : null,
    voters: (told?.voters ?? []).toSorted(),
    raftIndex: told?.autopilot?.lastIndex ?? null,
  };
}

function identityGaps(view: ServingView, wanted: ServingWanted, state: ServingState): string[] {
  const { node, clusterId, removed } = view;
  const expected = wanted.clusterId ?? state.clusterId;
  return [
    ...(removed ? [`${node}: it was removed from the cluster`] : []),
    ...(clusterId === expected
      ? []
      : [`${node}: its cluster id is ${clusterId ?? 'unknown'}, expected ${expected ?? 'none'}`]),
  ];
}

function membershipGaps({ node, nodeId, voters, nonVoters }: ServingView, wanted: ServingWanted): string[] {
  if (voters === null) return wanted.voters.length === 0 ? [] : [`${node}: it does not say who votes`];
  const isMember = voters.includes(nodeId) || nonVoters.includes(nodeId);
  const missing = wanted.voters.filter((id) => !voters.includes(id));
  return [
    ...(isMember ? [] : [`${node}: it is not in the cluster yet`]),
    ...missing.map((id) =>
      nonVoters.includes(id) ? `${id} has joined, and does not vote yet` : `${id} votes no longer`,
    ),
  ];
}

function versionGaps(views: readonly ServingView[], wanted: string | null): string[] {
  if (wanted !== null) {
    return views
      .filter(({ version }) => version !== wanted)
      .map(({ node, version }) => `${node}: it runs ${version ?? 'an unknown version'}, expected ${wanted}`);
  }
  const byVersion = new Map<string, string[]>();
  for (const { node, version } of views) {
    const key = version ?? 'unknown';
    byVersion.set(key, [...(byVersion.get(key) ?? []), node]);
  }
  if (byVersion.size < 2) return [];
  const found = [...byVersion].map(([version, nodes]) => `${version} on ${nodes.join(', ')}`);
  return [`the nodes run different versions: ${found.join('; ')}`];
}

function leaderGaps(views: readonly ServingView[]): string[] {
  const leaders = views.filter(({ leads }) => leads).map(({ node }) => node);
  if (leaders.length === 1) return [];
  return [leaders.length === 0 ? 'no node leads' : `several nodes lead: ${leaders.join(', ')}`];
}

function autopilotGaps(views: readonly ServingView[], wanted: ServingWanted, waitedMs: number): string[] {
  const leader = views.find(({ leads }) => leads);
  if (leader === undefined || leader.voters === null) return [];
  const { autopilot } = leader;
  if (autopilot === null) {
    const isAwaited = wanted.raftIndex !== null || waitedMs < FIRST_REPORT_MS;
    return isAwaited ? ['autopilot has not reported yet'] : [];
  }
  if (autopilot.healthy) return [];
  const { unhealthy } = autopilot;
  return [`autopilot reports the cluster as unhealthy${unhealthy.length === 0 ? '' : `: ${unhealthy.join(', ')}`}`];
}

function logGaps({ raftIndex }: ServingState, wanted: ServingWanted): string[] {
  if (wanted.raftIndex === null || raftIndex === null || raftIndex >= wanted.raftIndex) return [];
  return [`the log ends at entry ${raftIndex}, and ended at ${wanted.raftIndex} before: writes are lost`];
}
