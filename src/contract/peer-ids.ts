import type { NodePlan } from './plan';

type Known = Pick<NodePlan, 'nodeId' | 'clusterAddress'>;

/**
 * The node id that the configuration has for a peer. Where Vault is given none it makes one of its own, which a blank directory
 * makes again: then the cluster address says which node it is. Vault lets no two peers have the same.
 */
export function configuredId({ id, address }: { id: string; address: string }, nodes: readonly Known[]): string {
  if (nodes.some(({ nodeId }) => nodeId === id)) return id;
  return nodes.find(({ clusterAddress }) => clusterAddress === address)?.nodeId ?? id;
}
