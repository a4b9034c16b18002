import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, readSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ServiceConfig } from '../../config/schema';
import { DrError } from '../../contract/failures';
import { writeFileAtomically } from '../../files/atomic-file';
import { readIfThere } from '../../files/files';
import { readOwnFile } from '../../files/own-files';
import { signalProcess, startTimeOf } from '../../files/process-identity';
import { inDirectory } from '../../files/safe-directory';
import { passedEnvironment, serviceEnvironment } from '../../child-environment';
import { assignmentsIn, configPathsOf, programIn, structural } from '../../vault/config/server-start';
import { hasProgram } from './check-programs';
import type { Fence, ServerProgram, ServiceDriver, ServiceState } from './service-driver';

const run = promisify(execFile);
const { O_APPEND, O_CREAT, O_RDONLY, O_WRONLY } = constants;
const LOG_END_BYTES = 128 * 1024;
const LAUNCH_WITHIN_MS = 30_000;

type ProcessConfig = Extract<ServiceConfig, { driver: 'process' }>;

/**
 * The child writes its own pid file before it becomes Vault, so that Vault never runs unrecorded, even if the agent is
 * killed right after the fork. Start time and boot id distinguish it from a later process with the same pid. `ln`
 * creates the file atomically, and fails if there is one: of two launches only one becomes Vault. A launch that is
 * late, after a stop, sees the wanted state; a stop after that check finds the file. The agent's own files are private;
 * Vault gets the umask that a service manager would set.
 */
const LAUNCHER = [
  'read -r boot < /proc/sys/kernel/random/boot_id',
  'echo "$(cut -d" " -f1,22 "/proc/$$/stat") $boot" > "$0.$$" && ln "$0.$$" "$0"',
  'linked=$?',
  'rm -f "$0.$$"',
  '[ "$linked" = 0 ] || exit 75',
  'if [ "$(cat "$1" 2>/dev/null || echo running)" != running ]; then rm -f "$0"; exit 75; fi',
  'shift',
  'umask 022',
  'exec "$@"',
].join('\n');

/** Runs Vault as a child that outlives the agent; the next agent finds it by its pid file. */
export function createProcessDriver(config: ProcessConfig, stateDir: string): ServiceDriver {
  const pidFile = join(stateDir, 'vault.pid');
  const wantedFile = join(stateDir, 'vault.wanted');
  const logFile = config.logFile ?? join(stateDir, 'vault.log');

  async function runningPid(): Promise<number | null> {
    return pidIfAlive(readOwnFile(pidFile));
  }

  async function launch(fence?: Fence): Promise<void> {
    const found = readOwnFile(pidFile);
    if ((await pidIfAlive(found)) !== null) return;
    // Only a file that was found to be of a dead process: if there was none, a launch of an earlier agent may be
    // creating it.
    if (found !== null) await rm(pidFile, { force: true });
    const child = await spawnDetached(fence);
    // It takes a moment to become the program, and on a busy host many.
    const deadline = Date.now() + LAUNCH_WITHIN_MS;
    let ended = false;
    while (!ended && Date.now() < deadline) {
      ended = child.exitCode !== null || child.signalCode !== null;
      if ((await runningPid()) !== null) return;
      if (!ended) await sleep(50);
    }
    const problem = ended ? 'exited immediately' : `did not start within ${LAUNCH_WITHIN_MS / 1_000} s`;
    throw new DrError('ServiceFailed', `\`${config.command.join(' ')}\` ${problem}.`, {
      advice: `Check ${logFile}.`,
    });
  }

  async function spawnDetached(fence: Fence | undefined): Promise<ChildProcess> {
    const log = await openLog(logFile, O_WRONLY | O_APPEND | O_CREAT);
    try {
      fence?.assertCurrent();
      const child = spawn('/bin/sh', ['-c', LAUNCHER, pidFile, wantedFile, ...config.command], {
        detached: true,
        stdio: ['ignore', log, log],
        env: serviceEnvironment(config.env),
      });
      child.on('error', () => undefined);
      child.unref();
      return child;
    } finally {
      closeSync(log);
    }
  }

  // One at a time, or the supervisor might start what was just stopped.
  let last: Promise<unknown> = Promise.resolve();
  function inTurn<T>(act: () => Promise<T>): Promise<T> {
    const next = last.then(act, act);
    last = next.catch(() => undefined);
    return next;
  }

  async function want(state: ServiceState, fence?: Fence): Promise<void> {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    fence?.assertCurrent();
    await writeFileAtomically(wantedFile, `${state}\n`);
  }

  async function end(fence?: Fence): Promise<void> {
    const pid = await runningPid();
    if (pid === null) return;
    fence?.assertCurrent();
    signalProcess(pid, 'SIGTERM');
    const deadline = Date.now() + config.stopTimeoutSeconds * 1_000;
    while ((await runningPid()) === pid && Date.now() < deadline) await sleep(50);
    if ((await runningPid()) === pid) {
      fence?.assertCurrent();
      signalProcess(pid, 'SIGKILL');
    }
    for (let tries = 0; tries < 100 && (await runningPid()) === pid; tries++) await sleep(50);
    if ((await runningPid()) === pid) {
      throw new DrError('ServiceFailed', `Process ${pid} is still running after SIGKILL.`, {
        advice: 'It hangs in the kernel, probably on a disk or a network file system: check `dmesg` on that host.',
      });
    }
    await rm(pidFile, { force: true });
  }

  async function startIfWanted(onEvent: (message: string) => void): Promise<void> {
    const wanted = readOwnFile(wantedFile)?.trim() ?? 'running';
    if (wanted !== 'running' || (await runningPid()) !== null) return;
    onEvent('Vault is not running; starting it');
    await launch();
  }

  return {
    async status(): Promise<ServiceState> {
      return (await runningPid()) === null ? 'stopped' : 'running';
    },
    start: (fence) => inTurn(() => want('running', fence).then(() => launch(fence))),
    stop: (fence) => inTurn(() => want('stopped', fence).then(() => end(fence))),
    async version(): Promise<ServerProgram | null> {
      const [program = ''] = config.command;
      const said = await run(program, ['version'], { timeout: 5_000, env: passedEnvironment() }).catch(() => null);
      const version = said?.stdout.match(/v(\d+\.\d+\.\d+[^\s,]*)/)?.[1];
      if (version === undefined) return null;
      return { version, product: said?.stdout.startsWith('OpenBao') ? 'openbao' : 'vault' };
    },
    async check() {
      const missing = (await hasProgram(config.command)) ? [] : [`command: ${config.command[0]}`];
      return { unit: null, missingCommands: missing, unchecked: [] };
    },
    async serverStart() {
      const environment = { ...serviceEnvironment(config.env), ...assignmentsIn(config.command) };
      return {
        paths: configPathsOf(config.command, structural(environment)),
        environment: structural(environment),
        environmentKnown: true,
        unknown: [],
      };
    },
    async programRun() {
      // Whatever the program is called.
      const at = config.command.indexOf('server');
      const command = programIn(config.command) ?? (at > 0 ? config.command.slice(0, at) : null);
      const options = config.command.slice((command?.length ?? 0) + 1);
      return command && { command, options, environment: serviceEnvironment(config.env) };
    },
    recentLog: () => endOf(logFile),
    async supervise(abort: AbortSignal, onEvent: (message: string) => void): Promise<void> {
      while (!abort.aborted) {
        await inTurn(() => startIfWanted(onEvent)).catch((error: Error) => onEvent(error.message));
        await sleep(1_000, undefined, { signal: abort }).catch(() => undefined);
      }
    },
  };
}

/** The log may be in a directory of Vault's own user, who could put a link there to a file that only root can write. */
function openLog(file: string, flags: number): Promise<number> {
  return inDirectory(dirname(file), (directory) => directory.openPlain(basename(file), flags));
}

/** Enough for a few hundred lines. */
async function endOf(file: string): Promise<string> {
  const log = await openLog(file, O_RDONLY);
  try {
    const { size } = fstatSync(log);
    const from = Math.max(0, size - LOG_END_BYTES);
    const buffer = Buffer.alloc(size - from);
    return buffer.toString('utf8', 0, readSync(log, buffer, 0, buffer.length, from));
  } finally {
    closeSync(log);
  }
}

/** @param identity content of a pid file: process id, start time and boot. */
async function pidIfAlive(identity: string | null): Promise<number | null> {
  const [pid, startTime, boot] = identity?.trim().split(' ') ?? [];
  if (!pid || !startTime || boot !== (await readIfThere('/proc/sys/kernel/random/boot_id'))?.trim()) return null;
  return (await startTimeOf(Number(pid))) === startTime ? Number(pid) : null;
}
