import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { passedEnvironment } from '../child-environment';
import type { Notification } from '../contract/notification';
import { DrError } from '../contract/failures';

const TIMEOUT_MS = 30_000;

/** Runs the operator's own command with the notification as JSON on its standard input; nothing of it is in its arguments. */
export async function sendNotification(command: string[], notification: Notification): Promise<void> {
  const [program = '', ...args] = command;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const child = spawn(program, args, {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: passedEnvironment(),
    signal,
    killSignal: 'SIGKILL',
  });
  // A command that doesn't read its input is no failure.
  child.stdin.on('error', () => undefined);
  child.stdin.end(`${JSON.stringify(notification)}\n`);
  const [code] = (await once(child, 'close').catch((error: Error) => [error.message])) as [number | string | null];
  if (code === 0) return;
  throw new DrError('Internal', `The notification command \`${program}\` ended with ${code ?? 'a signal'}.`, {
    advice: 'Run it by hand with a JSON document on standard input.',
  });
}
