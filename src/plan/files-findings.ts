import { formatCount } from '../contract/format';
import type { Manifest } from '../contract/generation';
import { configuredId } from '../contract/peer-ids';
import type { LiveView, NodePlan, RecoverySettings } from '../contract/plan';
import { holdsData, type NodeInspection } from './evaluate-node';
import { acceptable, type Finding } from './findings';

/** What stands against putting a copy of a single Vault's files in the place of others. */
export function filesFindings(
  { content }: Manifest,
  { nodes, cluster, source }: RecoverySettings,
  inspections: readonly NodeInspection[],
  { leader }: LiveView,
): Finding[] {
  if (content?.method !== 'filesystem' || content.storage !== 'file') return [];
  // Nothing in it says how old it is, as an index of Raft does.
  const kept = leader !== null || cluster !== source ? [] : inspections.filter(holdsData);
  return [
    ...oneNodeFindings(nodes),
    ...kept.map(({ node, report }) =>
      acceptable(
        'lose-newer-data',
        `${node} still has data in ${report?.dataDir.path}, which may be newer than this backup: if Vault is only stopped or sealed, start and unseal it, and nothing is lost`,
      ),
    ),
  ];
}

function oneNodeFindings(nodes: readonly NodePlan[]): Finding[] {
  if (nodes.length === 1) return [];
  return [
    {
      code: 'one-node-storage',
      text: `\`storage "file"\` belongs to a single Vault, and the configuration has ${nodes.length} nodes: restore into a cluster of one node`,
    },
  ];
}

/** What the copy of one node may lack. */
export function filesWarnings({ content, raft }: Manifest, nodes: readonly NodePlan[]): string[] {
  if (content?.method !== 'filesystem') return [];
  const { node, nodeId, storage, lag } = content;
  if (storage === 'file') return [];
  const isPeer = raft.peers.some((peer) => peer.id === nodeId || configuredId(peer, nodes) === node);
  return [
    ...(lag === null
      ? [`not known: how many entries ${node} was behind the leader when it was stopped and copied; those are missing`]
      : []),
    ...(lag !== null && lag > 0
      ? [
          `${node} was ${formatCount(lag, 'entry', 'entries')} behind the leader when it was stopped and copied: what they wrote is missing as well`,
        ]
      : []),
    ...(nodeId === null || isPeer
      ? []
      : [
          `the copied data does not have ${node} (${nodeId}) among the members of its cluster: it was removed before, so its data may be much older than the backup`,
        ]),
  ];
}
