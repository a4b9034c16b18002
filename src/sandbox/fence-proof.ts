import { isIP } from 'node:net';
import { printable } from '../contract/printable';
import type { FenceReport, Reached } from './orders';

/** What a system says that has no way to an address. */
const NO_WAY_OUT = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/**
 * Why a fence is not proved, as parts of a sentence; empty if it is. Silence proves nothing: a firewall that drops packets
 * today may let them pass tomorrow.
 * @param probed how many targets were asked for: none may be left out
 */
export function fenceProblems({ interfaces, routes, seen, reached }: FenceReport, probed: number): string[] {
  const links = [...new Set([...interfaces, ...routes])].filter((name) => name !== 'lo');
  return [
    ...(links.length === 0 ? [] : [`it has the network interface ${links.map(printable).join(', ')}`]),
    ...(seen.length === 0 ? [] : [`it can see ${seen.map(printable).join(', ')} of this host`]),
    ...reached.filter((target) => !isCutOff(target)).map(problemOf),
    ...(reached.length === probed ? [] : [`${reached.length} of ${probed} targets were tried`]),
  ];
}

/** Its own loopback is not that of the host; nothing listens there. */
function isCutOff({ host, outcome }: Reached): boolean {
  if (NO_WAY_OUT.has(outcome)) return true;
  return outcome === 'ECONNREFUSED' && isLoopback(host);
}

function isLoopback(host: string): boolean {
  return isIP(host) === 4 ? host.startsWith('127.') : host === '::1';
}

function problemOf({ host, port, outcome }: Reached): string {
  const place = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  if (outcome === 'connected') return `it reaches ${place}`;
  if (outcome === 'ECONNREFUSED') return `it reaches ${place}, which refuses the connection`;
  return `${place} gave no proof that it is out of reach (${printable(outcome)})`;
}
