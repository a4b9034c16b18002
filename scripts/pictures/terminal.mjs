// A terminal of its own: a private tmux server in which commands are typed, and whose screen is read.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';

const run = promisify(execFile);
const KEYS_AT_ONCE = 6;
const TYPING_MS = 120;
const LIMIT_MS = 120_000;

/** @param {{ socket: string, columns: number, rows: number, env: Record<string, string> }} options */
export async function openTerminal({ socket, columns, rows, env }) {
  const tmux = async (...args) => (await run('tmux', ['-S', socket, '-f', '/dev/null', ...args], { env })).stdout;
  await tmux(
    'new-session',
    '-d',
    '-s',
    'picture',
    '-x',
    `${columns}`,
    '-y',
    `${rows}`,
    'bash',
    '--norc',
    '--noprofile',
  );
  await tmux('set-option', '-t', 'picture', 'status', 'off');

  return {
    screen: () => tmux('capture-pane', '-p', '-e', '-t', 'picture'),
    async type(text) {
      for (let at = 0; at < text.length; at += KEYS_AT_ONCE) {
        await tmux('send-keys', '-t', 'picture', '-l', '--', text.slice(at, at + KEYS_AT_ONCE));
        await sleep(TYPING_MS);
      }
      await tmux('send-keys', '-t', 'picture', 'Enter');
    },
    clear: () => tmux('send-keys', '-t', 'picture', 'C-l'),
    async until(pattern) {
      const deadline = Date.now() + LIMIT_MS;
      while (!pattern.test(await tmux('capture-pane', '-p', '-t', 'picture'))) {
        if (Date.now() > deadline) throw new Error(`The terminal does not show ${pattern}.`);
        await sleep(100);
      }
    },
    close: () => tmux('kill-server').catch(() => undefined),
  };
}
