import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DrError } from '../contract/failures';
import { tail } from './run-command';

export interface ProcessSpec {
  name: string;
  command: [program: string, ...args: string[]];
  /** A command that becomes the process, at each start. */
  through?: string[];
  environment: Record<string, string>;
  logFile: string;
  /** Whether it works yet. */
  isReady: () => Promise<boolean>;
  /** Before each start. */
  prepare?: () => Promise<void>;
}

/** One long-lived process of the lab; it may be started again after it has ended. */
export interface LabProcess {
  readonly name: string;
  readonly logFile: string;
  /** While it runs. */
  readonly pid: number | undefined;
  /**
   * Returns when it is ready.
   * @param through a command that becomes the process, such as `env NAME=value`; for this start only
   * @throws DrError ServiceFailed with the end of its log.
   */
  start(through?: string[]): Promise<void>;
  /** SIGTERM, and SIGKILL after ten seconds. */
  stop(): Promise<void>;
  /** SIGKILL; children that detached live on. */
  kill(): Promise<void>;
  /** SIGSTOP: it neither works nor dies. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
}

/** How many times longer waits last than they say. Tests set it: they run on slow machines as well. */
const PATIENCE_VARIABLE = 'VAULT_DR_TEST_PATIENCE';
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

export function createProcess(spec: ProcessSpec): LabProcess {
  let child: ChildProcess | undefined;
  let exited: Promise<void> = Promise.resolve();
  let ending = 'was not started';

  function launch(through: string[]): void {
    const [program = '', ...args] = [...(spec.through ?? []), ...through, ...spec.command];
    const log = openSync(spec.logFile, 'a', 0o600);
    const started = spawn(program, args, {
      env: spec.environment,
      stdio: ['ignore', log, log],
      // The lab decides when it ends, not an interrupt from the terminal.
      detached: true,
    });
    closeSync(log);
    started.unref();
    child = started;
    exited = new Promise((resolve) => {
      const finish = (how: string) => {
        ending = how;
        child = undefined;
        resolve();
      };
      started.once('error', (error) => finish(`could not be started: ${error.message}`));
      started.once('exit', (code, signal) => finish(`ended with ${signal ?? `exit status ${code}`}`));
    });
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    // A kept lab does not keep this process alive; waiting for the end of one of its processes does.
    child?.ref();
    child?.kill(signal);
    await exited;
  }

  return {
    name: spec.name,
    logFile: spec.logFile,
    get pid() {
      return child?.pid;
    },
    async start(through = []) {
      if (child) return;
      await spec.prepare?.();
      launch(through);
      await waitFor(`${spec.name} is ready`, spec.isReady, {
        timeoutMs: START_TIMEOUT_MS,
        logFile: spec.logFile,
        giveUp: () => (child ? undefined : `${spec.name} ${ending}`),
      });
    },
    async stop() {
      child?.kill('SIGCONT');
      const timer = setTimeout(() => child?.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await end('SIGTERM');
      clearTimeout(timer);
    },
    kill: () => end('SIGKILL'),
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
  };
}

export interface WaitOptions {
  timeoutMs: number;
  everyMs?: number;
  /** Its end is shown when the wait times out. */
  logFile?: string;
  /** A reason why waiting longer is of no use. */
  giveUp?: () => string | undefined;
}

/**
 * Repeats a check until its result is truthy; an exception counts as "not yet".
 * @param what the condition as a statement, such as `vault-1 is unsealed`
 * @throws DrError ServiceFailed that says what did not come true, and why the last check failed.
 */
export async function waitFor<T>(
  what: string,
  check: () => Promise<T | undefined | false>,
  { timeoutMs, everyMs = 50, logFile, giveUp }: WaitOptions,
): Promise<T> {
  const longest = patient(timeoutMs);
  const deadline = Date.now() + longest;
  for (;;) {
    let reason: string;
    try {
      const result = await check();
      if (result) return result;
      reason = '';
    } catch (error) {
      reason = `: ${(error as Error).message}`;
    }
    const stopped = giveUp?.();
    if (stopped !== undefined || Date.now() > deadline) {
      const why = stopped ?? `timed out after ${longest / 1_000} s${reason}`;
      throw new DrError('ServiceFailed', `Waiting until ${what}: ${why}.${await logNote(logFile)}`);
    }
    await sleep(everyMs);
  }
}

/** Whether this is a process of the tests, and not the demo or a benchmark. */
export function inTests(): boolean {
  return process.env[PATIENCE_VARIABLE] !== undefined;
}

/** How long to wait on this machine. */
export function patient(timeoutMs: number): number {
  return timeoutMs * Number(process.env[PATIENCE_VARIABLE] ?? 1);
}

async function logNote(logFile: string | undefined): Promise<string> {
  if (logFile === undefined) return '';
  const end = await tail(logFile, 15);
  return end === '' ? ` Its log ${logFile} is empty.` : ` The end of ${logFile}:\n${end}`;
}
