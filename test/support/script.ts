import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const HOOK = join(__dirname, 'typescript-hook.js');
const SOURCES = join(__dirname, '../../src');

export interface Script {
  pid: number;
  /** The next line of standard output. */
  line(): Promise<string>;
  /** Ends it at once, if it still runs, and waits for its end. */
  kill(): Promise<void>;
}

/** Arguments for Node that run `code` with `load('files/files')` for the sources of the product. */
export function scriptArguments(code: string): string[] {
  const prelude = `const load = (path) => require(${JSON.stringify(SOURCES)} + '/' + path + '.ts');`;
  return ['-r', HOOK, '-e', `${prelude}\n(async () => {${code}})();`];
}

/** Runs code of the product in a process of its own, which can be frozen and killed. */
export function startScript(code: string): Script {
  const child = spawn(process.execPath, scriptArguments(code), { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid ?? 0,
    async line() {
      const { value, done } = await lines.next();
      if (done) throw new Error('The script ended and said nothing more.');
      return value;
    },
    kill: () => killNow(child),
  };
}

async function killNow(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
