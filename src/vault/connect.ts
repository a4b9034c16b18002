import { readFile } from 'node:fs/promises';
import type { ClusterConfig, NodeConfig } from '../config/schema';
import { DrError } from '../contract/failures';
import { VaultClient } from './client';

export async function caPemOf(cluster: ClusterConfig): Promise<string | undefined> {
  if (!cluster.tls) return undefined;
  try {
    return await readFile(cluster.tls.caFile, 'utf8');
  } catch (error) {
    throw new DrError('InvalidConfiguration', `tls.caFile ${cluster.tls.caFile} can't be read.`, { cause: error });
  }
}

/** Client for a node at its own address: never a load balancer, never through a redirect. */
export async function connectToNode(cluster: ClusterConfig, node: NodeConfig, token?: string): Promise<VaultClient> {
  return connect(cluster, node, node.address, token);
}

/** Client for the Vault on this very host; TLS is still checked against the host of its address. */
export async function connectLocally(cluster: ClusterConfig, node: NodeConfig, token?: string): Promise<VaultClient> {
  return connect(cluster, node, node.localAddress ?? loopbackOf(node.address), token);
}

async function connect(
  cluster: ClusterConfig,
  node: NodeConfig,
  address: string,
  token?: string,
): Promise<VaultClient> {
  const caPem = await caPemOf(cluster);
  return new VaultClient(
    {
      node: node.name,
      address,
      servername: new URL(node.address).hostname,
      ...(caPem === undefined ? {} : { caPem }),
    },
    token === undefined ? {} : { token },
  );
}

function loopbackOf(address: string): string {
  const url = new URL(address);
  url.hostname = '127.0.0.1';
  return url.origin;
}
