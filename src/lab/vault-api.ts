import type { LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import { DrError } from '../contract/failures';

export interface VaultAnswer {
  status: number;
  /** Parsed JSON; null when the answer has no body. */
  body: unknown;
}

export interface VaultRequest {
  token?: string | undefined;
  body?: unknown;
}

export type VaultMethod = 'GET' | 'LIST' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Asks a Vault server of the lab; `path` is relative to `/v1/`. Answers with any status. */
export type VaultApi = (
  address: string,
  method: VaultMethod,
  path: string,
  options?: VaultRequest,
) => Promise<VaultAnswer>;

/** PEM; shown to servers that ask for one. */
export interface ClientCertificate {
  certificatePem: string;
  keyPem: string;
}

/** @param lookup finds servers whose names nobody else knows */
export function createVaultApi(caPem: string, client?: ClientCertificate, lookup?: LookupFunction): VaultApi {
  // Connections are not kept: the servers of a lab are killed at any time.
  const dispatcher = new Agent({
    connect: {
      ca: caPem,
      timeout: 5_000,
      ...(lookup && { lookup }),
      ...(client && { cert: client.certificatePem, key: client.keyPem }),
    },
    pipelining: 0,
  });
  return async (address, method, path, { token, body } = {}) => {
    const response = await request(`${address}/v1/${path}`, {
      method,
      dispatcher,
      headersTimeout: 30_000,
      headers: token === undefined ? {} : { 'x-vault-token': token },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.body.text();
    return { status: response.statusCode, body: text === '' ? null : (JSON.parse(text) as unknown) };
  };
}

/** The body of an answer that must be a success. @throws DrError VaultRefused with the server's message. */
export function succeeded(answer: VaultAnswer, what: string): unknown {
  if (answer.status >= 200 && answer.status < 300) return answer.body;
  const errors = (answer.body as { errors?: string[] } | null)?.errors?.join('; ') ?? '';
  throw new DrError('VaultRefused', `${what}: Vault answered ${answer.status} ${errors}`.trimEnd());
}
