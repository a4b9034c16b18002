import { refuseIfReadByAll } from '../config/exposures';
import type { ConsulConfig } from '../config/schema';
import { readSecret } from '../config/secret';
import { DrError } from '../contract/failures';
import { readPem } from '../vault/connect-node';
import { ConsulClient, type ConsulClientOptions, type ConsulEndpoint } from './client';

/** Whether one that is down, or whose host is, is passed over soon. */
const LOOK_TIMEOUT_MS = 5_000;

/** A client for each configured address, in order. Token and TLS files are read each time, because they are rotated. */
export async function consulClients(
  consul: ConsulConfig,
  options: Omit<ConsulClientOptions, 'token'> = {},
): Promise<ConsulClient[]> {
  const token = await tokenOf(consul);
  const tls = await tlsOf(consul);
  return consul.addresses.map((address) => new ConsulClient({ address, ...tls }, { ...options, token }));
}

/**
 * A client for the first address that answers; it may have no leader.
 * @throws DrError as the last address failed, when none answers.
 */
export async function connectToConsul(
  consul: ConsulConfig,
  options: Omit<ConsulClientOptions, 'token'> = {},
): Promise<ConsulClient> {
  let problem: unknown = new DrError('InvalidConfiguration', '`consul.addresses` names no address.');
  for (const client of await consulClients(consul, options)) {
    try {
      await client.leader({ timeoutMs: LOOK_TIMEOUT_MS });
      return client;
    } catch (error) {
      options.signal?.throwIfAborted();
      problem = error;
    }
  }
  throw problem;
}

/** Does something with the first address that answers, or that `connect` chooses; the client is closed afterwards. */
export async function withConsul<T>(
  consul: ConsulConfig,
  work: (client: ConsulClient) => Promise<T>,
  connect: (consul: ConsulConfig) => Promise<ConsulClient> = connectToConsul,
): Promise<T> {
  const client = await connect(consul);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/**
 * A client for the leader's own address or, where none of the addresses is the leader's, as `connectToConsul`.
 * @throws DrError as the last address failed, when none answers.
 */
export async function connectToLeader(
  consul: ConsulConfig,
  options: Omit<ConsulClientOptions, 'token'> = {},
): Promise<ConsulClient> {
  for (const client of await consulClients(consul, options)) {
    // An address that does not answer, or does not allow this question, is not chosen for it.
    if (await client.isLeader({ timeoutMs: LOOK_TIMEOUT_MS }).catch(() => false)) return client;
    options.signal?.throwIfAborted();
  }
  return connectToConsul(consul, options);
}

async function tokenOf({ token }: ConsulConfig): Promise<string | undefined> {
  if (token === undefined) return undefined;
  if ('file' in token) await refuseIfReadByAll(token.file, 'consul.token');
  return readSecret(token, 'consul.token');
}

async function tlsOf({ tls }: ConsulConfig): Promise<Omit<ConsulEndpoint, 'address'>> {
  const { caFile, certificateFile, key } = tls ?? {};
  const caPem = caFile === undefined ? undefined : await readPem(caFile, 'consul.tls.caFile');
  if (certificateFile === undefined || key === undefined) return { caPem };
  if ('file' in key) await refuseIfReadByAll(key.file, 'consul.tls.key');
  return {
    caPem,
    clientCertificate: {
      certificatePem: await readPem(certificateFile, 'consul.tls.certificateFile'),
      keyPem: await readSecret(key, 'consul.tls.key'),
    },
  };
}
