import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';

export interface CommandOptions {
  directory?: string | undefined;
  environment?: Record<string, string> | undefined;
  /** Standard output and error go here. */
  logFile: string;
  signal?: AbortSignal | undefined;
}

/**
 * Runs a command to its end, in a process group of its own so that an abort ends whatever it has started.
 * @returns its exit status; 127 when it can't be started.
 */
export async function runCommand(command: string, args: string[], options: CommandOptions): Promise<number> {
  options.signal?.throwIfAborted();
  const log = await open(options.logFile, 'w');
  try {
    const child = spawn(command, args, {
      cwd: options.directory,
      env: { ...process.env, ...options.environment },
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    });
    const endGroup = () => child.pid !== undefined && process.kill(-child.pid, 'SIGTERM');
    options.signal?.addEventListener('abort', endGroup, { once: true });
    try {
      const [code] = (await once(child, 'exit')) as [number | null];
      options.signal?.throwIfAborted();
      return code ?? 1;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 127;
      throw error;
    } finally {
      options.signal?.removeEventListener('abort', endGroup);
    }
  } finally {
    await log.close();
  }
}

/** The end of a log, for an error message; empty when there is none. */
export async function tail(file: string, lines = 30): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
