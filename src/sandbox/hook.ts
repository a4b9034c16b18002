import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { passedEnvironment } from '../child-environment';
import type { SandboxConfig } from '../config/schema';
import { DrError } from '../contract/failures';
import { formatSeconds } from '../contract/format';

/** This process's own: what it prints there is no part of a result. */
const STANDARD_ERROR = 2;
const PROXIES = /_proxy$/i;

/**
 * Runs the operator's own check against the sandbox. Whatever it started is ended with it.
 * @param access variables that lead it there; the token among them is in no argument and no file
 * @throws DrError DrillRejected
 */
export async function runHook(
  { command, minutes }: NonNullable<SandboxConfig['hook']>,
  access: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const [program = '', ...args] = command;
  // A proxy would lead it to another Vault than that of the socket.
  const passed = Object.entries(passedEnvironment()).filter(([name]) => !PROXIES.test(name));
  const child = spawn(program, args, {
    stdio: ['ignore', STANDARD_ERROR, STANDARD_ERROR],
    env: { ...Object.fromEntries(passed), ...access },
    detached: true,
  });
  const limit = AbortSignal.timeout(minutes * 60_000);
  const ends = [limit, signal];
  const end = () => endAll(child);
  for (const one of ends) one.addEventListener('abort', end, { once: true });
  try {
    if (signal.aborted) end();
    const [code] = (await once(child, 'exit').catch((error: NodeJS.ErrnoException) => [error.code])) as [
      number | string | null,
    ];
    signal.throwIfAborted();
    if (code === 0) return;
    throw rejected(
      limit.aborted
        ? `took longer than ${formatSeconds(Math.round(minutes * 60))}`
        : `ended with ${code === null ? 'a signal' : code}`,
    );
  } finally {
    for (const one of ends) one.removeEventListener('abort', end);
    endAll(child);
  }

  function rejected(how: string): DrError {
    return new DrError('DrillRejected', `The hook \`${program}\` ${how}.`, {
      advice: 'Read what it printed. The backup itself was loaded and unsealed.',
    });
  }
}

/** With its children: it leads a group of its own. */
function endAll({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
