import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Attempt } from '../run/attempt';
import { readIfThere } from '../../files/files';
import { signalProcess, startTimeOf } from '../../files/process-identity';

const run = promisify(execFile);

/** Copies a directory with its owners, modes and times. Nothing writes any more when it returns, nor when it fails. */
export async function copyDirectory(from: string, to: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const copying = run('cp', ['-a', '--reflink=auto', from, to]);
  const end = () => copying.child.kill('SIGKILL');
  signal.addEventListener('abort', end);
  try {
    await copying;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Ends the copies to such a path that outlived the agent which had begun them, and waits until they are gone. */
export async function endCopies(toPrefix: string, attempt: Attempt): Promise<void> {
  for (const pid of (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number)) {
    const args = (await readIfThere(`/proc/${pid}/cmdline`).catch(() => null))?.split('\0').slice(0, -1) ?? [];
    if (args[0] !== 'cp' || !args.at(-1)?.startsWith(toPrefix)) continue;
    attempt.assertCurrent();
    signalProcess(pid, 'SIGKILL');
    while ((await startTimeOf(pid)) !== null) await sleep(50, undefined, { signal: attempt.signal });
  }
}
