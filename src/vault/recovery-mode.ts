import { z } from 'zod';
import { DrError, isDrError } from '../contract/failures';
import { encodePath } from './encode-path';
import { parseAnswer } from './parse-answer';
import { decodeRootToken } from './root-token';
import { type Method, Transport, type VaultClientOptions, type VaultEndpoint } from './transport';

const attemptSchema = z.object({ nonce: z.string(), otp: z.string().min(1), required: z.number() });
const progressSchema = z.object({ complete: z.boolean(), encoded_token: z.string().optional() });
const listSchema = z.object({ data: z.object({ keys: z.array(z.string()) }) });
const valueSchema = z.object({ data: z.object({ value: z.string() }) });

/** A list comes whole: a million leases have 100 MB of names. */
const LONGEST_LIST_BYTES = 256 * 1024 * 1024;
/** With the last share Vault starts Raft, and waits for its own election: 10 s (measured, 1.21.1), more with a slow one's multiplier. */
const ELECTION_MS = 180_000;
const PROBE_MS = 5_000;

/**
 * A server that was started by `vault server -recovery`: it serves nothing but its storage in clear, to whoever has the
 * unseal shares. It forms a Raft cluster of itself.
 */
export class RecoveryMode {
  readonly #http: Transport;

  constructor(
    private readonly endpoint: VaultEndpoint,
    private readonly options: Omit<VaultClientOptions, 'token'> = {},
  ) {
    this.#http = new Transport(endpoint, options);
  }

  /** Whether it answers already. It has no other path that would say so. */
  async isUp(): Promise<boolean> {
    try {
      const answer = await this.#http.exchange('GET', 'sys/generate-recovery-token/attempt', { timeoutMs: PROBE_MS });
      return answer.status === 200;
    } catch (error) {
      if (!isDrError(error) || error.code !== 'VaultUnavailable') throw error;
      return false;
    }
  }

  /**
   * Once per start: it never seals itself again.
   * @param shares of unseal keys; with auto-unseal, of recovery keys
   * @throws DrError SharesDoNotOpen; VaultRefused
   */
  async open(shares: readonly string[]): Promise<RawStorage> {
    // Of an attempt that was killed.
    await this.#http.send('DELETE', 'sys/generate-recovery-token/attempt');
    const { nonce, otp, required } = await this.#ask(attemptSchema, 'PUT', 'sys/generate-recovery-token/attempt', {});
    if (shares.length < required) throw wrongShares(this.endpoint.node, `${required} are needed`);
    for (const key of shares.slice(0, required)) {
      const { complete, encoded_token: encoded = '' } = await this.#give(key, nonce);
      if (complete) return new RawStorage(this.endpoint, { ...this.options, token: decodeRootToken(encoded, otp) });
    }
    throw wrongShares(this.endpoint.node, 'no token was made of them');
  }

  close(): void {
    this.#http.close();
  }

  async #give(key: string, nonce: string): Promise<z.infer<typeof progressSchema>> {
    const path = 'sys/generate-recovery-token/update';
    try {
      return await this.#ask(progressSchema, 'PUT', path, { key, nonce }, { secret: key, timeoutMs: ELECTION_MS });
    } catch (error) {
      if (
        !isDrError(error) ||
        error.code !== 'VaultRefused' ||
        !/unable to authenticate|invalid key/.test(error.message)
      )
        throw error;
      throw wrongShares(this.endpoint.node, 'Vault refuses them');
    }
  }

  async #ask<T>(
    schema: z.ZodType<T>,
    method: Method,
    path: string,
    body: object,
    more: { secret?: string; timeoutMs?: number } = {},
  ): Promise<T> {
    return parseAnswer(schema, await this.#http.send(method, path, { body, ...more }), this.endpoint, path);
  }
}

/** The storage of a server in recovery mode, in clear. */
export class RawStorage {
  readonly #http: Transport;

  constructor(
    private readonly endpoint: VaultEndpoint,
    options: VaultClientOptions,
  ) {
    this.#http = new Transport(endpoint, options);
  }

  /** What is directly below it; that which has more below it ends with a slash. @param prefix ends with a slash */
  async list(prefix: string): Promise<string[]> {
    const path = `${rawPath(prefix)}?list=true`;
    const answer = await this.#http.exchange('GET', path, { longestBytes: LONGEST_LIST_BYTES });
    if (answer.status === 404) return [];
    return parseAnswer(listSchema, this.#http.bodyOf(answer, path), this.endpoint, path).data.keys;
  }

  /** @returns null if there is none. @throws DrError VaultRefused from a Vault that can't give bytes, which it could not take back either */
  async read(key: string): Promise<Buffer | null> {
    const path = `${rawPath(key)}?encoding=base64`;
    const answer = await this.#http.exchange('GET', path);
    if (answer.status === 404) return null;
    const { value } = parseAnswer(valueSchema, this.#http.bodyOf(answer, path), this.endpoint, path).data;
    if (/^[A-Za-z0-9+/]*={0,2}$/.test(value)) return Buffer.from(value, 'base64');
    throw new DrError('VaultRefused', `${this.endpoint.node} is too old to give its storage as bytes.`, {
      where: this.endpoint.node,
      advice: 'Upgrade Vault to 1.10 or later to change leases before they are revoked.',
    });
  }

  /** Of a key that exists. What was compressed stays so. */
  async write(key: string, value: Buffer): Promise<void> {
    const text = value.toString('base64');
    await this.#http.send('PUT', rawPath(key), { body: { value: text, encoding: 'base64' }, secret: text });
  }

  async remove(key: string): Promise<void> {
    await this.#http.send('DELETE', rawPath(key));
  }

  close(): void {
    this.#http.close();
  }
}

function rawPath(key: string): string {
  return `sys/raw/${encodePath(key)}`;
}

function wrongShares(node: string, why: string): DrError {
  return new DrError('SharesDoNotOpen', `These shares do not open the storage of ${node}: ${why}.`, { where: node });
}
