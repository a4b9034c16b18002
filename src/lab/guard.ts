import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { DrError } from '../contract/failures';
import { compiled } from './project-root';
import { LAB_VARIABLE, sweep, TEST_RUN_VARIABLE } from './sweep';

/** The hold of this process on a lab: when the process ends, so does the lab, unless it is kept. Holds the process too. */
export interface Guard {
  /** Free ports on 127.0.0.1 that no other lab uses. */
  ports: number[];
  /** From now on the lab outlives this process. */
  keep(): Promise<void>;
  /** Ends every process of the lab and removes its directory. */
  end(): Promise<void>;
}

export async function startGuard(labId: string, directory: string): Promise<Guard> {
  const child = spawn(process.execPath, [compiled('src/lab/watchdog.js'), labId, directory], {
    // Detached, because an interrupt from the terminal goes to the whole group.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      [LAB_VARIABLE]: labId,
      [TEST_RUN_VARIABLE]: process.env[TEST_RUN_VARIABLE],
    },
  });
  let problem = '';
  child.stderr.on('data', (chunk: Buffer) => (problem += chunk.toString()));
  // The watchdog may be gone already when something is said to it; its exit is what counts.
  child.stdin.on('error', () => undefined);
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => {
    const { value } = (await lines.next()) as { value: string | undefined };
    if (value !== undefined) return value;
    throw new DrError('ServiceFailed', `The watchdog of the lab ended: ${problem.trim() || 'no reason given'}`);
  };

  const ports = JSON.parse(await nextLine()) as number[];
  let kept = false;
  return {
    ports,
    async keep() {
      if (kept) return;
      kept = true;
      child.stdin.write('keep\n');
      await nextLine();
      // Nothing of the lab keeps this process alive.
      for (const handle of [child, child.stdin, child.stdout, child.stderr] as (ChildProcess | Socket)[]) {
        handle.unref();
      }
    },
    async end() {
      if (kept) return sweep(labId, directory);
      child.stdin.end();
      await exited;
    },
  };
}
