import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnection, NativeConnectionOptions } from '@temporalio/worker';
import { DrError } from '../contract/failures';
import { proxyFor, proxyHost, proxyLogin } from '../contract/proxies';
import { type Place, temporalError } from './temporal-error';

export interface TemporalOptions {
  /** TOML file with profiles, the same that the `temporal` CLI takes; default: TEMPORAL_CONFIG_FILE, then the user's own. */
  configFile?: string;
  profile?: string;
  /** Gets a line while Temporal is awaited. */
  onWait?: (text: string) => void;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** For a person at a terminal, who needs an answer rather than a wait. */
const PATIENCE_MS = 5_000;
/** What takes a connection and does not answer yet is busy, as a host is in an outage; it does after a while. */
const ANSWER_WITHIN_MS = 20_000;
const SAY_AFTER_MS = 1_000;
const AGAIN_MS = 500;

interface Target extends Place {
  connectionOptions: ReturnType<typeof load>['connectionOptions'];
}

function load({ configFile, profile }: TemporalOptions) {
  try {
    return loadClientConnectConfig({
      // Read here: the library takes a file that isn't there for an empty one.
      ...(configFile === undefined ? {} : { configSource: { data: readFileSync(configFile, 'utf8') } }),
      ...(profile === undefined ? {} : { profile }),
    });
  } catch (error) {
    const { code, path, message } = error as NodeJS.ErrnoException;
    // Of the files that a profile names, a certificate may come later than this process.
    const mayCome = code === 'ENOENT' && path !== configFile;
    throw new DrError('InvalidConfiguration', `The Temporal profile can't be read: ${message}`, {
      advice: mayCome
        ? 'That file is named in the profile.'
        : 'See temporal-config/temporal.toml for an example; select yours with --temporal-config and --profile.',
      cause: error,
      retryable: mayCome,
    });
  }
}

/**
 * Reads the profile: where Temporal is.
 * @throws DrError InvalidConfiguration; `retryable` when a file that the profile names is not there.
 */
export function target(options: TemporalOptions): Target {
  const { connectionOptions, namespace } = load(options);
  return {
    connectionOptions,
    namespace: namespace ?? 'default',
    address: connectionOptions.address ?? 'localhost:7233',
  };
}

/**
 * For the client, whose gRPC reads the environment in its own way: it uses `https_proxy` for the loopback as well, and
 * ignores HTTPS_PROXY. It can only be switched on or off, by its own variables.
 */
function throughProxy({ connectionOptions, address }: Target): Target['connectionOptions'] & ConnectionOptions {
  const proxy = proxyOf(address);
  if (proxy !== null) {
    process.env['grpc_proxy'] = proxy.href;
    // Decided here; an empty value would mean NO_PROXY.
    process.env['no_grpc_proxy'] = 'none.invalid';
  }
  const channelArgs = { 'grpc.enable_http_proxy': proxy === null ? 0 : 1 };
  return { ...connectionOptions, channelArgs };
}

/** For the worker, which uses only its explicit settings. */
function nativeProxy({ address }: Target): Pick<NativeConnectionOptions, 'proxy'> {
  const proxy = proxyOf(address);
  if (proxy === null) return {};
  const login = proxyLogin(proxy);
  return { proxy: { type: 'http-connect', targetHost: proxyHost(proxy), ...(login && { basicAuth: login }) } };
}

function proxyOf(address: string): URL | null {
  const url = `https://${address}`;
  return URL.canParse(url) ? proxyFor(url, process.env) : null;
}

/**
 * A connection that tries once and reports the result: the client's own would retry until it can report only a time-out.
 */
export function openProbe(place: Target): Connection {
  const options = throughProxy(place);
  try {
    return Connection.lazy({ ...options, interceptors: [] });
  } catch (error) {
    throw new DrError('InvalidConfiguration', `The Temporal profile can't be used: ${(error as Error).message}`, {
      advice: 'Check its address and its certificates.',
      cause: error,
    });
  }
}

/**
 * For commands: waits a few seconds at most, and says so.
 * @throws DrError TemporalUnreachable
 */
export async function connectClient(options: TemporalOptions): Promise<Client> {
  const place = target(options);
  await answers(place, options.onWait ?? (() => undefined));
  const { namespace } = place;
  const connection = Connection.lazy({ ...throughProxy(place), connectTimeout: CONNECT_TIMEOUT_MS });
  try {
    await connection.ensureConnected();
    return new Client({ connection, namespace });
  } catch (error) {
    await connection.close();
    throw temporalError(error, place);
  }
}

async function answers(place: Target, onWait: (text: string) => void): Promise<void> {
  const began = Date.now();
  const timer = setTimeout(() => onWait(`Waiting for Temporal at ${place.address} …`), SAY_AFTER_MS);
  const probe = openProbe(place);
  try {
    for (;;) {
      try {
        await probe.withDeadline(began + ANSWER_WITHIN_MS, () => probe.workflowService.getSystemInfo({}));
        return;
      } catch (error) {
        const problem = temporalError(error, place);
        if (!problem.retryable || Date.now() + AGAIN_MS > began + PATIENCE_MS) throw problem;
      }
      await sleep(AGAIN_MS);
    }
  } finally {
    clearTimeout(timer);
    await probe.close();
  }
}

/** @throws DrError TemporalUnreachable */
export async function connectWorker(
  options: TemporalOptions,
): Promise<{ connection: NativeConnection; namespace: string }> {
  const place = target(options);
  const proxy = nativeProxy(place);
  // Only workers need it, and loading it takes longer than most commands.
  const { NativeConnection } = await import('@temporalio/worker');
  try {
    const connection = await NativeConnection.connect({ ...place.connectionOptions, ...proxy });
    return { connection, namespace: place.namespace };
  } catch (error) {
    throw temporalError(error, place);
  }
}
