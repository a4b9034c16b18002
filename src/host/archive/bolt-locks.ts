import { closeSync, constants } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { DrError } from '../../contract/failures';
import { lockForReading } from '../../files/file-lock';
import type { SafeDirectory } from '../../files/safe-directory';

/** The databases of bbolt in a Raft data directory, which Vault locks for as long as it has them open. */
const DATABASES = [['vault.db'], ['raft', 'raft.db'], ['raft', 'wal', 'wal-meta.db']];

/** The kernel frees the locks of a killed process a moment after the process is gone. */
const PATIENCE_MS = 2_000;
const BETWEEN_MS = 50;

/**
 * Keeps Vault from opening its databases while the work lasts: one that is started meanwhile waits for a second, and then ends with
 * `timeout`. The lock is a shared one, so that nothing has to be opened for writing; the kernel frees it when this process ends.
 * @throws DrError NodeUnsafe when a database stays open in another process: Vault runs; the reason of the signal.
 */
export async function whileLocked<T>(data: SafeDirectory, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const patienceEnds = performance.now() + PATIENCE_MS;
  const held: number[] = [];
  try {
    for (const names of DATABASES) {
      const file = openIn(data, names);
      if (file === null) continue;
      held.push(file);
      while (!(await lockForReading(file, 'the agent'))) {
        if (performance.now() >= patienceEnds) throw running(join(data.path, ...names));
        await setTimeout(BETWEEN_MS, undefined, { signal });
      }
    }
    return await work();
  } finally {
    for (const file of held) closeSync(file);
  }
}

function openIn(parent: SafeDirectory, [name = '', ...rest]: readonly string[]): number | null {
  if (parent.lstat(name) === null) return null;
  if (rest.length === 0) return parent.openPlain(name, constants.O_RDONLY);
  const directory = parent.child(name);
  try {
    return openIn(directory, rest);
  } finally {
    directory.close();
  }
}

function running(path: string): DrError {
  return new DrError('NodeUnsafe', `${path} is locked by another process: Vault runs on this data directory.`, {
    where: path,
    advice: 'A copy is consistent only of a stopped node. Stop Vault on this host, then archive again.',
  });
}
