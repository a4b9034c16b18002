import { isIP } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { Agent, type Dispatcher, request } from 'undici';
import type { z } from 'zod';
import { DrError } from '../contract/failures';
import {
  autopilotSchema,
  type AutopilotState,
  capabilitiesSchema,
  type Health,
  healthSchema,
  initializedSchema,
  joinedSchema,
  type Leader,
  leaderSchema,
  loginSchema,
  type RaftServer,
  raftConfigurationSchema,
  type SealStatus,
  sealStatusSchema,
  type Secret,
  secretSchema,
} from './answers';
import { errorsOf, toConnectionError, toVaultError } from './vault-error';

export interface VaultEndpoint {
  /** Name of the node, for messages. */
  node: string;
  /** `https://host:port`; a path is ignored. */
  address: string;
  /** CA of the node's certificate; without it the system's. */
  caPem?: string;
  /** Host that the certificate must name; without it that of the address. */
  servername?: string;
}

export interface VaultClientOptions {
  token?: string;
  /** For a whole call, except those that move a snapshot. Default: 30 seconds. */
  timeoutMs?: number;
  /** Ends every call of this client. */
  signal?: AbortSignal;
}

export interface TransferOptions {
  signal?: AbortSignal;
  /**
   * Until the answer begins. For a snapshot the leader reads its whole storage first; for a restore the upload is part of
   * it. Default: 30 minutes.
   */
  timeoutMs?: number;
}

interface Call {
  body?: object | Readable;
  signal?: AbortSignal | undefined;
  /** Until the headers of the answer. */
  headersTimeoutMs?: number;
  /** Goes into the body and so must never come out in an error. */
  secret?: string;
}

interface Answer {
  status: number;
  text: string;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;
const TRANSFER_TIMEOUT_MS = 30 * 60_000;
/** Longest silence within an answer. */
const IDLE_TIMEOUT_MS = 60_000;
/** A blank node holds its first election before it answers. */
const INITIALIZE_TIMEOUT_MS = 90_000;

/** Makes `sys/health` answer 200 whatever the state, so that only a node that can't be reached is an error. */
const HEALTH_QUERY = new URLSearchParams(
  ['active', 'standby', 'drsecondary', 'performancestandby', 'sealed', 'uninit', 'removed', 'haunhealthy'].map(
    (state): [string, string] => [`${state}code`, '200'],
  ),
).toString();

/**
 * The API of one Vault or OpenBao node, at its own address; redirects are never followed. Every failure is a DrError
 * (VaultUnavailable, PermissionDenied, AuthenticationFailed, VaultRefused) with Vault's own words; a caller's abort
 * rejects with the signal's reason.
 */
export class VaultClient {
  readonly node: string;
  readonly address: string;
  readonly #token: string | undefined;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #agent: Agent;

  constructor(endpoint: VaultEndpoint, options: VaultClientOptions = {}) {
    this.node = endpoint.node;
    this.address = new URL(endpoint.address).origin;
    this.#token = options.token;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#signal = options.signal;
    this.#agent = new Agent({
      // Nodes are restarted under us all the time: a connection that is kept alive is a dead one.
      pipelining: 0,
      connect: { timeout: CONNECT_TIMEOUT_MS, ...tlsOptions(endpoint) },
    });
  }

  /** Ends what is still under way. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async health(): Promise<Health> {
    return this.#ask(healthSchema, 'GET', `sys/health?${HEALTH_QUERY}`);
  }

  async sealStatus(): Promise<SealStatus> {
    return this.#ask(sealStatusSchema, 'GET', 'sys/seal-status');
  }

  /** @throws DrError VaultUnavailable on a sealed node. */
  async leader(): Promise<Leader> {
    return this.#ask(leaderSchema, 'GET', 'sys/leader');
  }

  /** @returns unseal shares (base64) and root token: both secret. */
  async initialize(shares: {
    secretShares: number;
    secretThreshold: number;
  }): Promise<{ keys: string[]; rootToken: string }> {
    const body = { secret_shares: shares.secretShares, secret_threshold: shares.secretThreshold };
    const { keys, rootToken } = await this.#initialize(body);
    return { keys, rootToken };
  }

  /** For a node whose configuration has an auto-unseal seal. @returns recovery keys (base64) and root token: both secret. */
  async initializeAutoUnseal(shares: {
    recoveryShares: number;
    recoveryThreshold: number;
  }): Promise<{ recoveryKeys: string[]; rootToken: string }> {
    const body = { recovery_shares: shares.recoveryShares, recovery_threshold: shares.recoveryThreshold };
    const { recoveryKeys, rootToken } = await this.#initialize(body);
    return { recoveryKeys, rootToken };
  }

  /** @throws DrError VaultRefused when the last share of a round shows that the shares don't fit. */
  async unseal(input: { key: string } | { reset: true }): Promise<SealStatus> {
    const secret = 'key' in input ? { secret: input.key } : {};
    return this.#ask(sealStatusSchema, 'POST', 'sys/unseal', { body: input, ...secret });
  }

  async seal(): Promise<void> {
    await this.#send('POST', 'sys/seal');
  }

  async stepDown(): Promise<void> {
    await this.#send('POST', 'sys/step-down');
  }

  async raftConfiguration(): Promise<RaftServer[]> {
    return this.#ask(raftConfigurationSchema, 'GET', 'sys/storage/raft/configuration');
  }

  async autopilotState(): Promise<AutopilotState> {
    return this.#ask(autopilotSchema, 'GET', 'sys/storage/raft/autopilot/state');
  }

  /** Of a blank node. It is in only when it is unsealed as well. */
  async raftJoin(input: {
    leaderApiAddr: string;
    leaderCaPem?: string;
    retry?: boolean;
  }): Promise<{ joined: boolean }> {
    const { leaderApiAddr, leaderCaPem, retry } = input;
    const body = { leader_api_addr: leaderApiAddr, leader_ca_cert: leaderCaPem, retry };
    return this.#ask(joinedSchema, 'POST', 'sys/storage/raft/join', { body });
  }

  async removePeer(nodeId: string): Promise<void> {
    await this.#send('POST', 'sys/storage/raft/remove-peer', { body: { server_id: nodeId } });
  }

  /**
   * The body may end early without an error of HTTP's: verify it. Read it or destroy it. It fails as calls do.
   * @throws DrError VaultUnavailable on a follower (on OpenBao a follower answers itself).
   */
  async snapshot(
    options: TransferOptions = {},
  ): Promise<{ body: Readable; headers: Dispatcher.ResponseData['headers'] }> {
    const path = 'sys/storage/raft/snapshot';
    const call = { headersTimeoutMs: options.timeoutMs ?? TRANSFER_TIMEOUT_MS, signal: this.#signalOf(options.signal) };
    const { statusCode, body, headers } = await this.#open('GET', path, call);
    if (statusCode === 200) return { body: this.#withOwnErrors(body, path, call.signal), headers };
    throw this.#refusal({ status: statusCode, text: await this.#textOf(body, path, call.signal) }, path);
  }

  /**
   * Vault answers when the archive is uploaded and checked, before anything of it is applied: poll the node.
   * An error of the body is rejected with as it is.
   */
  async restoreSnapshot(body: Readable, options: TransferOptions & { force: boolean }): Promise<void> {
    const path = `sys/storage/raft/snapshot${options.force ? '-force' : ''}`;
    await this.#assertAllowed(path).catch((error: unknown) => {
      body.destroy();
      throw error;
    });
    await this.#send('POST', path, {
      body,
      headersTimeoutMs: options.timeoutMs ?? TRANSFER_TIMEOUT_MS,
      signal: this.#signalOf(options.signal),
    });
  }

  /** @returns a token. @throws DrError AuthenticationFailed */
  async loginAppRole(input: { mount: string; roleId: string; secretId: string }): Promise<string> {
    return this.#ask(loginSchema, 'POST', `auth/${input.mount}/login`, {
      body: { role_id: input.roleId, secret_id: input.secretId },
      secret: input.secretId,
    });
  }

  /** What the token may do, by path. */
  async capabilitiesSelf(paths: string[]): Promise<Record<string, string[]>> {
    const byPath = await this.#ask(capabilitiesSchema, 'POST', 'sys/capabilities-self', { body: { paths } });
    return Object.fromEntries(paths.map((path) => [path, byPath[path] ?? []]));
  }

  /** @returns null when nothing is there. */
  async read(path: string): Promise<Secret | null> {
    const answer = await this.#exchange('GET', path);
    if (answer.status === 404 && errorsOf(answer.text).length === 0) return null;
    if (!isSuccess(answer.status)) throw this.#refusal(answer, path);
    return this.#parse(secretSchema, answer.text, path);
  }

  /** @returns null when Vault answers with nothing. */
  async write(path: string, body: object = {}): Promise<Secret | null> {
    const text = await this.#send('POST', path, { body });
    return text === '' ? null : this.#parse(secretSchema, text, path);
  }

  async remove(path: string): Promise<void> {
    await this.#send('DELETE', path);
  }

  /** Vault refuses an upload while it is still under way and closes the connection, which loses what it answered. */
  async #assertAllowed(path: string): Promise<void> {
    const { [path]: capabilities = [] } = await this.capabilitiesSelf([path]);
    if (capabilities.includes('root') || capabilities.includes('update')) return;
    throw toVaultError(403, '{"errors":["permission denied"]}', this.node, path);
  }

  async #initialize(body: object): Promise<z.infer<typeof initializedSchema>> {
    const signal = this.#signalOf(AbortSignal.timeout(INITIALIZE_TIMEOUT_MS));
    return this.#ask(initializedSchema, 'POST', 'sys/init', { body, signal, headersTimeoutMs: INITIALIZE_TIMEOUT_MS });
  }

  async #ask<T>(schema: z.ZodType<T>, method: Dispatcher.HttpMethod, path: string, call: Call = {}): Promise<T> {
    return this.#parse(schema, await this.#send(method, path, call), path);
  }

  #parse<T>(schema: z.ZodType<T>, text: string, path: string): T {
    const parsed = schema.safeParse(jsonOf(text));
    if (parsed.success) return parsed.data;
    throw new DrError(
      'VaultUnavailable',
      `${this.node} answers ${withoutQuery(path)} with something that is not Vault's.`,
      {
        where: this.node,
        advice: `Check that ${this.address} is Vault's own listener and no proxy in front of it.`,
      },
    );
  }

  /** @returns the body of a success. */
  async #send(method: Dispatcher.HttpMethod, path: string, call: Call = {}): Promise<string> {
    const answer = await this.#exchange(method, path, call);
    if (!isSuccess(answer.status)) throw this.#refusal(answer, path, call.secret);
    return answer.text;
  }

  async #exchange(method: Dispatcher.HttpMethod, path: string, call: Call = {}): Promise<Answer> {
    const signal = call.signal ?? this.#signalOf(AbortSignal.timeout(this.#timeoutMs));
    const { statusCode, body } = await this.#open(method, path, { ...call, signal });
    return { status: statusCode, text: await this.#textOf(body, path, signal) };
  }

  async #open(method: Dispatcher.HttpMethod, path: string, call: Call): Promise<Dispatcher.ResponseData> {
    const { body, signal, headersTimeoutMs = this.#timeoutMs } = call;
    try {
      return await request(`${this.address}/v1/${path}`, {
        dispatcher: this.#agent,
        method,
        headers: { 'x-vault-request': 'true', ...(this.#token === undefined ? {} : { 'x-vault-token': this.#token }) },
        body: body === undefined || body instanceof Readable ? (body ?? null) : JSON.stringify(body),
        headersTimeout: headersTimeoutMs,
        bodyTimeout: IDLE_TIMEOUT_MS,
        signal: signal ?? null,
      });
    } catch (error) {
      throw toConnectionError(error, this.node, withoutQuery(path), signal);
    }
  }

  async #textOf(body: Dispatcher.ResponseData['body'], path: string, signal?: AbortSignal): Promise<string> {
    try {
      return await body.text();
    } catch (error) {
      throw toConnectionError(error, this.node, withoutQuery(path), signal);
    }
  }

  /** The same bytes; an error on the way becomes a DrError, and the one ends with the other. */
  #withOwnErrors(body: Readable, path: string, signal?: AbortSignal): Readable {
    const outlet = new PassThrough();
    body.once('error', (error) => outlet.destroy(toConnectionError(error, this.node, path, signal) as Error));
    outlet.once('close', () => body.destroy());
    return body.pipe(outlet);
  }

  #refusal({ status, text }: Answer, path: string, secret?: string): DrError {
    const secrets = [this.#token, secret].filter((item) => item !== undefined && item !== '') as string[];
    const shown = secrets.reduce((rest, item) => rest.replaceAll(item, '[secret]'), text);
    return toVaultError(status, shown, this.node, withoutQuery(path));
  }

  #signalOf(further: AbortSignal | undefined): AbortSignal | undefined {
    if (!this.#signal || !further) return this.#signal ?? further;
    return AbortSignal.any([this.#signal, further]);
  }
}

/** The certificate must name `servername` even when the connection goes to another host, an IP address for instance. */
function tlsOptions({ caPem, servername }: VaultEndpoint): object {
  return {
    ...(caPem === undefined ? {} : { ca: caPem }),
    ...(servername === undefined
      ? {}
      : {
          // Server name indication takes no IP addresses.
          ...(isIP(servername) ? {} : { servername }),
          checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
            checkServerIdentity(servername, certificate),
        }),
  };
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function withoutQuery(path: string): string {
  return path.split('?', 1)[0] ?? path;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
