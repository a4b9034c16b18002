import { isIPv6 } from 'node:net';
import { isLoopbackHost } from '../../contract/addresses';

/** Where the server listens, and by what name people reach it. */
export interface Place {
  address: string;
  port: number;
  /** An origin. */
  publicUrl: string | null;
  tls: boolean;
}

/**
 * What the header `Host` may say: otherwise a page of somebody else, whose name begins to point here, could read these.
 * In lower case.
 */
export function allowedHosts({ address, port, publicUrl, tls }: Place): ReadonlySet<string> {
  const names = [isIPv6(address) ? `[${address}]` : address, ...(isLoopbackHost(address) ? ['localhost'] : [])];
  const usual = port === (tls ? 443 : 80);
  const own = names.flatMap((name) => [`${name}:${port}`, ...(usual ? [name] : [])]);
  return new Set([...own, ...(publicUrl === null ? [] : [new URL(publicUrl).host])].map((host) => host.toLowerCase()));
}

/** The address under which people open the pages. */
export function originOf({ address, port, publicUrl, tls }: Place): string {
  const host = isIPv6(address) ? `[${address}]` : address;
  return publicUrl ?? new URL(`${tls ? 'https' : 'http'}://${host}:${port}`).origin;
}
