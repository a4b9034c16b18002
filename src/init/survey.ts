import { hostOf } from '../contract/addresses';
import { DrError, isDrError } from '../contract/failures';
import type { Method } from '../contract/method';
import { printable } from '../contract/printable';
import { type Product, productName, productOf } from '../contract/product';
import { VaultClient, type VaultEndpoint } from '../vault/client';
import { type FoundNode, otherNodes, raftNodes } from './nodes';

/** How a cluster is reached. The token is sent to the address that the operator gave, and to no other. */
export interface Access {
  address: string;
  caPem?: string;
  clientCertificate?: VaultEndpoint['clientCertificate'];
  token: string;
}

export interface Survey {
  product: Product | null;
  version: string | null;
  sealType: string;
  /** Shares that unseal it; null with an auto-unseal seal. */
  shares: { threshold: number; of: number } | null;
  storage: string;
  method: Method;
  /** Why that method. */
  why: string;
  nodes: FoundNode[];
}

const METHODS: Record<string, { method: Method; why: string }> = {
  raft: { method: 'raft', why: 'integrated storage: a snapshot, while the cluster serves' },
  consul: { method: 'consul', why: 'Vault stores in Consul: a snapshot of Consul, while the cluster serves' },
  file: { method: 'filesystem', why: 'storage "file" has no snapshots: Vault is stopped for a copy of its files' },
};
const PROBE_TIMEOUT_MS = 5_000;

/** Without a name yet, it is named by its address. */
export function clientFor(access: Access): VaultClient {
  return new VaultClient(endpointOf(access, access.address), { token: access.token });
}

function endpointOf({ address, caPem, clientCertificate }: Access, node: string): VaultEndpoint {
  return { node, address, ...(caPem === undefined ? {} : { caPem }), ...(clientCertificate && { clientCertificate }) };
}

/**
 * What the cluster says of itself; changes nothing.
 * @throws DrError VaultUnavailable, PermissionDenied, or VaultRefused with what stands against it
 */
export async function survey(vault: VaultClient): Promise<Survey> {
  const [status, health] = [await vault.sealStatus(), await vault.health()];
  if (!status.initialized || status.sealed) {
    throw new DrError('VaultUnavailable', `${vault.address} is ${status.initialized ? 'sealed' : 'not initialised'}.`, {
      where: vault.address,
      advice: 'Unseal it, or use the address of a node that is unsealed.',
    });
  }
  // Earlier versions don't say it, and had no other storage that is of use here.
  const storage = printable(status.storageType ?? 'raft');
  const known = Object.hasOwn(METHODS, storage) ? METHODS[storage] : undefined;
  if (known === undefined) {
    throw new DrError('VaultRefused', `Vault stores in '${storage}', of which vault-dr can make no backup.`, {
      where: vault.address,
      advice: 'It knows integrated storage (raft), consul and file.',
    });
  }
  const nodes = await nodesOf(vault, known.method);
  return {
    product: health.product ?? productOf(status.version, false),
    version: status.version === undefined ? null : printable(status.version),
    sealType: printable(status.type),
    shares: status.recoverySeal || status.type !== 'shamir' ? null : { threshold: status.t, of: status.n },
    storage,
    ...known,
    nodes,
  };
}

async function nodesOf(vault: VaultClient, method: Method): Promise<FoundNode[]> {
  const statuses = (await vault.haStatus()) ?? [];
  const nodes = method === 'raft' ? raftNodes(await vault.raftConfiguration(), statuses) : otherNodes(statuses);
  if (nodes.length > 0) return nodes;
  const { address } = vault;
  return [{ name: 'vault-1', address, clusterAddress: `${hostInUrl(address)}:8201` }];
}

/** Where a node may be reached of which the cluster says only its cluster address. */
export function guessAddress({ clusterAddress }: FoundNode, asked: string): string {
  const { protocol, port } = new URL(asked);
  const host = clusterAddress.slice(0, clusterAddress.lastIndexOf(':'));
  return `${protocol}//${host}${port === '' ? '' : `:${port}`}`;
}

/** Why a node is no use at its address, as seen from here; null when it serves. No token is sent. */
export async function problemAt(address: string, name: string, access: Access): Promise<string | null> {
  const endpoint = endpointOf({ ...access, address }, name);
  const vault = new VaultClient(endpoint, { timeoutMs: PROBE_TIMEOUT_MS });
  try {
    const { initialized, sealed } = await vault.sealStatus();
    if (!initialized) return `${name} is not initialised.`;
    return sealed ? `${name} is sealed.` : null;
  } catch (error) {
    if (!isDrError(error)) throw error;
    return error.message;
  } finally {
    await vault.close();
  }
}

/** A line for the screen. */
export function inWords({ product, version, sealType, shares, storage, nodes }: Survey): string {
  const seal = shares ? `${sealType} seal, ${shares.threshold} of ${shares.of} shares` : `auto-unseal (${sealType})`;
  const count = nodes.length === 1 ? '1 node' : `${nodes.length} nodes`;
  return `${productName(product)} ${version ?? '(version not shown)'}, ${seal}, storage ${storage}, ${count}`;
}

function hostInUrl(address: string): string {
  const host = hostOf(new URL(address));
  return host.includes(':') ? `[${host}]` : host;
}
