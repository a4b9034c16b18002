import { getServers } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { ClusterConfig, SandboxConfig } from '../config/schema';
import type { Target } from './orders';

/** Cloudflare's resolver: as good as any other address that everybody can reach. */
const PUBLIC: readonly Target[] = [
  { host: '1.1.1.1', port: 443 },
  { host: '2606:4700:4700::1111', port: 443 },
];
const DNS_PORT = 53;

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
    ...nodes.flatMap(({ address, clusterAddress }) => [new URL(address).host || address, clusterAddress]),
    ...targets,
  ];
  const resolvers = getServers().map((server) =>
    isIP(server) ? { host: server, port: DNS_PORT } : parseTarget(server),
  );
  const found: Target[] = [...PUBLIC, ...resolvers];
  const unresolved: string[] = [];
  for (const { host, port } of named.map(parseTarget)) {
    const addresses = await lookup(host, { all: true }).catch(() => []);
    if (addresses.length === 0) unresolved.push(host);
    found.push(...addresses.map(({ address }) => ({ host: address, port })));
  }
  const distinct = new Map(found.map((target) => [`${target.host} ${target.port}`, target]));
  return { targets: [...distinct.values()], unresolved: [...new Set(unresolved)] };
}

/** @param text host:port, with an IPv6 address in brackets */
function parseTarget(text: string): Target {
  const [, host = '', port = ''] = /^(.*?)(?::(\d+))?$/.exec(text) ?? [];
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port || 443) };
}
