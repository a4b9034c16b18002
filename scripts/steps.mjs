// Runs commands as steps: one line per step with its time, progress while it lasts, the end of the log when it fails.
import { execFile, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const SPIN_MS = 100;
const PLAIN_PROGRESS_MS = 15_000;
const LOG_LINES = 30;
/** In the environment of every process of a run of tests: the runs that it belongs to, since a test may start a run. */
const RUN_VARIABLE = 'VAULT_DR_TEST_RUN';
/** How long the labs of an interrupted run get to end by themselves. */
const LAB_GRACE_MS = 1_500;
/** How long an interrupted run waits for its processes to be gone. */
const SWEEP_LIMIT_MS = 10_000;

/** Said to the user as it is; everything else that is thrown is a defect of these scripts. */
export class StepFailed extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Exit code by signal, as shells have it. */
const INTERRUPTS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

const interrupted = new AbortController();
let foreground;
let exitCodeOfSignal = 0;
for (const [signal, code] of Object.entries(INTERRUPTS)) {
  process.on(signal, () => {
    interrupt(code);
    // An interrupt from the terminal reaches the foreground child by itself.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) foreground?.kill(signal);
  });
}

function interrupt(code) {
  exitCodeOfSignal ||= code;
  interrupted.abort();
}

/** @param work gets functions that note what it is about and how far it is, and a signal that says when to give up */
export async function step(name, work) {
  const started = Date.now();
  const progress = showProgress(name, started);
  try {
    await work(progress, interrupted.signal);
    interrupted.signal.throwIfAborted();
    progress.end();
    console.log(`${name.padEnd(10)} ok      ${seconds(started)}`);
  } catch (error) {
    progress.end();
    if (interrupted.signal.aborted) throw new StepFailed('', exitCodeOfSignal);
    console.log(`${name.padEnd(10)} FAILED  ${seconds(started)}`);
    throw error;
  }
}

function showProgress(name, started) {
  const onTerminal = process.stdout.isTTY;
  const notes = [];
  let passing;
  let frame = 0;
  const show = () => {
    const text = `${name.padEnd(10)} ${seconds(started)}  ${passing ?? notes.at(-1) ?? ''}`;
    if (!onTerminal) return console.log(text);
    const width = (process.stdout.columns ?? 80) - 3;
    process.stdout.write(`\r\x1b[K${FRAMES[frame++ % FRAMES.length]} ${text.slice(0, width)}`);
  };
  const timer = setInterval(show, onTerminal ? SPIN_MS : PLAIN_PROGRESS_MS);
  return {
    note(text) {
      notes.push(text);
      passing = undefined;
      // What lasts long says so at once; on a terminal the next frame shows it.
      if (!onTerminal) console.log(`${name.padEnd(10)} ${text}`);
    },
    /** Shown until there is news, and then forgotten. */
    passing(text) {
      passing = text;
    },
    end() {
      clearInterval(timer);
      if (!onTerminal) return;
      process.stdout.write('\r\x1b[K');
      for (const text of notes) console.log(`${name.padEnd(10)} ${text}`);
    },
  };
}

function seconds(started) {
  return `${((Date.now() - started) / 1000).toFixed(1)} s`.padStart(8);
}

let logDirectory;
let logsWanted = false;
process.on('exit', () => {
  if (logDirectory && !logsWanted) rmSync(logDirectory, { recursive: true, force: true });
});

/** Runs a command with its output in a log. Throws StepFailed, with the end of the log, unless it succeeds. */
export async function runLogged(name, command, args) {
  logDirectory ??= mkdtempSync(join(tmpdir(), 'vault-dr-logs-'));
  const logFile = join(logDirectory, `${name}.log`);
  const log = openSync(logFile, 'w');
  // In its own process group, so that its children end with it; by force, since the compiler keeps running after a
  // SIGTERM.
  const child = spawn(command, args, { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  const end = () => child.pid && kill(-child.pid);
  interrupted.signal.addEventListener('abort', end);
  const code = await exitCodeOf(child);
  interrupted.signal.removeEventListener('abort', end);
  interrupted.signal.throwIfAborted();
  if (code === 0) return;
  logsWanted = true;
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_LINES);
  throw new StepFailed(`${lines.join('\n')}\n\`${command} ${args.join(' ')}\` ended with ${code}. Log: ${logFile}`);
}

/** Runs a command on this terminal and returns its exit code. */
export async function runInForeground(command, args, environment = {}) {
  if (interrupted.signal.aborted) throw new StepFailed('', exitCodeOfSignal);
  foreground = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...environment } });
  const code = await exitCodeOf(foreground);
  foreground = undefined;
  // It may die of an interrupt from the terminal before this process has seen its own.
  if (Object.values(INTERRUPTS).includes(code)) interrupt(code);
  return exitCodeOfSignal || code;
}

/**
 * The same for a run of tests. When interrupted, it kills every process of the run at once, also those that are detached,
 * ignore signals or have lost their parent.
 */
export async function runTests(command, args, environment = {}) {
  const run = `${process.pid}-${Date.now()}`;
  const runs = [process.env[RUN_VARIABLE], run].filter(Boolean).join(' ');
  const end = () => killRun(run, { labs: false });
  interrupted.signal.addEventListener('abort', end);
  const code = await runInForeground(command, args, { ...environment, [RUN_VARIABLE]: runs });
  interrupted.signal.removeEventListener('abort', end);
  if (!interrupted.signal.aborted) return code;
  await sweep(run);
  throw new StepFailed('', exitCodeOfSignal);
}

/** Returns when nothing of a run is left. A lab ends, and removes its directories, once the process is dead that started it. */
async function sweep(run) {
  const started = Date.now();
  const keepLabs = Boolean(process.env['VAULT_DR_KEEP_LAB']);
  const limit = keepLabs ? LAB_GRACE_MS : SWEEP_LIMIT_MS;
  for (let elapsed = 0; elapsed < limit; elapsed = Date.now() - started) {
    if (killRun(run, { labs: elapsed > LAB_GRACE_MS }) === 0) return;
    await sleep(20);
  }
}

/** @returns how many processes of the run were still there */
function killRun(run, { labs }) {
  let count = 0;
  for (const pid of readdirSync('/proc').map(Number).filter(Boolean)) {
    const variables = environmentOf(pid);
    const valueOf = (name) => variables.find((item) => item.startsWith(`${name}=`))?.slice(name.length + 1);
    if (!valueOf(RUN_VARIABLE)?.split(' ').includes(run)) continue;
    count += 1;
    if (labs || valueOf('VAULT_DR_LAB') === undefined) kill(pid);
  }
  return count;
}

function environmentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    // It has just ended, or belongs to another user.
    return [];
  }
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** @returns what a command writes, or null when it fails. */
export async function outputOf(command, args) {
  const { signal } = interrupted;
  const output = await new Promise((resolve) => {
    execFile(command, args, { signal }, (error, stdout) => resolve(error ? null : stdout));
  });
  if (signal.aborted) throw new StepFailed('', exitCodeOfSignal);
  return output;
}

function exitCodeOf(child) {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new StepFailed(`${child.spawnargs[0]} can't be started: ${error.message}`)));
    child.once('exit', (code, signal) => resolve(code ?? INTERRUPTS[signal] ?? 1));
  });
}
