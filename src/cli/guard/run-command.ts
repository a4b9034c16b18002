import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { DrError } from '../../contract/failures';
import { isProgram } from '../../files/files';
import type { CommandEnd } from '../../guard/outcome';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
type Signal = (typeof SIGNALS)[number];
/** Those that a terminal sends to the command itself. */
const OF_THE_TERMINAL: readonly Signal[] = ['SIGINT', 'SIGQUIT'];

/**
 * Signals to this process. While the command runs they are for it, and the guard survives them, because what comes after is
 * needed most then. Before and after, they end the wait.
 */
export class Signals {
  readonly #interruption = new AbortController();
  #child: ChildProcess | null = null;

  constructor() {
    for (const signal of SIGNALS) process.on(signal, () => this.#received(signal));
    // The terminal may be gone; the cluster is watched nevertheless.
    process.stderr.on('error', () => undefined);
  }

  /** The work, or the interruption. @throws Interrupted */
  async orInterrupted<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#interruption;
    let stop: () => void = () => undefined;
    const interrupted = new Promise<never>((_resolve, reject) => {
      stop = () => reject(new Interrupted());
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([work, interrupted]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  passTo(child: ChildProcess | null): void {
    this.#child = child;
  }

  #received(signal: Signal): void {
    if (this.#child === null) this.#interruption.abort();
    else if (!(isTerminal() && OF_THE_TERMINAL.includes(signal))) this.#child.kill(signal);
  }
}

/** Somebody has ended the guard while it waited. */
export class Interrupted extends Error {}

function isTerminal(): boolean {
  return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
}

/**
 * The file that the command runs, as a shell finds it.
 * @throws DrError InvalidInput
 */
export async function findProgram(word: string, path = process.env['PATH'] ?? ''): Promise<string> {
  const candidates = word.includes('/')
    ? [resolve(word)]
    : path
        .split(delimiter)
        .filter(isAbsolute)
        .map((directory) => join(directory, word));
  for (const candidate of candidates) if (await isProgram(candidate)) return candidate;
  const where = word.includes('/') ? 'is no executable program' : 'is not in the PATH';
  throw new DrError('InvalidInput', `'${word}' ${where}. Nothing was changed.`, {
    advice: 'Give a program and its arguments after `--`. For a line of shell: -- sh -c LINE',
  });
}

/**
 * Runs a program as the operator: no shell, this terminal, this environment.
 * @param stdout where its output goes: beside a JSON document, to standard error
 * @returns how it ended. @throws Error if it did not start
 */
export async function runCommand(
  words: readonly string[],
  file: string,
  signals: Signals,
  stdout: 'inherit' | 2,
): Promise<CommandEnd> {
  const [argv0 = file, ...args] = words;
  const child = spawn(file, args, { argv0, stdio: ['inherit', stdout, 'inherit'], shell: false });
  signals.passTo(child);
  try {
    return await new Promise((settle, reject) => {
      child.once('error', reject);
      child.once('exit', (exitCode, signal) => settle({ exitCode, signal }));
    });
  } finally {
    signals.passTo(null);
  }
}

export const SIGNAL_NUMBERS: Readonly<Record<string, number>> = constants.signals;
