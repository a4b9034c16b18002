import type { Dispatcher } from 'undici';
import { isLoopbackHost } from '../contract/addresses';
import { isDrError } from '../contract/failures';
import { proxyFor, proxyHost, proxyLogin } from '../contract/proxies';
import { answerProblem, channelProblem, connectionProblem } from './problems';

const CONNECT_TIMEOUT_MS = 5_000;
/** For all of it. */
const TIMEOUT_MS = 20_000;
/** What is answered is not read, only awaited, so that the connection ends in order. */
const LONGEST_ANSWER_BYTES = 64 * 1024;
const LONGEST_HEADERS_BYTES = 16 * 1024;

export interface Request {
  address: string;
  body: string;
  headers: Record<string, string>;
  /** CA of the server's certificate; default: the system's. */
  caPem?: string | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Posts once, through HTTPS_PROXY if there is one. Follows no redirect, accepts no certificate that is not valid, and reads nothing of
 * the answer but its status.
 * @returns the status of a success. @throws DrError that holds nothing of the address or of the answer
 */
export async function post({ address, body, headers, caPem, signal }: Request): Promise<number> {
  const url = urlOf(address);
  const dispatcher = await dispatcherFor(url, caPem);
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const answer = await dispatcher.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: 'POST',
      headers: { 'user-agent': 'vault-dr', ...headers },
      body,
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
    await answer.body.dump({ limit: LONGEST_ANSWER_BYTES }).catch(() => undefined);
    if (answer.statusCode >= 200 && answer.statusCode < 300) return answer.statusCode;
    throw answerProblem(answer.statusCode);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw isDrError(error) ? error : connectionProblem(error);
  } finally {
    // In order it would wait for answers that may never end.
    await dispatcher.destroy().catch(() => undefined);
  }
}

/** What a secret holds may be anything. */
function urlOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : null;
  const isSafe =
    url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname)));
  if (isSafe && url.username === '' && url.password === '') return url;
  throw channelProblem('its address is no https:// address without a user', {
    retryable: false,
    advice: 'Correct the secret that its `url` names. http:// is accepted for this host only.',
  });
}

async function dispatcherFor(url: URL, caPem: string | undefined): Promise<Dispatcher> {
  const { Agent, ProxyAgent } = await import('undici');
  const tls = { rejectUnauthorized: true, timeout: CONNECT_TIMEOUT_MS, ...(caPem === undefined ? {} : { ca: caPem }) };
  const common = { maxHeaderSize: LONGEST_HEADERS_BYTES, pipelining: 0 };
  const proxy = url.protocol === 'https:' ? proxyFor(url.href, process.env) : null;
  if (proxy === null) return new Agent({ ...common, connect: tls });
  const login = proxyLogin(proxy);
  const token = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
  return new ProxyAgent({
    ...common,
    uri: `http://${proxyHost(proxy)}`,
    requestTls: tls,
    ...(token === null ? {} : { token }),
  });
}
