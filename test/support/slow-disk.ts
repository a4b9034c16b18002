import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../src/lab/processes';
import { describeIf } from './describe-if';

/** Where it may not look at a process that it did not start, strace says so at once. */
const mayTrace = spawnSync('sh', ['-c', 'sleep 0.3 & exec strace -qq -o /dev/null -p $!']).status === 0;

/** For what needs `slowDisk`: left out, and said to be, where it can't be had. */
export const describeWithSlowDisks = describeIf(
  mayTrace,
  'needs strace (apt-get install strace), and root or kernel.yama.ptrace_scope=0',
);

export interface SlowDisk {
  /** The files and directories whose flush was late, by now. */
  flushed(): Promise<string[]>;
  /** From now on it is as fast as it was; what still waits continues at once. May be repeated. */
  repair(): Promise<void>;
}

/**
 * From now on everything that these processes, and those that they start, flush to a disk takes so much longer. That is
 * where a slow disk is felt: what is only written stays in memory until it is flushed. The processes are real, and so
 * is the wait in the kernel; any other work of theirs continues.
 * @param logDirectory for the list of what was flushed
 */
export async function slowDisk(pids: number[], milliseconds: number, logDirectory: string): Promise<SlowDisk> {
  const log = join(logDirectory, `slow-disk-${Date.now()}.log`);
  const tracing = ['-f', '-qq', '-y', '-o', log, '-e', 'trace=fsync,fdatasync'];
  const delay = `inject=fsync,fdatasync:delay_enter=${milliseconds * 1_000}`;
  const targets = pids.flatMap((pid) => ['-p', String(pid)]);
  const strace = spawn('strace', [...tracing, '-e', delay, ...targets], { stdio: 'ignore' });
  const ended = once(strace, 'exit');
  const isTraced = async (pid: number) => /^TracerPid:\t[1-9]/m.test(await readFile(`/proc/${pid}/status`, 'utf8'));
  await waitFor('strace has all of them', async () => (await Promise.all(pids.map(isTraced))).every(Boolean), {
    timeoutMs: 10_000,
    everyMs: 10,
  });
  return {
    flushed: async () =>
      (await readFile(log, 'utf8')).split('\n').flatMap((line) => /sync\(\d+<([^>]+)>/.exec(line)?.[1] ?? []),
    async repair() {
      strace.kill('SIGTERM');
      await ended;
    },
  };
}
