import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { readdir, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DrError } from '../../contract/failures';
import type { DataDirectoryReport, Layout } from '../../contract/host';
import type { Attempt } from '../run/attempt';
import { entriesIfThere, statIfThere } from '../../files/files';
import { isMountPoint } from '../../files/mount-point';
import { inDirectory, type SafeDirectory } from '../../files/safe-directory';
import { removeTree } from '../../files/safe-tree';
import type { Fence } from '../service/service-driver';
import { blankInside, setAsideInside } from './inside';
import { layoutOf } from './rights';
import { ASIDE_NOTE, asideNote, MARKER } from './notes';
import { physicalPath } from './physical-path';
import { placeOf, staysInPlace } from './place';

/** In the directory of a run: from then on the data directory may contain data of the join itself. */
export const JOIN_BEGUN = 'join-begun';

export interface DataDirectoryState extends DataDirectoryReport {
  /** The run that created it, if one did. */
  madeByRun: string | null;
}

/** @throws DrError NodeUnsafe if the path is neither a directory nor a trusted link to one. */
export async function describeDataDirectory(path: string): Promise<DataDirectoryState> {
  const own = await statIfThere(path);
  const leadsTo = await physicalPath(path);
  const { bavail, bsize } = await statfs(await nearestExisting(path));
  const freeBytes = bavail * bsize;
  if (!own) {
    return { path, exists: false, empty: true, mountPoint: false, sizeBytes: 0, freeBytes, madeByRun: null };
  }
  if (leadsTo === path) requireDirectory(path, own);
  const names = await readdir(leadsTo);
  return {
    path,
    ...(leadsTo === path ? {} : { leadsTo }),
    layout: await layoutOf(path),
    exists: true,
    empty: names.every((name) => name === MARKER || staysInPlace(name)),
    mountPoint: await isMountPoint(leadsTo),
    sizeBytes: await sizeOfData(leadsTo),
    freeBytes,
    madeByRun: await readMarker(path),
  };
}

/** For a rename of the whole directory. */
function requireDirectory(path: string, own: Stats): void {
  if (own.isSymbolicLink()) {
    throw new DrError('NodeUnsafe', `${path} is a symbolic link: renaming it would move the link, not the data.`, {
      notice: 'unexpected-file',
      advice:
        'If the link was created after the plan, start again: then the entries of its target are set aside in place.',
    });
  }
  if (!own.isDirectory()) {
    throw new DrError('NodeUnsafe', `${path} is not a directory.`, { advice: 'Correct `dataDir` of this node.' });
  }
}

/** Where a run sets aside a data directory that can be renamed. */
export function setAsidePath(path: string, run: string): string {
  return placeOf(path, 'beside').path('pre-restore', run);
}

/** How a run has set aside a data directory, or would. */
export async function layoutOfRun(path: string, run: string): Promise<Layout> {
  for (const layout of ['inside', 'beside'] as const) {
    if (await statIfThere(placeOf(await physicalPath(path), layout).path('pre-restore', run))) return layout;
  }
  return layoutOf(path);
}

/** The data that a run has set aside; null if there is none. */
export async function findAside(path: string, run: string): Promise<string | null> {
  const aside = placeOf(await physicalPath(path), await layoutOfRun(path, run)).path('pre-restore', run);
  return (await statIfThere(aside)) ? aside : null;
}

/**
 * Renames the data directory and creates an empty one in its place, with the same owner and mode. Repeatable. If it
 * can't be renamed, its entries are moved into a directory inside it: see `inside.ts`. `rename(2)` does not replace a
 * directory that is not empty, so data can't be set aside twice.
 * Vault must be stopped, and proved to be.
 * @returns the path of the data set aside; null if there was none.
 */
export async function setAsideDataDirectory(
  path: string,
  run: string,
  attempt: Attempt,
  layout: Layout = 'beside',
): Promise<string | null> {
  if (layout === 'inside') return setAsideInside(await physicalPath(path), run, attempt);
  const aside = setAsidePath(path, run);
  const asideBefore = await statIfThere(aside);
  const current = await statIfThere(path);
  // The plan checked this long ago.
  if (current) requireDirectory(path, current);
  if (current && (await isMountPoint(path))) {
    throw new DrError('NodeUnsafe', `${path} is a mount point, which can't be renamed.`, {
      advice: 'If it was mounted after the plan, start again: then its entries are set aside inside it.',
    });
  }

  const isRunsOwn = current !== null && (await readMarker(path)) === run;
  // Two instants of what a newer attempt does meanwhile would contradict each other.
  attempt.assertCurrent();
  if (isRunsOwn) return asideBefore ? aside : null;
  if (current && asideBefore) {
    throw new DrError('NodeUnsafe', `${path} was already set aside by this run, but it exists again.`, {
      notice: 'data-directory-back',
      advice: `Something has started Vault, perhaps a service manager. Keep it stopped, move ${path} away by hand, then resume.`,
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
 * Empties a data directory that this run created; any other is left alone.
 * @throws DrError NodeUnsafe if the directory is not the run's.
 */
export async function blankDataDirectory(path: string, run: string, attempt: Attempt): Promise<void> {
  const current = await statIfThere(path);
  if (current && (await layoutOfRun(path, run)) === 'inside')
    return blankInside(await physicalPath(path), run, attempt);
  if (!current) return putBlankDirectory(path, run, attempt, await ownerAndMode(path, run));
  if ((await readMarker(path)) !== run) {
    throw new DrError('NodeUnsafe', `${path} was not created by this run, so it is not emptied.`, {
      notice: 'data-directory-back',
      advice: 'Find out whose data this is. If it is not needed, move it away by hand, then resume.',
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

/** Removes what killed attempts left behind. */
export async function removeDiscarded(path: string, run: string, fence?: Fence): Promise<void> {
  const physical = await physicalPath(path);
  for (const layout of ['beside', 'inside'] as const) {
    const place = placeOf(physical, layout);
    const prefixes = (['discarded', 'blank', 'copy'] as const).map((kind) => `${place.name(kind, run)}-`);
    await inDirectory(place.parent, (directory) => removeBeside(directory, prefixes, fence)).catch(ignoreUnreachable);
  }
}

/** A directory that the agent can't even list contains none of its own files. */
export function ignoreUnreachable(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT' && error.code !== 'EACCES') throw error;
}

export async function removeBeside(parent: SafeDirectory, prefixes: readonly string[], fence?: Fence): Promise<void> {
  for (const name of parent.names()) {
    if (!prefixes.some((prefix) => name.startsWith(prefix))) continue;
    fence?.assertCurrent();
    await removeTree(parent, name);
  }
}

/** The directory that contains a data directory. It may belong to Vault's user, who could swap names in it. */
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
      throw new DrError('NodeUnsafe', `${path} was created again while it was being replaced.`, {
        advice: 'Something has started Vault, perhaps a service manager. Keep it stopped, then resume.',
        cause: error,
      });
    } finally {
      blank.close();
    }
    await parent.sync();
  });
}

export function temporaryName(path: string, kind: 'blank' | 'discarded' | 'copy', run: string): string {
  return `${placeOf(path, 'beside').path(kind, run)}-${randomBytes(4).toString('hex')}`;
}

/** Those of the data set aside; if there was none, those of the parent directory. */
export async function ownerAndMode(path: string, run: string): Promise<Stats> {
  return (await statIfThere(setAsidePath(path, run))) ?? beside(path, (parent) => parent.stats());
}

/**
 * The run that created a data directory; null if none did. @throws DrError NodeUnsafe if the marker is not a plain
 * file.
 */
export async function readMarker(path: string): Promise<string | null> {
  return (await readNote(path, MARKER))?.trim() ?? null;
}

/** The content of one of our files in such a directory; null if it does not exist. */
export async function readNote(path: string, name: string): Promise<string | null> {
  try {
    return await inData(path, (directory) => directory.read(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Also if the data directory is configured as a link. */
export async function inData<T>(path: string, work: (data: SafeDirectory) => Promise<T> | T): Promise<T> {
  return inDirectory(await physicalPath(path), work);
}

async function nearestExisting(path: string): Promise<string> {
  return (await statIfThere(path)) ? path : nearestExisting(dirname(path));
}

/** Size of Vault's own entries in a data directory. */
export async function sizeOfData(path: string): Promise<number> {
  return sizeOf(path, (name) => !staysInPlace(name));
}

/** Vault may write meanwhile, so files that vanish count as nothing. */
export async function sizeOf(path: string, counts: (name: string) => boolean = () => true): Promise<number> {
  let total = 0;
  for (const entry of await entriesIfThere(path)) {
    if (!counts(entry.name)) continue;
    const child = join(path, entry.name);
    if (entry.isDirectory()) total += await sizeOf(child);
    else if (entry.isFile()) total += (await statIfThere(child))?.size ?? 0;
  }
  return total;
}
