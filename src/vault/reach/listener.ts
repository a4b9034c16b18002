import { isIP, isIPv4, isIPv6 } from 'node:net';
import { hostOf, portOf, socketPathOf } from '../../contract/addresses';

/** A listener of Vault: the settings that decide who reaches it. */
export interface Listener {
  /** `tcp` or `unix`. */
  type: string;
  address: string | null;
  tlsDisabled: boolean;
  certificateFile: string | null;
  /** `tls_require_and_verify_client_cert`. */
  demandsCertificate: boolean;
  clientCaFile: string | null;
  /** The setting that limits it to a part of the API; null if it serves all of it. */
  restrictedBy: string | null;
}

/** As configured. */
export interface ListenerBlock {
  type: string;
  text: (setting: string) => string | null;
  flag: (setting: string) => boolean | null;
}

type Place = { path: string } | { host: string; port: number } | null;

export function listenerOf({ type, text, flag }: ListenerBlock): Listener {
  return {
    type,
    address: text('address') || null,
    tlsDisabled: type === 'unix' || flag('tls_disable') === true,
    certificateFile: text('tls_cert_file') || null,
    demandsCertificate: type !== 'unix' && flag('tls_require_and_verify_client_cert') === true,
    clientCaFile: text('tls_client_ca_file') || null,
    restrictedBy: restrictionOf(text('role'), text('chroot_namespace')),
  };
}

function restrictionOf(role: string | null, namespace: string | null): string | null {
  if (role === 'metrics_only') return 'role = "metrics_only"';
  return namespace ? 'chroot_namespace' : null;
}

/** As in Vault's configuration, with Vault's own defaults: command/server/listener_tcp.go, listener_unix.go. */
export function shownAddress({ type, address }: Listener): string {
  return address ?? (type === 'unix' ? '/run/vault.sock' : '127.0.0.1:8200');
}

/** Null if only Vault itself can resolve it, such as `{{ GetPrivateIP }}:8200`. */
function placeOf(listener: Listener): Place {
  const text = shownAddress(listener);
  if (listener.type === 'unix') return { path: text };
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:{}]*)):(\d{1,5})$/.exec(text) ?? [];
  if (listener.type !== 'tcp' || port === undefined) return null;
  return { host: normal(bracketed ?? plain ?? ''), port: Number(port) };
}

/** The address at which this host reaches a listener; null if unknown. */
export function addressOf(listener: Listener): string | null {
  const place = placeOf(listener);
  if (place === null) return null;
  if ('path' in place) return place.path.startsWith('/') ? `unix://${place.path}` : null;
  const host = isAny(place.host) ? '127.0.0.1' : place.host;
  const url = `${listener.tlsDisabled ? 'http' : 'https'}://${isIPv6(host) ? `[${host}]` : host}:${place.port}`;
  return URL.canParse(url) ? new URL(url).origin : null;
}

/** Where `proveStopped` checks that nothing listens any more. */
export function socketsOf(listeners: readonly Listener[]): { host: string; port: number }[] {
  return listeners.flatMap((listener) => {
    const address = addressOf(listener);
    if (address === null || socketPathOf(address) !== null) return [];
    const url = new URL(address);
    return [{ host: hostOf(url), port: portOf(url) }];
  });
}

/** Whether a connection to an address ends at this listener; null where that depends on how a name resolves. */
export function isAt(listener: Listener, address: string): boolean | null {
  const place = placeOf(listener);
  if (place === null) return null;
  const socket = socketPathOf(address);
  if ('path' in place) return place.path === socket;
  if (socket !== null) return false;
  const url = new URL(address);
  return portOf(url) === place.port ? hostFits(place.host, destinationOf(url)) : false;
}

function hostFits(bound: string, asked: string): boolean | null {
  if (isAny(bound)) {
    if (asked === 'localhost') return true;
    if (isIP(asked) === 0) return null;
    // Vault binds 0.0.0.0 for IPv4 only, every other form of "all addresses" for both families.
    return bound !== '0.0.0.0' || isIPv4(asked);
  }
  if (bound === asked) return true;
  if (bound === 'localhost' || asked === 'localhost')
    return ['127.0.0.1', '::1'].includes(bound === 'localhost' ? asked : bound);
  return isIP(bound) > 0 && isIP(asked) > 0 ? false : null;
}

function isAny(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::';
}

/** Where a client gets that connects to "any address". */
function destinationOf(url: URL): string {
  const host = normal(hostOf(url));
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

/** Canonical form: `0:0:0:0:0:0:0:1` becomes `::1`, and an IPv4-mapped IPv6 address the IPv4 address. */
function normal(host: string): string {
  if (!isIPv6(host)) return host.toLowerCase().replace(/\.$/, '');
  const short = hostOf(new URL(`http://[${host}]`));
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short) ?? [];
  if (high === undefined || low === undefined) return short;
  const [left, right] = [parseInt(high, 16), parseInt(low, 16)];
  return [left >> 8, left & 255, right >> 8, right & 255].join('.');
}
