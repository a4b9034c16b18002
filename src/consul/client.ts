import type { Readable } from 'node:stream';
import type { z } from 'zod';
import { DrError, isDrError } from '../contract/failures';
import type { Consistency } from '../contract/method';
import { type Answer, type Call, type Dialect, type Method, Transport, withoutQuery } from '../vault/transport';
import {
  conflictSchema,
  type ConsulEntry,
  type ConsulHealth,
  type ConsulServer,
  type ConsulTokenInfo,
  entriesSchema,
  healthSchema,
  keysSchema,
  leaderSchema,
  peersSchema,
  permissionsSchema,
  raftConfigurationSchema,
  selfSchema,
  tokenSchema,
  transactionSchema,
} from './answers';
import { shownOf, toConsulConnectionError, toConsulError } from './errors';

export interface ConsulEndpoint {
  /** `https://host:port`. */
  address: string;
  /** CA of Consul's certificate; without it the system's. */
  caPem?: string | undefined;
  clientCertificate?: { certificatePem: string; keyPem: string } | undefined;
}

export interface ConsulClientOptions {
  /** Goes into a header, and never into a message. */
  token?: string | undefined;
  /** For a whole call, except those that move a snapshot. Default: 30 seconds. */
  timeoutMs?: number;
  /** Ends every call of this client. */
  signal?: AbortSignal;
}

export interface SnapshotDownload {
  /** May end early without an error of HTTP's: verify it. Read it or destroy it. */
  body: Readable;
  /** Of Consul's log, at least; null where Consul does not say. */
  index: number | null;
  /** Whether the server that answered knew a leader. */
  knownLeader: boolean;
  /** Since it last heard from that leader; 0 from the leader itself. */
  lastContactMs: number;
}

/** One step of a transaction; all of them happen, or none. */
export type Operation =
  | { verb: 'get' | 'delete'; key: string }
  | { verb: 'set'; key: string; value: Buffer; flags?: bigint }
  /** Only if the key has not been written since. */
  | { verb: 'cas'; key: string; value: Buffer; index: number; flags?: bigint }
  | { verb: 'delete-cas'; key: string; index: number }
  | { verb: 'check-not-exists'; key: string };

export interface Permission {
  resource: 'acl' | 'operator' | 'key' | 'session' | 'agent' | 'node' | 'service';
  access: 'read' | 'write' | 'list';
  /** What of it: a key, a name. */
  segment?: string;
}

/** Of one transaction: 128 since Consul 1.11, and 64 before. */
export const MOST_OPERATIONS = 64;
/** Of one request: Consul's own limit is 512 KiB for its JSON, in which values are base64. */
export const MOST_REQUEST_BYTES = 512 * 1024;

const TRANSFER_TIMEOUT_MS = 30 * 60_000;
/** Of a transaction that reads: so many values, in base64. */
const LONGEST_TRANSACTION_BYTES = 64 * 1024 * 1024;
/** Of a list of keys: half a million of Vault's. */
const LONGEST_LIST_BYTES = 64 * 1024 * 1024;

const CONSUL: Dialect = {
  product: 'Consul',
  headers: ({ token }): Record<string, string> => (token === undefined ? {} : { 'x-consul-token': token }),
  toRefusal: toConsulError,
  toConnectionError: toConsulConnectionError,
};

/**
 * The HTTP API of one server or agent of Consul. Every failure is a DrError with Consul's own words; a caller's abort rejects with
 * the signal's reason.
 */
export class ConsulClient {
  readonly #http: Transport;

  constructor(endpoint: ConsulEndpoint, { token, ...options }: ConsulClientOptions = {}) {
    const { address, caPem, clientCertificate } = endpoint;
    this.#http = new Transport(
      {
        node: `Consul at ${new URL(address).host}`,
        address,
        ...(caPem === undefined ? {} : { caPem }),
        ...(clientCertificate && { clientCertificate }),
      },
      { ...options, ...(token === undefined ? {} : { token }) },
      CONSUL,
    );
  }

  /** For messages: `Consul at host:port`. */
  get name(): string {
    return this.#http.node;
  }

  get address(): string {
    return this.#http.origin;
  }

  /** Ends what is still under way. */
  close(): void {
    this.#http.close();
  }

  /** `host:port` of the leader's RPC, as this server knows it; null while there is none. Needs no token. */
  async leader(options: { timeoutMs?: number } = {}): Promise<string | null> {
    return this.#ask(leaderSchema, 'GET', 'status/leader', options);
  }

  /** Whether this is the server that leads. */
  async isLeader(options: { timeoutMs?: number } = {}): Promise<boolean> {
    return this.#ask(selfSchema, 'GET', 'agent/self', options);
  }

  /** `host:port` of the RPC of each server. Needs no token. */
  async peers(): Promise<string[]> {
    return this.#ask(peersSchema, 'GET', 'status/peers');
  }

  /** @param stale as this server knows it, also without a leader */
  async servers({ stale = false } = {}): Promise<ConsulServer[]> {
    return this.#ask(raftConfigurationSchema, 'GET', `operator/raft/configuration${stale ? '?stale' : ''}`);
  }

  async health(): Promise<ConsulHealth> {
    // 429 with the same answer where it is not healthy.
    const path = 'operator/autopilot/health';
    const answer = await this.#http.exchange('GET', path);
    if (answer.status !== 200 && answer.status !== 429) throw this.#http.refusal(answer, path);
    return this.#parse(healthSchema, answer.text, path);
  }

  /** The token of this client; null where Consul has no ACLs. @throws DrError AuthenticationFailed for one that it does not know. */
  async selfToken(): Promise<ConsulTokenInfo | null> {
    const path = 'acl/token/self';
    const answer = await this.#http.exchange('GET', path);
    if (hasNoAcls(answer)) return null;
    return this.#parse(tokenSchema, this.#http.bodyOf(answer, path), path);
  }

  /** Whether the token has each of these rights; all of them where Consul has no ACLs. */
  async permissions(wanted: readonly Permission[]): Promise<boolean[]> {
    const path = 'internal/acl/authorize';
    const body = wanted.map(({ resource, access, segment = '' }) => ({
      Resource: resource,
      Access: access,
      Segment: segment,
    }));
    const answer = await this.#http.exchange('POST', path, { body });
    if (hasNoAcls(answer)) return wanted.map(() => true);
    return this.#parse(permissionsSchema, this.#http.bodyOf(answer, path), path);
  }

  /**
   * Of everything in Consul. `default` and `consistent` are answered by the leader, which proves that it leads (Consul 1.14 knows no
   * difference between them for a snapshot); `stale` by this server, with what it has. Ask the leader itself: another server
   * passes the answer on, and under load may lose it ("failed to decode response", seen with 1.14).
   */
  async snapshot(consistency: Consistency, options: TransferOptions = {}): Promise<SnapshotDownload> {
    const { signal, timeoutMs = TRANSFER_TIMEOUT_MS } = options;
    const query = { default: '', consistent: '?consistent', stale: '?stale' }[consistency];
    const { body, headers } = await this.#http
      .download(`snapshot${query}`, { signal, timeoutMs })
      .catch(async (error) => {
        if (isDrError(error)) await this.#throwRefusal();
        throw error;
      });
    const index = Number(headers['x-consul-index']);
    return {
      body,
      index: Number.isSafeInteger(index) && index > 0 ? index : null,
      knownLeader: headers['x-consul-knownleader'] === 'true',
      lastContactMs: Number(headers['x-consul-lastcontact']) || 0,
    };
  }

  /**
   * Replaces everything in Consul, ACL tokens included: the one of this client as well. Returns when the leader has applied it. Ask
   * the leader itself: another server passes the upload on, and may not get the leader's reason where it refuses.
   * An error of the body is rejected with as it is.
   */
  async restoreSnapshot(body: Readable, options: TransferOptions = {}): Promise<void> {
    const { signal, timeoutMs = TRANSFER_TIMEOUT_MS } = options;
    // An error of the body that comes before the upload begins is kept by the stream and found then.
    body.on('error', () => undefined);
    try {
      await this.#assertMayTransfer();
    } catch (error) {
      body.destroy();
      throw error;
    }
    await this.#send('PUT', 'snapshot', { body, signal, timeoutMs });
  }

  /** @returns null when there is no such key. */
  async get(key: string): Promise<ConsulEntry | null> {
    const path = `kv/${encoded(key)}`;
    const answer = await this.#http.exchange('GET', path);
    if (answer.status === 404 && answer.text === '') return null;
    const [entry] = this.#parse(entriesSchema, this.#http.bodyOf(answer, path), path, exactly);
    return entry ?? null;
  }

  /** By itself: for a value that is too large for a transaction, of at most 512 KiB. */
  async put(key: string, value: Buffer, flags = 0n): Promise<void> {
    await this.#send('PUT', `kv/${encoded(key)}?flags=${flags}`, { body: value });
  }

  async remove(key: string): Promise<void> {
    await this.#send('DELETE', `kv/${encoded(key)}`);
  }

  /**
   * Keys below a prefix, in order; none where there is nothing.
   * @param separator instead of what follows it, the key up to it, once: `/` for one level
   */
  async keys(
    prefix: string,
    { separator, stale = false }: { separator?: string; stale?: boolean } = {},
  ): Promise<string[]> {
    const query = ['keys', ...(separator === undefined ? [] : [`separator=${encodeURIComponent(separator)}`])];
    const path = `kv/${encoded(prefix)}?${[...query, ...(stale ? ['stale'] : [])].join('&')}`;
    const answer = await this.#http.exchange('GET', path, { longestBytes: LONGEST_LIST_BYTES });
    if (answer.status === 404 && answer.text === '') return [];
    return this.#parse(keysSchema, this.#http.bodyOf(answer, path), path);
  }

  /**
   * All of it or nothing; at most MOST_OPERATIONS, whose JSON has at most MOST_REQUEST_BYTES.
   * @returns what it has read or written, in order. `get` of a key that is not there fails it.
   * @throws DrError VaultRefused that names the first operation which failed; then nothing has changed.
   */
  async transaction(operations: readonly Operation[]): Promise<ConsulEntry[]> {
    const answer = await this.#http.exchange('PUT', 'txn', {
      body: exactFlags(JSON.stringify(operations.map(toJson))),
      longestBytes: LONGEST_TRANSACTION_BYTES,
    });
    if (answer.status === 409) throw this.#conflict(answer.text, operations);
    return this.#parse(transactionSchema, this.#http.bodyOf(answer, 'txn'), 'txn', exactly);
  }

  /** A server that passes a download on may lose the leader's answer where that refuses the token. */
  async #throwRefusal(): Promise<void> {
    try {
      await this.#assertMayTransfer();
    } catch (error) {
      if (isDrError(error) && !error.retryable) throw error;
    }
  }

  /** Consul refuses an upload while it is still under way, and the connection may break before its answer is read. */
  async #assertMayTransfer(): Promise<void> {
    const [allowed] = await this.permissions([{ resource: 'acl', access: 'write' }]);
    if (!allowed)
      throw toConsulError(403, "Permission denied: token lacks permission 'acl:write'", this.name, 'snapshot');
  }

  #conflict(text: string, operations: readonly Operation[]): DrError {
    const parsed = conflictSchema.safeParse(jsonOf(text));
    const [first] = parsed.success ? parsed.data.Errors : [];
    const key = first && operations[first.OpIndex]?.key;
    return new DrError(
      'VaultRefused',
      `${this.name} refused a transaction, and changed nothing${first ? `: ${shownOf(JSON.stringify(key) ?? '')}, ${shownOf(first.What)}` : ''}.`,
      { where: this.name, advice: 'Somebody else may write to these keys: check that every Vault is stopped.' },
    );
  }

  async #ask<T>(schema: z.ZodType<T>, method: Method, path: string, call: Call = {}): Promise<T> {
    return this.#parse(schema, await this.#send(method, path, call), path);
  }

  #parse<T>(schema: z.ZodType<T>, text: string, path: string, prepare: (json: string) => string = (json) => json): T {
    const parsed = schema.safeParse(jsonOf(prepare(text)));
    if (parsed.success) return parsed.data;
    throw new DrError(
      'VaultUnavailable',
      `${this.name} answered ${withoutQuery(path)} with something other than Consul's JSON.`,
      { where: this.name, advice: `Check that ${this.address} is Consul's own HTTP API, not a proxy in front of it.` },
    );
  }

  #send(method: Method, path: string, call: Call = {}): Promise<string> {
    return this.#http.send(method, path, call);
  }
}

export interface TransferOptions {
  signal?: AbortSignal | undefined;
  /** Longest silence until the answer begins. Default: 30 minutes. */
  timeoutMs?: number;
}

function toJson(operation: Operation): object {
  const { verb, key } = operation;
  const more =
    'value' in operation ? { Value: operation.value.toString('base64'), Flags: String(operation.flags ?? 0n) } : {};
  return { KV: { Verb: verb, Key: key, ...more, ...('index' in operation ? { Index: operation.index } : {}) } };
}

function hasNoAcls({ status, text }: Answer): boolean {
  return status === 401 && /ACL support disabled/i.test(text);
}

/** With its slashes, so that no key with dots in it becomes another path. */
function encoded(key: string): string {
  return encodeURIComponent(key);
}

/** Flags as texts, before JSON makes numbers of them. Within a text of JSON a quote has a backslash before it, so none matches. */
function exactly(json: string): string {
  return json.replace(/"Flags":\s*(\d+)/g, '"Flags":"$1"');
}

/** The other way round. */
function exactFlags(json: string): string {
  return json.replace(/"Flags":"(\d+)"/g, '"Flags":$1');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
