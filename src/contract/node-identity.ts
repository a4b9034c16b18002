import type { RaftStorage } from './host';
import type { NodePlan } from './plan';

/**
 * Whose data lies in a data directory, judged by the peers that it names.
 * @returns how it contradicts the configuration, to follow the path of the directory; null when it doesn't, or is blank.
 */
export function identityProblem(
  { nodeId, peers, seal }: RaftStorage,
  own: Pick<NodePlan, 'nodeId'>,
  nodes: readonly Pick<NodePlan, 'nodeId' | 'clusterAddress'>[],
): string | null {
  if (seal === null) return null;
  if (nodeId !== null && nodeId !== own.nodeId) return `holds the data of the node '${nodeId}', not of '${own.nodeId}'`;
  if (peers.length === 0) return null;
  const known = peers.some(
    (peer) =>
      nodes.some((node) => node.nodeId === peer.id) && nodes.some((node) => node.clusterAddress === peer.address),
  );
  if (known) return null;
  const names = peers.map((peer) => `${peer.id} (${peer.address})`).join(', ');
  return `holds the data of another cluster, with the peers ${names}`;
}
