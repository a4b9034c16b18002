import type { Manifest, RaftPeer } from '../contract/generation';
import type { LiveMember, LiveView, NodePlan } from '../contract/plan';
import type { Product } from '../contract/product';
import { inWordsOf } from '../contract/product';
import { configuredId } from '../contract/peer-ids';
import type { Finding } from './findings';

/** What a plan does with the members of a serving cluster. */
export interface MemberPlan {
  /** Names of permanent non-voters; absent if there are none. */
  nonVoters?: string[];
  /** Node ids of members that are not configured: the plan leaves them alone. */
  bystanders?: string[];
  /** Node ids to remove from the cluster. */
  removePeers?: string[];
}

/** For a cluster that keeps its members, configured or not. */
export function memberPlan(
  nodes: readonly NodePlan[],
  { members = [] }: LiveView,
  removePeers: readonly string[],
): MemberPlan {
  const nonVoters = nodes.filter(({ nodeId }) => isNonVoter(members, nodeId)).map(({ name }) => name);
  const bystanders = unnamed(nodes, members)
    .map(({ nodeId }) => nodeId)
    .filter((id) => !removePeers.includes(id));
  return {
    ...(nonVoters.length > 0 ? { nonVoters } : {}),
    ...(bystanders.length > 0 ? { bystanders } : {}),
    ...(removePeers.length > 0 ? { removePeers: [...removePeers] } : {}),
  };
}

/** For a cluster that is rebuilt: permanent non-voters, known by their node ids in the backup, join as such again. */
export function knownNonVoters(nodes: readonly NodePlan[], { raft }: Manifest): MemberPlan {
  const known = raft.peers.filter(({ id }) => raft.nonVoters?.includes(id)).map((peer) => configuredId(peer, nodes));
  const ids = [...known, ...(raft.nonVoters ?? [])];
  const nonVoters = nodes.filter(({ nodeId }) => ids.includes(nodeId)).map(({ name }) => name);
  return nonVoters.length > 0 ? { nonVoters } : {};
}

/** What people should know about members outside a plan, and how to remove dead ones. */
export function memberWarnings(
  nodes: readonly NodePlan[],
  { members = [] }: LiveView,
  { removePeers = [] }: MemberPlan,
  product: Product | null | undefined,
): string[] {
  return unnamed(nodes, members)
    .filter(({ nodeId }) => !removePeers.includes(nodeId))
    .map((member) => {
      const { nodeId, address, voter } = member;
      const who = `${nodeId} (${address}) is a ${voter ? 'voter' : 'non-voter'} that the configuration does not name`;
      if (!isDead(member)) return `${who}: it is not part of this; if it is yours, add it to \`nodes\``;
      const counts = voter ? ', but it counts for the quorum' : '';
      return inWordsOf(
        product,
        `${who}; autopilot reports it as dead${counts}: if it is lost for good, plan again with --remove-peer ${nodeId}, or run \`vault operator raft remove-peer ${nodeId}\` by hand`,
      );
    });
}

/** Only dead members are removed: one that answers is not lost. */
export function removalFindings(
  nodes: readonly NodePlan[],
  { members, mayRemovePeers, login, problem }: LiveView,
  removePeers: readonly string[],
): Finding[] {
  if (removePeers.length === 0) return [];
  if (members === undefined) {
    const why = login === true ? 'its members are unknown' : (problem ?? 'no login');
    return [{ code: 'members-unknown', text: `no peer can be removed from the cluster: ${why}` }];
  }
  if (mayRemovePeers === false) {
    return [
      {
        code: 'remove-peer-policy',
        text: 'the policy of the login lacks "update" on sys/storage/raft/remove-peer, so no peer can be removed',
      },
    ];
  }
  return removePeers.flatMap((id): Finding[] => {
    const member = members.find(({ nodeId }) => nodeId === id);
    if (!member) {
      return [
        {
          code: 'not-a-member',
          text: `'${id}' is not a member of the cluster (members: ${ids(members)}): omit it from --remove-peer`,
        },
      ];
    }
    const named = nodes.find(({ nodeId }) => nodeId === id);
    if (named) {
      return [
        {
          code: 'peer-configured',
          text: `'${id}' is ${named.name} in the configuration: rebuild it (\`vault-dr rebuild-node\`), or remove it from the configuration first`,
        },
      ];
    }
    return isDead(member)
      ? []
      : [{ code: 'peer-alive', text: `autopilot reports '${id}' as alive, so it is not removed: stop it first` }];
  });
}

/** A disk records who did not vote, but not whether that was permanent: it is reported, and they join as voters. */
export function formerNonVoterWarnings(nodes: readonly NodePlan[], peers: readonly RaftPeer[]): string[] {
  const names = nodes.filter(({ nodeId }) =>
    peers.some(({ id, suffrage }) => id === nodeId && suffrage === 'nonvoter'),
  );
  return names.map(
    ({ name }) =>
      `${name} was a non-voter according to the surviving disk: it joins as a voter; if it was a permanent non-voter, demote it afterwards`,
  );
}

export interface Quorum {
  voters: number;
  needed: number;
  /** Node ids of the voters that serve without the node. */
  serving: string[];
}

/**
 * Whether the serving voters, configured or not, have a quorum while a node is rebuilt. If the members are unknown,
 * every configured node counts as a voter.
 */
export function quorumWithout(
  node: NodePlan | undefined,
  nodes: readonly NodePlan[],
  { members, voters, serving }: LiveView,
  removePeers: readonly string[],
): Quorum {
  const up = nodes.filter(({ name }) => serving.includes(name)).map(({ nodeId }) => nodeId);
  const known = members?.filter((member) => member.voter && !removePeers.includes(member.nodeId));
  const count = known?.length ?? Math.max(voters.length, nodes.length);
  const named = nodes.map(({ nodeId }) => nodeId);
  const others = (known ?? []).filter((member) => !named.includes(member.nodeId) && member.alive === true);
  const all = [
    ...up.filter((id) => known === undefined || known.some((member) => member.nodeId === id)),
    ...others.map(({ nodeId }) => nodeId),
  ];
  return { voters: count, needed: Math.floor(count / 2) + 1, serving: all.filter((id) => id !== node?.nodeId) };
}

/** If autopilot does not know, nobody counts as dead. */
export function isDead({ alive }: LiveMember): boolean {
  return alive === false;
}

function isNonVoter(members: readonly LiveMember[], nodeId: string): boolean {
  return members.some((member) => member.nodeId === nodeId && member.neverVotes);
}

function unnamed(nodes: readonly NodePlan[], members: readonly LiveMember[]): LiveMember[] {
  return members.filter((member) => !nodes.some(({ nodeId }) => nodeId === member.nodeId));
}

function ids(members: readonly LiveMember[]): string {
  return members.map(({ nodeId }) => nodeId).join(', ') || 'none';
}
