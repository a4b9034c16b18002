import { getServers } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { ClusterConfig, SandboxConfig } from '../../config/schema';

/** Something that must be out of reach: an address, never a name, which could not be resolved there. */
export interface Target {
  host: string;
  port: number;
}

/** Cloudflare's resolver: as good as any other address that everybody can reach. */
const PUBLIC: readonly Target[] = [
  { host: '1.1.1.1', port: 443 },
  { host: '2606:4700:4700::1111', port: 443 },
];
const DNS_PORT = 53;
const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/**
 * What a fence must keep out of reach: the nodes of the cluster, the resolvers, something public, and what the configuration
 * adds. Names are resolved out here: in the fence nobody could.
 * @returns also the names that have no address here
 */
export async function fenceTargets(
  { nodes }: Pick<ClusterConfig, 'nodes'>,
  { targets }: Pick<SandboxConfig, 'targets'>,
): Promise<{ targets: Target[]; unresolved: string[] }> {
  const named = [
    ...nodes.flatMap(({ address, clusterAddress }) => [apiOf(address), addressParts(clusterAddress)]),
    ...targets.map(addressParts),
  ];
  const resolvers = getServers().map((server) =>
    isIP(server) ? { host: server, port: DNS_PORT } : addressParts(server),
  );
  const found: Target[] = [...PUBLIC, ...resolvers];
  const unresolved: string[] = [];
  for (const { host, port } of named) {
    const addresses = await lookup(host, { all: true }).catch(() => []);
    if (addresses.length === 0) unresolved.push(host);
    found.push(...addresses.map(({ address }) => ({ host: address, port })));
  }
  const distinct = new Map(found.map((target) => [`${target.host} ${target.port}`, target]));
  return { targets: [...distinct.values()], unresolved: [...new Set(unresolved)] };
}

/** @param text host:port, with an IPv6 address in brackets */
export function addressParts(text: string): Target {
  const [, host = '', port = ''] = /^(.*?)(?::(\d+))?$/.exec(text) ?? [];
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port || HTTPS_PORT) };
}

/** A URL does not show the port that its scheme has anyway. */
function apiOf(address: string): Target {
  const { hostname, port, protocol } = new URL(address);
  const byScheme = protocol === 'http:' ? HTTP_PORT : HTTPS_PORT;
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || byScheme) };
}
