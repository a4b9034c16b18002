import { readFile } from 'node:fs/promises';
import { hostOf } from '../contract/addresses';
import { refuseIfReadByAll } from '../config/exposures';
import type { ClusterConfig, NodeConfig } from '../config/schema';
import { readSecret } from '../config/secret';
import { DrError } from '../contract/failures';
import { VaultClient, type VaultClientOptions, type VaultEndpoint } from './client';
import { readServerConfig, type ServerConfig } from './config/vault-config';
import { localAddressOf } from './reach/local-address';

export async function caPemOf(cluster: ClusterConfig): Promise<string | undefined> {
  const file = cluster.tls?.caFile;
  return file === undefined ? undefined : readPem(file, 'tls.caFile');
}

/** The client certificate for a node that requires one, read each time, because it is rotated. */
export async function clientCertificateOf(
  cluster: ClusterConfig,
  node: NodeConfig,
): Promise<VaultEndpoint['clientCertificate']> {
  const { certificateFile, key } = node.tls ?? cluster.tls ?? {};
  if (certificateFile === undefined || key === undefined) return undefined;
  if ('file' in key) await refuseIfReadByAll(key.file, 'tls.key');
  const keyPem = await readSecret(key, 'tls.key');
  return { certificatePem: await readPem(certificateFile, 'tls.certificateFile'), keyPem };
}

export async function readPem(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new DrError(
      'InvalidConfiguration',
      `${what} ${file} can't be read (${(error as NodeJS.ErrnoException).code ?? 'failed'}).`,
      { cause: error },
    );
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

/**
 * Client for the Vault on this very host; TLS is still checked against the host of its address.
 * @param known its own configuration; read from `configFiles` where it isn't given
 */
export async function connectLocally(
  cluster: ClusterConfig,
  node: NodeConfig,
  options?: VaultClientOptions,
  known?: ServerConfig | null,
): Promise<VaultClient> {
  const server = known === undefined ? await readServerConfig(node.configFiles) : known;
  return new VaultClient(await localEndpoint(cluster, node, server), options);
}

/** The same without a client. */
export async function localEndpoint(
  cluster: ClusterConfig,
  node: NodeConfig,
  server: ServerConfig | null,
): Promise<VaultEndpoint> {
  return endpointAt(cluster, node, localAddressOf(node, server?.listeners ?? null).address);
}

async function connect(
  cluster: ClusterConfig,
  node: NodeConfig,
  address: string,
  options: VaultClientOptions = {},
  more: Partial<VaultEndpoint> = {},
): Promise<VaultClient> {
  return new VaultClient({ ...(await endpointAt(cluster, node, address)), ...more }, options);
}

async function endpointAt(cluster: ClusterConfig, node: NodeConfig, address: string): Promise<VaultEndpoint> {
  const caPem = await caPemOf(cluster);
  // A socket, and the loopback without TLS, have no certificates on either side.
  const clientCertificate = address.startsWith('https:') ? await clientCertificateOf(cluster, node) : undefined;
  return {
    node: node.name,
    address,
    servername: hostOf(new URL(node.address)),
    ...(caPem === undefined ? {} : { caPem }),
    ...(clientCertificate && { clientCertificate }),
  };
}
