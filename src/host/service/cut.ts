import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { ClusterConfig, SandboxConfig } from '../../config/schema';
import { isLoopbackHost } from '../../contract/addresses';
import { fenceTargets } from '../../vault/reach/fence-targets';
import type { Cut } from './unit-fence';

/** A proof of more would not say more. */
const MOST_TARGETS = 50;

/**
 * What a fence around the Vault of this host leaves open: the host itself, by all of its addresses, and what the configuration
 * names for its seal. All else that is known must be out of reach: the other nodes, the resolvers, something public.
 */
export async function cutOf(
  { nodes, restore }: Pick<ClusterConfig, 'nodes' | 'restore'>,
  sandbox: Pick<SandboxConfig, 'targets'> = { targets: [] },
): Promise<Cut> {
  const reach = [...ownAddresses(), ...restore.quietReach];
  const open = listOf(reach);
  const { targets } = await fenceTargets({ nodes }, sandbox);
  const closed = targets.filter(({ host }) => isIP(host) > 0 && !host.includes('%') && !isOpen(open, host));
  return { reach, targets: closed.slice(0, MOST_TARGETS) };
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
  const own = all.filter(({ internal, scopeid }) => !internal && !scopeid).map(({ address }) => address);
  return [...new Set(own)].toSorted();
}

function listOf(reach: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of reach) {
    const [address = '', prefix] = text.split('/');
    list.addSubnet(address, Number(prefix ?? (isIP(address) === 6 ? 128 : 32)), familyOf(address));
  }
  return list;
}

function isOpen(open: BlockList, host: string): boolean {
  return isLoopbackHost(host) || open.check(host, familyOf(host));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
