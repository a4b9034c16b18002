import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Runs `work` while no other process does so under the same lock file. A lock whose owner is dead is taken over. Two
 * waiters may take over the same dead lock at once; then both do the work, which costs time and nothing else, because
 * programs are put in place by rename.
 */
export async function withLock<T>(
  lockFile: string,
  onWait: (ownerPid: number) => void,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  let announced = false;
  while (!(await acquire(lockFile))) {
    const owner = await ownerOf(lockFile);
    if (owner !== undefined && isAlive(owner)) {
      if (!announced) onWait(owner);
      announced = true;
      await sleep(500, undefined, { signal });
    } else {
      await rm(lockFile, { force: true });
    }
  }
  try {
    return await work();
  } finally {
    await rm(lockFile, { force: true });
  }
}

/** By link, so that a lock file is never seen without its owner in it. */
async function acquire(lockFile: string): Promise<boolean> {
  const own = `${lockFile}.${randomUUID()}`;
  await writeFile(own, `${process.pid}\n`);
  try {
    await link(own, lockFile);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

async function ownerOf(lockFile: string): Promise<number | undefined> {
  const text = await readFile(lockFile, 'utf8').catch(() => '');
  return Number.parseInt(text, 10) || undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
