import { readFile } from 'node:fs/promises';
import type { ClusterConfig, NodeConfig } from '../config/schema';
import { readSecret } from '../config/secret';
import { DrError } from '../contract/failures';
import { VaultClient, type VaultClientOptions, type VaultEndpoint } from './client';

export async function caPemOf(cluster: ClusterConfig): Promise<string | undefined> {
  return cluster.tls ? readPem(cluster.tls.caFile, 'tls.caFile') : undefined;
}

export async function readPem(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new DrError('InvalidConfiguration', `${what} ${file} can't be read.`, { cause: error });
  }
}

/** Client for a node at its own address: never a load balancer, never through a redirect. */
export async function connectToNode(
  cluster: ClusterConfig,
  node: NodeConfig,
  options: VaultClientOptions = {},
): Promise<VaultClient> {
  return connect(cluster, node, node.address, options);
}

/** Client for a login at a node; shows the certificate, if that is the method. */
export async function connectForLogin(cluster: ClusterConfig, node: NodeConfig): Promise<VaultClient> {
  const { auth } = cluster;
  if (auth.method !== 'cert') return connect(cluster, node, node.address);
  const clientCertificate = {
    certificatePem: await readPem(auth.certificateFile, 'auth.certificateFile'),
    keyPem: await readSecret(auth.key, 'auth.key'),
  };
  return connect(cluster, node, node.address, {}, { clientCertificate });
}

/** Client for the Vault on this very host; TLS is still checked against the host of its address. */
export async function connectLocally(
  cluster: ClusterConfig,
  node: NodeConfig,
  options?: VaultClientOptions,
): Promise<VaultClient> {
  return connect(cluster, node, node.localAddress ?? loopbackOf(node.address), options);
}

async function connect(
  cluster: ClusterConfig,
  node: NodeConfig,
  address: string,
  options: VaultClientOptions = {},
  more: Partial<VaultEndpoint> = {},
): Promise<VaultClient> {
  const caPem = await caPemOf(cluster);
  return new VaultClient(
    {
      node: node.name,
      address,
      servername: new URL(node.address).hostname,
      ...(caPem === undefined ? {} : { caPem }),
      ...more,
    },
    options,
  );
}

function loopbackOf(address: string): string {
  const url = new URL(address);
  url.hostname = '127.0.0.1';
  return url.origin;
}
