// Runs commands as steps: one line per step with its time, progress while it lasts, the end of the log when it fails.
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const SPIN_MS = 100;
const PLAIN_PROGRESS_MS = 15_000;
const LOG_LINES = 30;

/** Said to the user as it is; everything else that is thrown is a defect of these scripts. */
export class StepFailed extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

const interrupted = new AbortController();
let foreground;
let exitCodeOfSignal = 0;
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.on(signal, () => {
    exitCodeOfSignal = code;
    interrupted.abort();
    // An interrupt from the terminal reaches the foreground child by itself.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) foreground?.kill(signal);
  });
}

/** @param work gets a function that notes what it is about, and a signal that says when to give up */
export async function step(name, work) {
  const started = Date.now();
  const progress = showProgress(name, started);
  try {
    await work(progress.note, interrupted.signal);
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
  let frame = 0;
  const show = () => {
    const text = `${name.padEnd(10)} ${seconds(started)}  ${notes.at(-1) ?? ''}`;
    if (!onTerminal) return console.log(text);
    const width = (process.stdout.columns ?? 80) - 3;
    process.stdout.write(`\r\x1b[K${FRAMES[frame++ % FRAMES.length]} ${text.slice(0, width)}`);
  };
  const timer = setInterval(show, onTerminal ? SPIN_MS : PLAIN_PROGRESS_MS);
  return {
    note(text) {
      notes.push(text);
      // What lasts long says so at once; on a terminal the next frame shows it.
      if (!onTerminal) console.log(`${name.padEnd(10)} ${text}`);
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
  // In a group of its own, so that whatever it starts ends with it.
  const child = spawn(command, args, { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  const end = () => child.pid && process.kill(-child.pid, 'SIGTERM');
  interrupted.signal.addEventListener('abort', end);
  const code = await exitCodeOf(child);
  interrupted.signal.removeEventListener('abort', end);
  if (code === 0 || interrupted.signal.aborted) return;
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
  return exitCodeOfSignal || code;
}

function exitCodeOf(child) {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new StepFailed(`${child.spawnargs[0]} can't be started: ${error.message}`)));
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
