import { readFileSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import { DrError } from '../contract/failures';

export interface TemporalOptions {
  /** TOML file with profiles, the same that the `temporal` CLI takes; default: TEMPORAL_CONFIG_FILE, then the user's own. */
  configFile?: string;
  profile?: string;
}

const CONNECT_TIMEOUT_MS = 10_000;

interface Target {
  connectionOptions: { address?: string };
  namespace: string;
}

function load({ configFile, profile }: TemporalOptions) {
  try {
    return loadClientConnectConfig({
      // Read here: the library takes a file that isn't there for an empty one.
      ...(configFile === undefined ? {} : { configSource: { data: readFileSync(configFile, 'utf8') } }),
      ...(profile === undefined ? {} : { profile }),
    });
  } catch (error) {
    throw new DrError('InvalidConfiguration', `The Temporal profile can't be read: ${(error as Error).message}`, {
      advice: 'See temporal-config/temporal.toml for an example; name yours with --temporal-config and --profile.',
      cause: error,
    });
  }
}

/** Where Temporal is, as messages name it. */
function target(options: TemporalOptions): Target {
  const { connectionOptions, namespace } = load(options);
  return { connectionOptions, namespace: namespace ?? 'default' };
}

/** @throws DrError TemporalUnreachable */
export async function connectClient(options: TemporalOptions): Promise<Client> {
  const { connectionOptions, namespace } = target(options);
  try {
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout: CONNECT_TIMEOUT_MS });
    return new Client({ connection, namespace });
  } catch (error) {
    throw unreachable(connectionOptions.address, error);
  }
}

/** @throws DrError TemporalUnreachable */
export async function connectWorker(
  options: TemporalOptions,
): Promise<{ connection: NativeConnection; namespace: string }> {
  const { connectionOptions, namespace } = target(options);
  try {
    return { connection: await NativeConnection.connect(connectionOptions), namespace };
  } catch (error) {
    throw unreachable(connectionOptions.address, error);
  }
}

function unreachable(address: string | undefined, cause: unknown): DrError {
  return new DrError('TemporalUnreachable', `Temporal does not answer at ${address ?? 'localhost:7233'}.`, {
    advice: 'Is it running? Set TEMPORAL_ADDRESS, or name a profile with --temporal-config and --profile.',
    cause,
  });
}
