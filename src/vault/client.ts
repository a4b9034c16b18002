import type { Readable } from 'node:stream';
import type { z } from 'zod';
import {
  type AutopilotConfiguration,
  autopilotConfigurationSchema,
  autopilotSchema,
  type AutopilotState,
  capabilitiesSchema,
  type Health,
  type HaMember,
  haStatusSchema,
  healthSchema,
  initializedSchema,
  joinedSchema,
  type Leader,
  leaderSchema,
  loginSchema,
  namespacesSchema,
  type RaftServer,
  raftConfigurationSchema,
  type RootGeneration,
  rootGenerationSchema,
  type SealStatus,
  sealStatusSchema,
  type Secret,
  secretSchema,
} from './answers';
import type { CataloguePlugin } from '../contract/plan';
import { parseAnswer } from './parse-answer';
import { pluginCatalogueSchema } from './plugin-catalogue';
import {
  type Call,
  type Download,
  type Method,
  Transport,
  type VaultClientOptions,
  type VaultEndpoint,
} from './transport';
import { errorsOf, toVaultError } from './errors/vault-error';

export type { VaultClientOptions, VaultEndpoint };

export interface TransferOptions {
  signal?: AbortSignal;
  /**
   * Longest silence until the answer begins: the leader reads its whole storage before it sends a snapshot, and checks one
   * that it receives before it answers. Default: 30 minutes.
   */
  timeoutMs?: number;
}

const TRANSFER_TIMEOUT_MS = 30 * 60_000;
/** A blank node holds its first election before it answers. */
const INITIALIZE_TIMEOUT_MS = 90_000;
/** Best effort: the token expires anyway. */
const REVOKE_TIMEOUT_MS = 3_000;

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
  readonly #http: Transport;

  constructor(endpoint: VaultEndpoint, options: VaultClientOptions = {}) {
    this.#http = new Transport(endpoint, options);
  }

  /** Name of the node. */
  get node(): string {
    return this.#http.node;
  }

  get address(): string {
    return this.#http.origin;
  }

  /** Aborts what is still running. */
  async close(): Promise<void> {
    this.#http.close();
  }

  async health(options: { timeoutMs?: number } = {}): Promise<Health> {
    return this.#ask(healthSchema, 'GET', `sys/health?${HEALTH_QUERY}`, options);
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

  /** @throws DrError VaultRefused if the last share of a round shows that the shares are wrong. */
  async unseal(input: { key: string } | { reset: true }): Promise<SealStatus> {
    const secret = 'key' in input ? { secret: input.key } : {};
    return this.#ask(sealStatusSchema, 'POST', 'sys/unseal', { body: input, ...secret });
  }

  /** @returns the one-time password that the token will be encoded with: secret. */
  async beginRootGeneration(): Promise<RootGeneration> {
    return this.#ask(rootGenerationSchema, 'POST', 'sys/generate-root/attempt', { body: {} });
  }

  /** @throws DrError VaultRefused if the last share shows that they are wrong. */
  async continueRootGeneration(input: { key: string; nonce: string }): Promise<RootGeneration> {
    return this.#ask(rootGenerationSchema, 'POST', 'sys/generate-root/update', { body: input, secret: input.key });
  }

  async cancelRootGeneration(): Promise<void> {
    await this.#send('DELETE', 'sys/generate-root/attempt');
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

  /** @returns null if there is none: its storage knows only one node. */
  async haStatus(): Promise<HaMember[] | null> {
    return this.#find(haStatusSchema, 'sys/ha-status');
  }

  /** @returns null if there is none: it is disabled, or the leader has only just been elected. */
  async autopilotState(): Promise<AutopilotState | null> {
    return this.#find(autopilotSchema, 'sys/storage/raft/autopilot/state');
  }

  /** @returns null where there is none. */
  async autopilotConfiguration(): Promise<AutopilotConfiguration | null> {
    return this.#find(autopilotConfigurationSchema, 'sys/storage/raft/autopilot/configuration');
  }

  /** Of a blank node. It becomes a member only once it is unsealed. */
  async raftJoin(input: {
    leaderApiAddr: string;
    leaderCaPem?: string | undefined;
    /** For a leader that demands one; the node presents it. */
    clientCertificate?: VaultEndpoint['clientCertificate'];
    retry?: boolean;
    /** As a permanent non-voter: OpenBao and Vault Enterprise. */
    nonVoter?: boolean;
  }): Promise<{ joined: boolean }> {
    const { leaderApiAddr, leaderCaPem, clientCertificate, retry, nonVoter } = input;
    const body = {
      leader_api_addr: leaderApiAddr,
      leader_ca_cert: leaderCaPem,
      leader_client_cert: clientCertificate?.certificatePem,
      leader_client_key: clientCertificate?.keyPem,
      retry,
      non_voter: nonVoter,
    };
    const secret = clientCertificate?.keyPem ?? '';
    return this.#ask(joinedSchema, 'POST', 'sys/storage/raft/join', { body, secret });
  }

  async removePeer(nodeId: string): Promise<void> {
    await this.#send('POST', 'sys/storage/raft/remove-peer', { body: { server_id: nodeId } });
  }

  /**
   * The body may end early without an HTTP error: verify it. Read it or destroy it. It fails like a call.
   * @throws DrError VaultUnavailable on a follower (on OpenBao a follower answers itself).
   */
  async snapshot(options: TransferOptions = {}): Promise<Download> {
    const { signal, timeoutMs = TRANSFER_TIMEOUT_MS } = options;
    return this.#http.download('sys/storage/raft/snapshot', { signal, timeoutMs });
  }

  /**
   * Vault answers once the archive is uploaded and checked, before anything is applied: poll the node.
   * Rejects with an error of the body unchanged.
   */
  async restoreSnapshot(body: Readable, options: TransferOptions & { force: boolean }): Promise<void> {
    const path = `sys/storage/raft/snapshot${options.force ? '-force' : ''}`;
    const { signal, timeoutMs = TRANSFER_TIMEOUT_MS } = options;
    // If the body fails before the upload begins, the stream keeps the error until then.
    body.on('error', () => undefined);
    try {
      await this.#assertAllowed(path);
    } catch (error) {
      body.destroy();
      throw error;
    }
    await this.#send('POST', path, { body, signal, timeoutMs });
  }

  /** @param secret the part of the body that must not appear in an error. @returns a token. @throws DrError AuthenticationFailed */
  async logIn(mount: string, body: object, secret = ''): Promise<string> {
    return this.#ask(loginSchema, 'POST', `auth/${mount}/login`, { body, secret });
  }

  /** Revokes the client's own token. */
  async revokeSelf(): Promise<void> {
    await this.#send('POST', 'auth/token/revoke-self', { timeoutMs: REVOKE_TIMEOUT_MS });
  }

  /** What the token may do, by path. */
  async capabilitiesSelf(paths: string[]): Promise<Record<string, string[]>> {
    const byPath = await this.#ask(capabilitiesSchema, 'POST', 'sys/capabilities-self', { body: { paths } });
    return Object.fromEntries(paths.map((path) => [path, byPath[path] ?? []]));
  }

  /** External plugins that the catalogue knows; asks nothing that takes `sudo`. @returns null if there is no catalogue. */
  async externalPlugins(): Promise<CataloguePlugin[] | null> {
    return this.#find(pluginCatalogueSchema, 'sys/plugins/catalog');
  }

  /** @returns null if there is nothing. */
  async read(path: string): Promise<Secret | null> {
    return this.#find(secretSchema, path);
  }

  /** @returns null when Vault answers with nothing. */
  async write(path: string, body: object = {}): Promise<Secret | null> {
    const text = await this.#send('POST', path, { body });
    return text === '' ? null : this.#parse(secretSchema, text, path);
  }

  /** OpenBao's namespaces below the client's own, by their id. */
  async namespacePaths(): Promise<Map<string, string>> {
    return (await this.#find(namespacesSchema, 'sys/namespaces?list=true')) ?? new Map<string, string>();
  }

  async remove(path: string): Promise<void> {
    await this.#send('DELETE', path);
  }

  /** Vault refuses an upload before its end and closes the connection, so that its answer may be lost. */
  async #assertAllowed(path: string): Promise<void> {
    const { [path]: capabilities = [] } = await this.capabilitiesSelf([path]);
    if (capabilities.includes('root') || capabilities.includes('update')) return;
    throw toVaultError(403, '{"errors":["permission denied"]}', this.node, path);
  }

  async #initialize(body: object): Promise<z.infer<typeof initializedSchema>> {
    return this.#ask(initializedSchema, 'POST', 'sys/init', { body, timeoutMs: INITIALIZE_TIMEOUT_MS });
  }

  async #find<T>(schema: z.ZodType<T>, path: string): Promise<T | null> {
    const answer = await this.#http.exchange('GET', path);
    if (answer.status === 404 && errorsOf(answer.text).length === 0) return null;
    return this.#parse(schema, this.#http.bodyOf(answer, path), path);
  }

  async #ask<T>(schema: z.ZodType<T>, method: Method, path: string, call: Call = {}): Promise<T> {
    return this.#parse(schema, await this.#send(method, path, call), path);
  }

  #parse<T>(schema: z.ZodType<T>, text: string, path: string): T {
    return parseAnswer(schema, text, this, path);
  }

  #send(method: Method, path: string, call: Call = {}): Promise<string> {
    return this.#http.send(method, path, call);
  }
}
