import { clusterOf } from './load';
import type { Config } from './schema';

export interface NamedKey {
  name: string;
  /** As it is configured; nothing was checked. */
  publicKey: string;
}

/** Those by which agents and sandbox hosts are known to people of a cluster, sandbox hosts by name. */
export function publicKeysOf(config: Config, cluster: string): { nodes: NamedKey[]; sandboxHosts: NamedKey[] } {
  return {
    nodes: clusterOf(config, cluster).nodes.flatMap(({ name, agentPublicKey }) => keyOf(name, agentPublicKey)),
    sandboxHosts: Object.entries(config.sandboxHosts)
      .flatMap(([name, { publicKey }]) => keyOf(name, publicKey))
      .toSorted((one, other) => (one.name < other.name ? -1 : 1)),
  };
}

function keyOf(name: string, publicKey: string | undefined): NamedKey[] {
  return publicKey === undefined ? [] : [{ name, publicKey }];
}
