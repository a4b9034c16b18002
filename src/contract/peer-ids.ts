import type { NodePlan } from './plan';

type Known = Pick<NodePlan, 'nodeId' | 'clusterAddress'>;

/**
 * The configured node id of a peer. If none is set, Vault generates one, and a new one in a blank directory; then the
 * cluster address identifies the node. Vault does not allow two peers with the same address.
 */
export function configuredId({ id, address }: { id: string; address: string }, nodes: readonly Known[]): string {
  if (nodes.some(({ nodeId }) => nodeId === id)) return id;
  return nodes.find(({ clusterAddress }) => clusterAddress === address)?.nodeId ?? id;
}
