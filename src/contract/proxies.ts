import { hostOf, isLoopbackHost, portOf } from './addresses';
import { DrError } from './failures';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for an `https:` address according to `HTTPS_PROXY` and `NO_PROXY`, in either case: a tunnel with CONNECT.
 * Null for none; connections to this host never use one, nor do those to nodes of Vault.
 * @throws DrError InvalidConfiguration
 */
export function proxyFor(address: string, env: Environment): URL | null {
  const value = env['https_proxy'] || env['HTTPS_PROXY'];
  const url = new URL(address);
  if (!value || isLoopbackHost(url.hostname)) return null;
  const excepted = (env['no_proxy'] || env['NO_PROXY'] || '').split(/[\s,]+/).filter(Boolean);
  if (excepted.some((entry) => isExcepted(entry.toLowerCase(), hostOf(url), portOf(url)))) return null;
  const text = value.includes('://') ? value : `http://${value}`;
  // Not the value: it may contain a password.
  if (URL.canParse(text) && new URL(text).protocol === 'http:') return new URL(text);
  throw new DrError('InvalidConfiguration', 'HTTPS_PROXY is no proxy that vault-dr can use.', {
    advice:
      'It must be http://HOST:PORT, with USER:PASSWORD@ before the host if required; or remove it from the environment.',
  });
}

/** `*`, a host with its subdomains, an address, a range of IPv4 addresses; all but the last optionally with a port. */
function isExcepted(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isInRange(entry, host);
  const [, bracketed, portOfAddress] = /^\[(.+)\](?::(\d+))?$/.exec(entry) ?? [];
  const [, plain, portOfName] = /^([^:]+)(?::(\d+))?$/.exec(entry) ?? [];
  const only = portOfAddress ?? portOfName;
  if (only !== undefined && Number(only) !== port) return false;
  const name = (bracketed ?? plain ?? entry).replace(/^\*?\./, '').replace(/\.$/, '');
  return host === name || (!/^[\d.]+$|:/.test(host) && host.endsWith(`.${name}`));
}

function isInRange(range: string, host: string): boolean {
  const [network = '', length = ''] = range.split('/');
  const [left, right] = [numberOf(network), numberOf(host)];
  const bits = 32 - Number(length);
  if (left === null || right === null || !/^\d{1,2}$/.test(length) || bits < 0) return false;
  return Math.floor(left / 2 ** bits) === Math.floor(right / 2 ** bits);
}

function numberOf(address: string): number | null {
  const parts = address.split('.').map(Number);
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(address) || parts.some((part) => part > 255)) return null;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

/** `host:port` of a proxy. */
export function proxyHost(proxy: URL): string {
  return `${proxy.hostname}:${proxy.port || '80'}`;
}

/** User and password for the proxy, if it needs them. */
export function proxyLogin({ username, password }: URL): { username: string; password: string } | null {
  if (username === '') return null;
  return { username: decodeURIComponent(username), password: decodeURIComponent(password) };
}
