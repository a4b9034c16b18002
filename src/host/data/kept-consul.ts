import { randomBytes } from 'node:crypto';
import { lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LeftOver } from '../../contract/host';
import { runName } from '../../contract/names';
import { statIfThere, syncDirectory } from '../../files/files';
import { openOwnDirectory, readOwnFile } from '../../files/own-files';
import type { SafeDirectory } from '../../files/safe-directory';
import { removeTree } from '../../files/safe-tree';
import type { Attempt } from '../run/attempt';
import { sizeOf } from './data-directory';

/** Below the state directory: what was in Consul before a restore outlives the run, as data directories do that are set aside. */
export const KEPT = 'set-aside';
/** In the directory of the run; written last, so that what it speaks of is complete. */
export const KEPT_NOTE = 'saved.json';

/** Names in it that are no kept data: of attempts that were killed while they wrote, or removed it. */
export const partialOf = (run: string) => `${runName(run)}.partial-`;
const discardedOf = (run: string) => `${runName(run)}.discarded-`;

/** What one run has kept of Consul on this host; nothing in most of them. Changes nothing. */
export async function listKeptConsul(stateDir: string, run: string): Promise<LeftOver[]> {
  const path = join(stateDir, KEPT, runName(run));
  // A link is nothing that a run has kept.
  if ((await lstat(path).catch(ignoreMissing))?.isDirectory() !== true) return [];
  if (readOwnFile(join(path, KEPT_NOTE)) === null) return [];
  const { mtime } = await stat(join(path, KEPT_NOTE));
  return [{ path, sizeBytes: await sizeOf(path), setAsideAt: mtime.toISOString() }];
}

/**
 * Deletes what one run has kept of Consul, and nothing else. Repeatable: renamed first, so that half of it is never mistaken for it.
 * @returns what was deleted
 */
export async function removeKeptConsul(stateDir: string, run: string, attempt: Attempt): Promise<LeftOver[]> {
  const kept = join(stateDir, KEPT);
  if ((await statIfThere(kept)) === null) return [];
  const found = await listKeptConsul(stateDir, run);
  const directory = openOwnDirectory(kept);
  try {
    if (found.length > 0) {
      attempt.assertCurrent();
      directory.rename(runName(run), `${discardedOf(run)}${randomBytes(4).toString('hex')}`);
    }
    for (const name of leftBy(directory, run)) await removeTree(directory, name);
  } finally {
    directory.close();
  }
  await syncDirectory(kept);
  return found;
}

function ignoreMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

function leftBy(directory: SafeDirectory, run: string): string[] {
  return directory.names().filter((name) => name.startsWith(discardedOf(run)) || name.startsWith(partialOf(run)));
}
