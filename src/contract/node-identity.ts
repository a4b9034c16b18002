import type { RaftStorage } from './host';
import { configuredId } from './peer-ids';
import type { NodePlan } from './plan';

type Known = Pick<NodePlan, 'nodeId' | 'clusterAddress'>;

/** As Vault makes one where it is given none. */
const GENERATED_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Whose data is in a data directory, according to the peers that it names.
 * @returns how it contradicts the configuration, to follow the path of the directory; null when it doesn't, or is blank.
 */
export function identityProblem(
  { nodeId, peers, seal }: RaftStorage,
  own: Known,
  nodes: readonly Known[],
): string | null {
  if (seal === null) return null;
  if (nodeId !== null && nodeId !== own.nodeId) {
    const self = peers.find(({ id }) => id === nodeId);
    const id = self ? configuredId(self, nodes) : nodeId;
    // One that Vault has made, and that no peer has: the directory is of a time before its last join.
    const isOwn = id === own.nodeId || (self === undefined && GENERATED_ID.test(nodeId));
    if (!isOwn) return `holds the data of node '${id}', not of '${own.nodeId}'`;
  }
  if (peers.length === 0) return null;
  const known = peers.some((peer) => {
    const atOurs = nodes.some(({ clusterAddress }) => clusterAddress === peer.address);
    return atOurs && (GENERATED_ID.test(peer.id) || nodes.some((node) => node.nodeId === peer.id));
  });
  if (known) return null;
  const names = peers.map((peer) => `${peer.id} (${peer.address})`).join(', ');
  return `holds the data of another cluster, with the peers ${names}`;
}
