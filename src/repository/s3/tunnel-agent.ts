import { request } from 'node:http';
import { Agent, type AgentOptions, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { proxyFor, proxyHost, proxyLogin } from '../../contract/proxies';

/** The SDK's default. */
const AS_THE_SDK: AgentOptions = { keepAlive: true, maxSockets: 50 };
const CONNECT_TIMEOUT_MS = 10_000;

type Connected = (error: Error | null, socket: Duplex) => void;

/** Honours HTTPS_PROXY and NO_PROXY; Node's own agents don't. */
export class TunnelAgent extends Agent {
  constructor(options: AgentOptions = {}) {
    super({ ...AS_THE_SDK, ...options });
  }

  override createConnection(options: RequestOptions, connected: Connected): Duplex | null | undefined {
    const target = `${options.host?.includes(':') ? `[${options.host}]` : options.host}:${options.port ?? 443}`;
    const fail = connected as (error: Error) => void;
    let proxy: URL | null;
    try {
      proxy = proxyFor(`https://${target}`, process.env);
    } catch (error) {
      fail(error as Error);
      return undefined;
    }
    if (proxy === null) return super.createConnection(options, connected);
    const tunnel = request({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port || 80,
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...authorization(proxy) },
      agent: false,
      timeout: CONNECT_TIMEOUT_MS,
    });
    const shown = proxyHost(proxy);
    tunnel.once('timeout', () => tunnel.destroy(new Error(`The proxy ${shown} did not answer.`)));
    tunnel.once('error', fail);
    tunnel.once('response', ({ statusCode }) => tunnel.destroy(refusal(shown, statusCode)));
    tunnel.once('connect', ({ statusCode }, socket) => {
      if (statusCode === 200) {
        const secured = super.createConnection({ ...options, socket } as RequestOptions);
        return secured ? connected(null, secured) : undefined;
      }
      socket.destroy();
      return fail(refusal(shown, statusCode));
    });
    tunnel.end();
    return undefined;
  }
}

function refusal(proxy: string, status: number | undefined): Error {
  return new Error(`The proxy ${proxy} (HTTPS_PROXY) refused the connection with ${status}.`);
}

function authorization(proxy: URL): Record<string, string> {
  const login = proxyLogin(proxy);
  if (login === null) return {};
  const text = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  return { 'proxy-authorization': `Basic ${text}` };
}
