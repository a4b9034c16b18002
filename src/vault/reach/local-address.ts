import { isLoopbackHost, portOf, socketPathOf } from '../../contract/addresses';
import { addressOf, type Listener } from './listener';

/** The addresses of a node in our configuration. */
export interface NodeAddresses {
  address: string;
  localAddress?: string | undefined;
}

export interface LocalAddress {
  address: string;
  /** From `localAddress`, from a listener of its Vault, or from neither: the loopback, with the port of `address`. */
  from: 'localAddress' | 'listener' | 'address';
}

/**
 * The address at which an agent reaches the Vault of its host: as configured, or where Vault listens (preferably on the
 * loopback; on a unix socket only if there is nothing else), or, if that is unknown, on the loopback.
 * @param listeners null when Vault's configuration is not known
 */
export function localAddressOf(node: NodeAddresses, listeners: readonly Listener[] | null): LocalAddress {
  if (node.localAddress !== undefined) return { address: node.localAddress, from: 'localAddress' };
  const port = portOf(new URL(node.address));
  const [best] = (listeners ?? [])
    .filter(({ restrictedBy }) => restrictedBy === null)
    .flatMap((listener) => {
      const address = addressOf(listener);
      return address === null || inClear(address) ? [] : [{ address, rank: rankOf(listener, address, port) }];
    })
    .toSorted((left, right) => left.rank - right.rank);
  return best ? { address: best.address, from: 'listener' } : { address: loopbackOf(node.address), from: 'address' };
}

/** Shares and tokens are sent there. */
export function inClear(address: string): boolean {
  return address.startsWith('http:') && !isLoopbackHost(new URL(address).hostname);
}

/** Prefers the loopback, then listeners that demand no certificate, then the port that clients use. */
function rankOf({ demandsCertificate }: Listener, address: string, port: number): number {
  if (socketPathOf(address) !== null) return 8;
  const url = new URL(address);
  return (isLoopbackHost(url.hostname) ? 0 : 4) + (demandsCertificate ? 2 : 0) + (portOf(url) === port ? 0 : 1);
}

function loopbackOf(address: string): string {
  const url = new URL(address);
  if (!isLoopbackHost(url.hostname)) url.hostname = '127.0.0.1';
  return url.origin;
}
