import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { refuseIfReadByAll } from '../config/exposures';
import { DrError } from '../contract/failures';
import { printable } from '../contract/printable';
import { takeDataDirectory } from '../temporal/night/data-directory';
import { findTemporal } from '../temporal/night/find-program';
import { LOOPBACK, startNightServer } from '../temporal/night/server';
import { openTlsDoor } from '../temporal/night/tls-door';
import { note, print, printJson } from './output';
import { untilStopped } from './serve';

interface Options {
  json?: boolean;
  data: string;
  port: number;
  uiPort?: number;
  namespace: string;
  temporal?: string;
  listen?: Listen;
  tlsCert?: string;
  tlsKey?: string;
  tlsClientCa?: string;
}

export interface Listen {
  address: string;
  port: number;
}

export async function runTemporal(options: Options): Promise<void> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  const { port, uiPort = port + 1_000, namespace } = options;
  const { signal } = stopping;
  const tls = await readTls(options);
  const program = await findTemporal(options.temporal);
  const directory = await takeDataDirectory(options.data, note);
  try {
    const server = await startNightServer({ program, directory, port, uiPort, namespace, signal });
    const closing: (() => Promise<void>)[] = [server.stop];
    try {
      if (tls) {
        const refused = (text: string) => note(`Refused a connection: ${printable(text)}`);
        closing.unshift(await openTlsDoor({ ...tls, target: port, onRefused: refused }));
      }
      const facts: NightFacts = { data: directory.path, port, uiPort, namespace, listen: options.listen ?? null };
      if (options.json)
        printJson('temporal', { ...facts, address: `${LOOPBACK}:${port}`, log: server.logFile, pid: process.pid });
      else print(nightText(facts, hostname()).join('\n'));
      const ending = await Promise.race([server.ended, untilStopped(signal)]);
      if (ending !== null) {
        throw new DrError('ServiceFailed', `The Temporal server ${ending}. Its log: ${server.logFile}`, {
          where: server.logFile,
          advice: 'Start it again with the same --data: the runs in it continue.',
        });
      }
      note('Stopping. Start it again with the same --data to continue the runs in it.');
    } finally {
      for (const close of closing) await close();
    }
  } catch (error) {
    // It ended on request.
    if (!(error instanceof DrError && error.code === 'Aborted')) throw error;
  } finally {
    directory.release();
  }
}

export interface NightFacts {
  data: string;
  port: number;
  uiPort: number;
  namespace: string;
  listen: Listen | null;
}

/** What to set, and the next command. */
export function nightText({ data, port, uiPort, namespace, listen }: NightFacts, host: string): string[] {
  const at = `${LOOPBACK}:${port}`;
  const settings = (address: string) =>
    `export TEMPORAL_ADDRESS=${address}${namespace === 'default' ? '' : ` TEMPORAL_NAMESPACE=${namespace}`}`;
  return [
    `Temporal is running at ${at}, its Web UI at http://${LOOPBACK}:${uiPort}. Namespace: ${namespace}. Data: ${data}`,
    '',
    'In each terminal on this host, and for the controller:',
    `  ${settings(at)}`,
    '  unset TEMPORAL_CONFIG_FILE TEMPORAL_PROFILE',
    '  vault-dr worker',
    '',
    ...(listen === null ? tunnels(port, at, settings) : doors(listen, host, settings)),
    'Then, in another terminal on this host:',
    '  vault-dr restore --cluster NAME --plan',
    '',
    'Ctrl-C or SIGTERM stops it. Start it again with the same --data to continue the runs in it.',
  ];
}

function tunnels(port: number, at: string, settings: (address: string) => string): string[] {
  return [
    'It cannot be reached from other hosts. For each Vault host, open a tunnel here and leave it open:',
    `  ssh -N -R ${at}:${at} VAULT-HOST`,
    'and on that host:',
    `  ${settings(`${LOOPBACK}:${port}`)}`,
    '  vault-dr agent --cluster NAME --node NODE',
    '',
  ];
}

function doors({ address, port }: Listen, host: string, settings: (address: string) => string): string[] {
  const shown = ['0.0.0.0', '::'].includes(address) ? host : address;
  return [
    `It listens on ${address}:${port} for other hosts. On each Vault host, with a client certificate:`,
    `  ${settings(`${shown}:${port}`)}`,
    '  export TEMPORAL_TLS_SERVER_CA_CERT_PATH=CA.pem TEMPORAL_TLS_CLIENT_CERT_PATH=CERT.pem TEMPORAL_TLS_CLIENT_KEY_PATH=KEY.pem',
    '  vault-dr agent --cluster NAME --node NODE',
    '',
  ];
}

/** @throws DrError InvalidInput when other hosts could connect without mutual TLS. */
async function readTls({ listen, tlsCert, tlsKey, tlsClientCa }: Options) {
  const files = [tlsCert, tlsKey, tlsClientCa];
  if (listen === undefined) {
    if (files.every((file) => file === undefined)) return null;
    throw new DrError('InvalidInput', '--tls-cert, --tls-key and --tls-client-ca need --listen. Nothing was started.', {
      advice: 'Add --listen ADDRESS:PORT, or leave them out.',
    });
  }
  if (tlsCert === undefined || tlsKey === undefined || tlsClientCa === undefined) {
    throw new DrError(
      'InvalidInput',
      '--listen needs mutual TLS, because every client of Temporal can start and cancel runs. Nothing was started.',
      { advice: 'Add --tls-cert, --tls-key and --tls-client-ca; or leave --listen out and use SSH tunnels.' },
    );
  }
  await refuseIfReadByAll(tlsKey, '--tls-key');
  const [cert, key, clientCa] = await Promise.all([tlsCert, tlsKey, tlsClientCa].map(readPem));
  return { ...listen, cert: cert!, key: key!, clientCa: clientCa! };
}

async function readPem(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new DrError('InvalidConfiguration', `${file} can't be read: ${(cause as Error).message}`, { cause });
  }
}
