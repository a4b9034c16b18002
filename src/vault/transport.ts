import { type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { checkServerIdentity } from 'node:tls';
import { hostOf, socketPathOf } from '../contract/addresses';
import { DrError } from '../contract/failures';
import { toConnectionError, toVaultError } from './errors/vault-error';

export interface VaultEndpoint {
  /** Name of the node, for messages. */
  node: string;
  /** `https://host:port` (a path is ignored), or `unix:///path` of a socket, where Vault speaks no TLS. */
  address: string;
  /** CA of the node's certificate; default: the system's. */
  caPem?: string;
  /** Client certificate. */
  clientCertificate?: { certificatePem: string; keyPem: string } | undefined;
  /** Host that the certificate must name, without brackets; default: that of the address. */
  servername?: string;
  /** Accepts any certificate. Only for a Vault whose own operator has configured this; never for a node. */
  skipVerify?: boolean;
}

export interface VaultClientOptions {
  token?: string;
  namespace?: string;
  /** For a whole call, except transfers of a snapshot. Default: 30 seconds. */
  timeoutMs?: number;
  /** Ends every call of this client. */
  signal?: AbortSignal;
}

export interface Call {
  /** Text and bytes are sent unchanged. */
  body?: object | Readable | Buffer | string;
  signal?: AbortSignal | undefined;
  /** For the whole call; for the transfer of a snapshot, the longest silence until the answer begins. */
  timeoutMs?: number | undefined;
  /** Part of the body: must never appear in an error. */
  secret?: string;
  /** Limit of an answer that is read as a whole; default: 4 MiB. */
  longestBytes?: number;
}

export interface Answer {
  status: number;
  text: string;
}

export interface Download {
  body: Readable;
  headers: IncomingHttpHeaders;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** What differs for servers other than Vault. */
export interface Dialect {
  /** Of the server, for messages. */
  product: string;
  headers: (options: VaultClientOptions) => Record<string, string>;
  /** Turns an unsuccessful answer into an error; the text contains no secret. */
  toRefusal: (status: number, text: string, node: string, path: string) => DrError;
  /** An error of the connection; that of the caller's signal or stream unchanged. */
  toConnectionError: (error: unknown, node: string, path: string, signal: AbortSignal) => unknown;
}

const VAULT: Dialect = {
  product: 'Vault',
  headers: ({ token, namespace }) => ({
    'x-vault-request': 'true',
    ...(token === undefined ? {} : { 'x-vault-token': token }),
    ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
  }),
  toRefusal: toVaultError,
  toConnectionError,
};

const DEFAULT_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** Longest silence within an answer. */
const IDLE_TIMEOUT_MS = 60_000;
/** For reading a whole answer that is not a snapshot, from its headers on: one that trickles in is never silent. */
const READ_TIMEOUT_MS = 60_000;
/** Far more than any answer of Vault, except a snapshot. */
const LONGEST_ANSWER_BYTES = 4 * 1024 * 1024;
const LONGEST_HEADERS_BYTES = 16 * 1024;

/**
 * HTTP to one node: no redirects, no kept connections (nodes restart meanwhile), a limit on every wait, only DrErrors.
 * Uses Node's own HTTP, because undici (7.30) reads a snapshot, which arrives in many small chunks, in quadratic time and
 * entirely into memory as soon as the receiver is slower than the network.
 */
export class Transport {
  readonly node: string;
  readonly origin: string;
  readonly #socketPath: string | null;
  readonly #endpoint: VaultEndpoint;
  readonly #options: VaultClientOptions;
  readonly #dialect: Dialect;
  readonly #closed = new AbortController();

  constructor(endpoint: VaultEndpoint, options: VaultClientOptions, dialect: Dialect = VAULT) {
    this.node = endpoint.node;
    this.#socketPath = socketPathOf(endpoint.address);
    this.origin = this.#socketPath === null ? new URL(endpoint.address).origin : endpoint.address;
    this.#endpoint = endpoint;
    this.#options = options;
    this.#dialect = dialect;
  }

  close(): void {
    this.#closed.abort(new DrError('Internal', `The client for ${this.node} was closed during a call.`));
  }

  /** Sends, and reads the whole answer, whatever its status. */
  async exchange(method: Method, path: string, call: Call = {}): Promise<Answer> {
    const timeoutMs = call.timeoutMs ?? this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const limit = call.body instanceof Readable ? undefined : AbortSignal.timeout(timeoutMs);
    const signal = this.#signalOf(call.signal, limit);
    const answer = await this.#open(method, path, { ...call, timeoutMs }, signal);
    return { status: answer.statusCode ?? 0, text: await this.#textOf(answer, path, signal, call.longestBytes) };
  }

  /** Any status but 200 is an error. The body fails with a DrError as well. */
  async download(path: string, call: Call): Promise<Download> {
    const signal = this.#signalOf(call.signal);
    const answer = await this.#open('GET', path, call, signal);
    if (answer.statusCode !== 200) {
      const body = await this.#textOf(answer, path, signal);
      throw this.refusal({ status: answer.statusCode ?? 0, text: body }, path);
    }
    const body = new PassThrough();
    answer.once('error', (error) => body.destroy(this.#connectionError(error, path, signal) as Error));
    body.once('close', () => answer.destroy());
    return { body: answer.pipe(body), headers: answer.headers };
  }

  /** The answer as an error, without the secrets of the request. */
  refusal(answer: Answer, path: string, secret?: string): DrError {
    const secrets = [this.#options.token, secret].filter((item) => item !== undefined && item !== '') as string[];
    const shown = secrets.reduce((rest, item) => rest.replaceAll(item, '[secret]'), answer.text);
    return this.#dialect.toRefusal(answer.status, shown, this.node, withoutQuery(path));
  }

  async #open(method: Method, path: string, call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    try {
      signal.throwIfAborted();
      return await this.#request(method, path, call, signal);
    } catch (error) {
      if (call.body instanceof Readable) call.body.destroy();
      throw this.#connectionError(error, path, signal);
    }
  }

  #request(method: Method, path: string, call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const { body, timeoutMs = DEFAULT_TIMEOUT_MS } = call;
    const headers = this.#dialect.headers(this.#options);
    const secure = this.origin.startsWith('https:');
    const at = this.#socketPath === null ? this.origin : 'http://localhost';
    return new Promise((resolve, reject) => {
      const open = secure ? httpsRequest : httpRequest;
      const options = {
        method,
        headers,
        agent: false,
        signal,
        maxHeaderSize: LONGEST_HEADERS_BYTES,
        ...(this.#socketPath === null ? tlsOptions(this.#endpoint) : { socketPath: this.#socketPath }),
      };
      let patience: NodeJS.Timeout | undefined;
      const request = open(`${at}/v1/${path}`, options, (answer) => {
        clearTimeout(patience);
        request.socket?.setTimeout(IDLE_TIMEOUT_MS);
        resolve(answer);
      });
      // Also ends a wait for headers that trickle in.
      request.once('finish', () => {
        patience = setTimeout(() => request.destroy(errorOf('ANSWER_TIMEOUT')), timeoutMs);
      });
      request.once('close', () => clearTimeout(patience));
      request.on('error', reject);
      request.once('socket', (socket) => {
        let silence = 'CONNECT_TIMEOUT';
        socket.setTimeout(CONNECT_TIMEOUT_MS);
        socket.once(secure ? 'secureConnect' : 'connect', () => {
          silence = 'ANSWER_TIMEOUT';
          socket.setTimeout(timeoutMs);
        });
        socket.on('timeout', () => {
          // Paused: the receiver of the body is slow, not the node.
          if (socket.isPaused()) socket.setTimeout(IDLE_TIMEOUT_MS);
          else request.destroy(errorOf(silence));
        });
      });
      if (body instanceof Readable) send(body, request);
      else
        request.end(
          body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
        );
    });
  }

  async #textOf(
    answer: IncomingMessage,
    path: string,
    signal: AbortSignal,
    longestBytes = LONGEST_ANSWER_BYTES,
  ): Promise<string> {
    const tooSlow = setTimeout(() => answer.destroy(errorOf('ANSWER_TIMEOUT')), READ_TIMEOUT_MS);
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        // Leaving the loop destroys the connection.
        if (bytes > longestBytes) throw this.#tooLong(path, longestBytes);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString('utf8');
    } catch (error) {
      throw this.#connectionError(error, path, signal);
    } finally {
      clearTimeout(tooSlow);
    }
  }

  #tooLong(path: string, longestBytes: number): DrError {
    const limit = `${longestBytes / 1024 / 1024} MiB`;
    return new DrError(
      'VaultUnavailable',
      `${this.node} answered ${withoutQuery(path)} with more than ${limit}; the rest was not read.`,
      {
        where: this.node,
        advice: `${this.#dialect.product}'s answers are never that long. Find out what listens on ${this.origin}.`,
      },
    );
  }

  #connectionError(error: unknown, path: string, signal: AbortSignal): unknown {
    return this.#dialect.toConnectionError(error, this.node, withoutQuery(path), signal);
  }

  #signalOf(...further: (AbortSignal | undefined)[]): AbortSignal {
    const signals = [this.#closed.signal, this.#options.signal, ...further];
    return AbortSignal.any(signals.filter((signal) => signal !== undefined));
  }
}

export function withoutQuery(path: string): string {
  return path.split('?', 1)[0] ?? path;
}

/** A body that fails or ends early fails the request: the node must not take it as complete. */
function send(body: Readable, request: ReturnType<typeof httpRequest>): void {
  let answered = false;
  request.once('response', () => {
    answered = true;
    if (!body.readableEnded) body.destroy();
  });
  body.once('error', (error) => request.destroy(error));
  body.once('close', () => {
    if (!answered && !body.readableEnded) request.destroy(body.errored ?? errorOf('ECONNABORTED'));
  });
  if (body.errored) request.destroy(body.errored);
  else body.pipe(request);
}

function errorOf(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** The certificate must name `servername` even if the connection goes to another host, such as an IP address. */
function tlsOptions(endpoint: VaultEndpoint): RequestOptions {
  const { address, caPem, clientCertificate, skipVerify } = endpoint;
  const servername = endpoint.servername ?? hostOf(new URL(address));
  return {
    ...(skipVerify && { rejectUnauthorized: false }),
    ...(clientCertificate && { cert: clientCertificate.certificatePem, key: clientCertificate.keyPem }),
    ...(caPem === undefined ? {} : { ca: caPem }),
    // Server name indication takes no IP addresses.
    servername: isIP(servername) ? '' : servername,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(servername, certificate),
  };
}
