import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, readdir, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DrError } from '../../contract/failures';
import type { DataDirectoryReport } from '../../contract/host';
import { runName } from '../../contract/names';
import type { Attempt } from '../run/attempt';
import { entriesIfThere } from '../../files/files';
import { isMountPoint } from '../../files/mount-point';
import { inDirectory, isTemporary, type SafeDirectory } from '../../files/safe-directory';
import { removeTree } from '../../files/safe-tree';
import type { Fence } from '../service/service-driver';

/** Names the run that made a data directory. Vault ignores files that it doesn't know. */
export const MARKER = '.vault-dr-run';

/** In the directory of a run: what is in the data directory from now on may be of the join itself. */
export const JOIN_BEGUN = 'join-begun';

/** Put into what is set aside: says whose it is, and makes it non-empty, so that nothing can be renamed over it. */
export const ASIDE_NOTE = '.vault-dr-set-aside';

export interface DataDirectoryState extends DataDirectoryReport {
  /** The run that made it, if one did. */
  madeByRun: string | null;
}

/** @throws DrError NodeUnsafe when the path is something that can't be set aside by a rename. */
export async function describeDataDirectory(path: string): Promise<DataDirectoryState> {
  const own = await statIfThere(path);
  const { bavail, bsize } = await statfs(await nearestExisting(path));
  const freeBytes = bavail * bsize;
  if (!own) {
    return { path, exists: false, empty: true, mountPoint: false, sizeBytes: 0, freeBytes, madeByRun: null };
  }
  requireDirectory(path, own);
  const names = await readdir(path);
  return {
    path,
    exists: true,
    empty: names.every((name) => name === MARKER || name === 'lost+found' || isTemporary(name)),
    mountPoint: await isMountPoint(path),
    sizeBytes: await sizeOf(path),
    freeBytes,
    madeByRun: await readMarker(path),
  };
}

export function asideNote(run: string): string {
  return `Set aside by restore run ${run} at ${new Date().toISOString()}\n`;
}

function requireDirectory(path: string, own: Stats): void {
  if (own.isSymbolicLink()) {
    throw new DrError('NodeUnsafe', `${path} is a symbolic link: its rename would move the link, not the data.`, {
      advice: 'Name the directory that it leads to as `dataDir` of this node, and in the configuration of Vault.',
    });
  }
  if (!own.isDirectory()) {
    throw new DrError('NodeUnsafe', `${path} is not a directory.`, { advice: 'Correct `dataDir` of this node.' });
  }
}

/** What a run puts beside a data directory. */
export function besideData(path: string, kind: string, run: string): string {
  return `${path}.${kind}-${runName(run)}`;
}

/** Where a run sets the data directory aside. */
export function setAsidePath(path: string, run: string): string {
  return besideData(path, 'pre-restore', run);
}

/**
 * Renames the data directory out of the way and puts an empty one in its place, with the same owner and mode. Repeatable.
 * `rename(2)` refuses to replace a directory that isn't empty, so what was set aside once can't be set aside again.
 * Vault must be stopped, and proved to be.
 * @returns the path of what was set aside; null when there was nothing.
 */
export async function setAsideDataDirectory(path: string, run: string, attempt: Attempt): Promise<string | null> {
  const aside = setAsidePath(path, run);
  const asideBefore = await statIfThere(aside);
  const current = await statIfThere(path);
  // Long after the plan looked at it.
  if (current) requireDirectory(path, current);

  if (current && (await readMarker(path)) === run) return asideBefore ? aside : null;
  if (current && asideBefore) {
    throw new DrError('NodeUnsafe', `${path} was set aside by this run already, yet there is a data directory again.`, {
      advice: `Something started Vault meanwhile (a service manager?). Keep it stopped, move ${path} away by hand, then resume.`,
    });
  }
  return beside(path, async (parent) => {
    if (current) {
      const data = parent.child(basename(path));
      try {
        attempt.assertCurrent();
        data.put(ASIDE_NOTE, asideNote(run));
        parent.rename(basename(path), basename(aside));
        parent.requireSame(basename(aside), data);
      } finally {
        data.close();
      }
      await parent.sync();
    }
    await putBlankDirectory(path, run, attempt, await ownerAndMode(path, run));
    return (await statIfThere(aside)) ? aside : null;
  });
}

/**
 * Empties a data directory that this very run made; any other is left alone.
 * @throws DrError NodeUnsafe when the directory isn't this run's.
 */
export async function blankDataDirectory(path: string, run: string, attempt: Attempt): Promise<void> {
  const current = await statIfThere(path);
  if (!current) return putBlankDirectory(path, run, attempt, await ownerAndMode(path, run));
  if ((await readMarker(path)) !== run) {
    throw new DrError('NodeUnsafe', `${path} was not made by this run, so it is not emptied.`, {
      advice: 'Find out whose data this is. If it may go, move it away by hand, then resume.',
    });
  }
  if ((await describeDataDirectory(path)).empty) return;
  const discarded = basename(temporaryName(path, 'discarded', run));
  await beside(path, async (parent) => {
    attempt.assertCurrent();
    parent.rename(basename(path), discarded);
    await putBlankDirectory(path, run, attempt, current);
    await removeTree(parent, discarded);
  });
}

/** Removes what attempts that were killed half-way left behind. */
export async function removeDiscarded(path: string, run: string, fence?: Fence): Promise<void> {
  const prefixes = (['discarded', 'blank', 'copy'] as const).map((kind) => `${basename(besideData(path, kind, run))}-`);
  await beside(path, (parent) => removeBeside(parent, prefixes, fence));
}

export async function removeBeside(parent: SafeDirectory, prefixes: readonly string[], fence?: Fence): Promise<void> {
  for (const name of parent.names()) {
    if (!prefixes.some((prefix) => name.startsWith(prefix))) continue;
    fence?.assertCurrent();
    await removeTree(parent, name);
  }
}

/** The directory around a data directory. Its owner may be the user that Vault runs as, who could swap names in it. */
export function beside<T>(path: string, work: (parent: SafeDirectory) => Promise<T> | T): Promise<T> {
  return inDirectory(dirname(path), work);
}

export async function putBlankDirectory(
  path: string,
  run: string,
  attempt: Attempt,
  like: { uid: number; gid: number; mode: number },
): Promise<void> {
  const name = basename(temporaryName(path, 'blank', run));
  await beside(path, async (parent) => {
    const blank = parent.makeDirectory(name);
    try {
      blank.put(MARKER, `${run}\n`, { owner: like });
      blank.give(like, like.mode & 0o770);
      attempt.assertCurrent();
      parent.rename(name, basename(path));
    } catch (error) {
      await removeTree(parent, name);
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
      throw new DrError('NodeUnsafe', `${path} came back while it was being replaced.`, {
        advice: 'Something started Vault meanwhile (a service manager?). Keep it stopped, then resume.',
        cause: error,
      });
    } finally {
      blank.close();
    }
    await parent.sync();
  });
}

export function temporaryName(path: string, kind: 'blank' | 'discarded' | 'copy', run: string): string {
  return `${besideData(path, kind, run)}-${randomBytes(4).toString('hex')}`;
}

/** As what was set aside; where there was nothing, as the directory around it. */
export async function ownerAndMode(path: string, run: string): Promise<Stats> {
  return (await statIfThere(setAsidePath(path, run))) ?? beside(path, (parent) => parent.stats());
}

/** The run that made a data directory; null when none did. @throws DrError NodeUnsafe when the marker is no plain file. */
export async function readMarker(path: string): Promise<string | null> {
  return (await readNote(path, MARKER))?.trim() ?? null;
}

/** What one of our files in such a directory says; null when it is not there. */
export async function readNote(path: string, name: string): Promise<string | null> {
  try {
    return await inDirectory(path, (directory) => directory.read(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** A link is a link. */
export async function statIfThere(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function nearestExisting(path: string): Promise<string> {
  return (await statIfThere(path)) ? path : nearestExisting(dirname(path));
}

/** Vault may write meanwhile, so what vanishes between two looks counts as nothing. */
export async function sizeOf(path: string): Promise<number> {
  let total = 0;
  for (const entry of await entriesIfThere(path)) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) total += await sizeOf(child);
    else if (entry.isFile()) total += (await statIfThere(child))?.size ?? 0;
  }
  return total;
}
