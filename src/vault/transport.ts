import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { Readable } from 'node:stream';
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import type { Agent, Dispatcher } from 'undici';
import { hostOf, socketPathOf } from '../contract/addresses';
import { DrError } from '../contract/failures';
import { toConnectionError, toVaultError } from './errors/vault-error';
import { Gather } from './gather';

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
/** A snapshot comes in many small chunks; the parser is rarely paused while a slow receiver catches up. */
const DOWNLOAD_BUFFER_BYTES = 1024 * 1024;

/** What undici calls it, and what Node's own sockets do. */
const CODES: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'CONNECT_TIMEOUT',
  UND_ERR_HEADERS_TIMEOUT: 'ANSWER_TIMEOUT',
  UND_ERR_BODY_TIMEOUT: 'ANSWER_TIMEOUT',
  UND_ERR_HEADERS_OVERFLOW: 'HPE_HEADER_OVERFLOW',
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ECONNRESET',
  UND_ERR_ABORTED: 'ECONNABORTED',
};

/** HTTP to one node: no redirects, no kept connections (nodes restart meanwhile), a limit on every wait, only DrErrors. */
export class Transport {
  readonly node: string;
  readonly origin: string;
  readonly #endpoint: VaultEndpoint;
  readonly #socketPath: string | null;
  readonly #options: VaultClientOptions;
  readonly #dialect: Dialect;
  readonly #closed = new AbortController();
  #agent: Promise<Agent> | undefined;

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
    const agent = await this.#connections();
    const timeoutMs = call.timeoutMs ?? this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const limit = call.body instanceof Readable ? undefined : AbortSignal.timeout(timeoutMs);
    const signal = this.#signalOf(call.signal, limit);
    try {
      const { statusCode, body } = await agent.request(this.#request(method, path, { ...call, timeoutMs }, signal));
      // What is still to be sent is of no use any more.
      if (call.body instanceof Readable && !call.body.readableEnded) call.body.destroy();
      return { status: statusCode, text: await this.#textOf(body, path, call.longestBytes) };
    } catch (error) {
      if (call.body instanceof Readable) call.body.destroy();
      throw this.#connectionError(error, path, signal);
    }
  }

  /** @returns the body of a success. @throws DrError */
  async send(method: Method, path: string, call: Call = {}): Promise<string> {
    return this.bodyOf(await this.exchange(method, path, call), path, call.secret);
  }

  /** @throws DrError if it is not a success. */
  bodyOf(answer: Answer, path: string, secret?: string): string {
    if (answer.status >= 200 && answer.status < 300) return answer.text;
    throw this.refusal(answer, path, secret);
  }

  /** Any status but 200 is an error. The body fails with a DrError as well. */
  async download(path: string, call: Call): Promise<Download> {
    const agent = await this.#connections();
    const signal = this.#signalOf(call.signal);
    const answer = await new Promise<{ status: number } & Download>((resolve, reject) => {
      agent
        .stream(this.#request('GET', path, call, signal), ({ statusCode, headers }) => {
          const explain = (error: Error) => this.#connectionError(error, path, signal) as Error;
          const body = new Gather(DOWNLOAD_BUFFER_BYTES, explain);
          resolve({ status: statusCode, headers, body });
          return body;
        })
        // Once the answer has begun its body fails with the error.
        .catch((error) => reject(this.#connectionError(error, path, signal)));
    });
    if (answer.status === 200) return answer;
    throw this.refusal({ status: answer.status, text: await this.#textOf(answer.body, path) }, path);
  }

  /** The answer as an error, without the secrets of the request. */
  refusal(answer: Answer, path: string, secret?: string): DrError {
    const secrets = [this.#options.token, secret].filter((item) => item !== undefined && item !== '') as string[];
    const shown = secrets.reduce((rest, item) => rest.replaceAll(item, '[secret]'), answer.text);
    return this.#dialect.toRefusal(answer.status, shown, this.node, withoutQuery(path));
  }

  #connections(): Promise<Agent> {
    this.#agent ??= newAgent(this.#endpoint, this.#socketPath);
    return this.#agent;
  }

  #request(method: Method, path: string, call: Call, signal: AbortSignal): Dispatcher.RequestOptions {
    const { body, timeoutMs = DEFAULT_TIMEOUT_MS } = call;
    const isSentUnchanged = typeof body === 'string' || Buffer.isBuffer(body) || body instanceof Readable;
    return {
      origin: this.#socketPath === null ? this.origin : 'http://localhost',
      path: `/v1/${path}`,
      method,
      headers: this.#dialect.headers(this.#options),
      signal,
      headersTimeout: timeoutMs,
      body: isSentUnchanged ? body : body === undefined ? null : JSON.stringify(body),
    };
  }

  async #textOf(answer: Readable, path: string, longestBytes = LONGEST_ANSWER_BYTES): Promise<string> {
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
    return this.#dialect.toConnectionError(withNodesCode(error), this.node, withoutQuery(path), signal);
  }

  #signalOf(...further: (AbortSignal | undefined)[]): AbortSignal {
    const signals = [this.#closed.signal, this.#options.signal, ...further];
    return AbortSignal.any(signals.filter((signal) => signal !== undefined));
  }
}

async function newAgent(endpoint: VaultEndpoint, socketPath: string | null): Promise<Agent> {
  // An agent or a command that asks no server does without its 20 MiB.
  const undici = await import('undici');
  const connect = undici.buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    maxCachedSessions: 0,
    ...(socketPath === null ? tlsOptions(endpoint) : { socketPath }),
  });
  return new undici.Agent({
    // Each request has a connection of its own.
    pipelining: 0,
    maxHeaderSize: LONGEST_HEADERS_BYTES,
    bodyTimeout: IDLE_TIMEOUT_MS,
    connect: (options, done) =>
      connect(options, (error, socket) => {
        // Without this, the end that follows an alert of TLS takes its place: "other side closed" for a refused certificate.
        socket?.once('error', (alert) => socket.destroy(alert));
        if (error) done(error, null);
        else done(null, socket);
      }),
  });
}

export function withoutQuery(path: string): string {
  return path.split('?', 1)[0] ?? path;
}

function withNodesCode(error: unknown): unknown {
  const { name, code: given = '', message = '' } = (error ?? {}) as { name?: string; code?: string; message?: string };
  // Version 7.30 gives these no code.
  if (name === 'HTTPParserError') return errorOf(message.includes('EOF') ? 'ECONNRESET' : 'HPE_INVALID', error);
  const code = CODES[given];
  return code === undefined ? error : errorOf(code, error);
}

function errorOf(code: string, cause?: unknown): Error {
  return Object.assign(new Error(code, { cause }), { code });
}

/** The certificate must name `servername` even if the connection goes to another host, such as an IP address. */
function tlsOptions(endpoint: VaultEndpoint): ConnectionOptions {
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
