import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { passedEnvironment } from '../../child-environment';
import { withCauses } from '../../contract/causes';
import { DrError } from '../../contract/failures';
import { SEARCH_ATTRIBUTES } from '../../contract/names';
import { ensureSearchAttributes } from '../register-search-attributes';
import { type DataDirectory, lastLines } from './data-directory';

export const LOOPBACK = '127.0.0.1';
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 15_000;
/** The server's default is a day: too short to read on Monday what happened on Friday night. */
const RETENTION_DAYS = 30;

export interface NightServerOptions {
  program: string;
  directory: DataDirectory;
  port: number;
  uiPort: number;
  namespace: string;
  signal: AbortSignal;
}

export interface NightServer {
  logFile: string;
  /** Resolves with the exit status of the server. */
  ended: Promise<string>;
  /** SIGTERM, then SIGKILL. */
  stop: () => Promise<void>;
}

/**
 * Starts the development server of Temporal's CLI, with its database in a file, and returns when it answers, with namespace and
 * search attributes. It listens on the loopback alone: it knows neither logins nor TLS.
 * @throws DrError InvalidConfiguration, ServiceFailed with the end of its log; Aborted
 */
export async function startNightServer(options: NightServerOptions): Promise<NightServer> {
  const { directory, port, uiPort, signal } = options;
  for (const wanted of [port, uiPort]) await requireFree(wanted);
  const logFile = join(directory.path, 'server.log');
  const child = launch(options, logFile);
  let ending: string | null = null;
  const ended = endOf(child).then((how) => (ending = how));
  const stop = () => end(child, ended);
  try {
    if (child.pid !== undefined) await directory.noteServer(child.pid);
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      if (signal.aborted) throw new DrError('Aborted', "Temporal's server was stopped before it was ready.");
      if (ending !== null) throw failed(`It ${String(ending)}`, logFile);
      try {
        await prepare(`${LOOPBACK}:${port}`, options.namespace);
        break;
      } catch (error) {
        if (Date.now() > deadline) throw failed(`It did not answer: ${withCauses(error)}`, logFile);
      }
      await sleep(200, undefined, { signal }).catch(() => undefined);
    }
    // The answer must come from our server.
    if (ending !== null) throw failed(`It ${String(ending)}`, logFile);
    return { logFile, ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function launch({ program, directory, port, uiPort, namespace }: NightServerOptions, logFile: string): ChildProcess {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  const log = openSync(logFile, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
  const args = [
    'server',
    'start-dev',
    '--disable-config-file',
    '--disable-config-env',
    `--ip=${LOOPBACK}`,
    `--ui-ip=${LOOPBACK}`,
    `--port=${port}`,
    `--ui-port=${uiPort}`,
    `--db-filename=${join(directory.path, 'temporal.db')}`,
    // Acknowledged writes are synced: they survive a power cut.
    '--sqlite-pragma=journal_mode=WAL',
    '--sqlite-pragma=synchronous=FULL',
    `--namespace=${namespace}`,
    '--log-level=error',
    ...SEARCH_ATTRIBUTES.map((name) => `--search-attribute=${name}=Keyword`),
  ];
  try {
    return spawn(program, args, {
      cwd: directory.path,
      env: passedEnvironment(),
      stdio: ['ignore', log, log, directory.lock],
      // Ctrl-C in the terminal is for this process alone, which ends the server.
      detached: true,
    });
  } finally {
    closeSync(log);
  }
}

async function endOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return `ended with ${signal ?? `exit status ${code}`}`;
  } catch (error) {
    return `could not be started: ${(error as Error).message}`;
  }
}

async function end(child: ChildProcess, ended: Promise<string>): Promise<void> {
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}

/** Namespace and search attributes; both may exist already. */
async function prepare(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({
    address,
    connectTimeout: '2s',
    // Local: never through a proxy.
    channelArgs: { 'grpc.enable_http_proxy': 0 },
  });
  try {
    await connection.workflowService.updateNamespace({
      namespace,
      config: { workflowExecutionRetentionTtl: { seconds: (RETENTION_DAYS * 86_400) as never } },
    });
    await ensureSearchAttributes(connection, namespace);
  } finally {
    await connection.close();
  }
}

/** Another server on the port would answer in place of ours. @throws DrError InvalidConfiguration */
async function requireFree(port: number): Promise<void> {
  const probe = createServer();
  try {
    probe.listen(port, LOOPBACK);
    await once(probe, 'listening');
  } catch (error) {
    throw new DrError('InvalidConfiguration', `Port ${port} on ${LOOPBACK} is not free: ${(error as Error).message}.`, {
      advice: 'If Temporal is already running there, use it; otherwise choose other ports with --port and --ui-port.',
      cause: error,
    });
  } finally {
    probe.close();
  }
}

function failed(what: string, logFile: string): DrError {
  return new DrError(
    'ServiceFailed',
    `Temporal's server did not start. ${what}. The end of ${logFile}:\n${lastLines(logFile)}`,
    {
      where: logFile,
      advice: 'Fix the cause named in the log, then start it again: the data is kept.',
    },
  );
}
