import { randomBytes } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { chmod, chown, lstat, mkdir, readdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DrError } from '../../contract/failures';
import type { DataDirectoryReport } from '../../contract/host';
import { runName } from '../../contract/names';
import type { Attempt } from '../run/attempt';
import { entriesIfThere, syncDirectory } from '../../files/files';
import { isMountPoint } from '../../files/mount-point';
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
  const own = await statIfThere(path, lstat);
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
    empty: names.every((name) => name === MARKER || name === 'lost+found'),
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
  const current = await statIfThere(path, lstat);
  // Long after the plan looked at it.
  if (current) requireDirectory(path, current);

  if (current && (await readMarker(path)) === run) return asideBefore ? aside : null;
  if (current && asideBefore) {
    throw new DrError('NodeUnsafe', `${path} was set aside by this run already, yet there is a data directory again.`, {
      advice: `Something started Vault meanwhile (a service manager?). Keep it stopped, move ${path} away by hand, then resume.`,
    });
  }
  if (current) {
    attempt.assertCurrent();
    writeFileSync(join(path, ASIDE_NOTE), asideNote(run));
    renameSync(path, aside);
    await syncDirectory(dirname(path));
  }
  await putBlankDirectory(path, run, attempt, await ownerAndMode(path, run));
  return (await statIfThere(aside)) ? aside : null;
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
  const discarded = temporaryName(path, 'discarded', run);
  attempt.assertCurrent();
  renameSync(path, discarded);
  await putBlankDirectory(path, run, attempt, current);
  await rm(discarded, { recursive: true, force: true });
}

/** Removes what attempts that were killed half-way left behind. */
export async function removeDiscarded(path: string, run: string, fence?: Fence): Promise<void> {
  const prefixes = ['discarded', 'blank', 'copy'].map((kind) => `${basename(besideData(path, kind, run))}-`);
  for (const name of await readdir(dirname(path))) {
    if (!prefixes.some((prefix) => name.startsWith(prefix))) continue;
    fence?.assertCurrent();
    await rm(join(dirname(path), name), { recursive: true, force: true });
  }
}

export async function putBlankDirectory(
  path: string,
  run: string,
  attempt: Attempt,
  like: { uid: number; gid: number; mode: number },
): Promise<void> {
  const blank = temporaryName(path, 'blank', run);
  await mkdir(blank, { mode: 0o700 });
  try {
    const marker = join(blank, MARKER);
    await writeFile(marker, `${run}\n`);
    if (process.getuid?.() === 0) {
      await chown(marker, like.uid, like.gid);
      await chown(blank, like.uid, like.gid);
    }
    await chmod(blank, like.mode & 0o770);
    attempt.assertCurrent();
    renameSync(blank, path);
  } catch (error) {
    await rm(blank, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    throw new DrError('NodeUnsafe', `${path} came back while it was being replaced.`, {
      advice: 'Something started Vault meanwhile (a service manager?). Keep it stopped, then resume.',
      cause: error,
    });
  }
  await syncDirectory(dirname(path));
}

export function temporaryName(path: string, kind: 'blank' | 'discarded' | 'copy', run: string): string {
  return `${besideData(path, kind, run)}-${randomBytes(4).toString('hex')}`;
}

/** As what was set aside; where there was nothing, as the directory around it. */
export async function ownerAndMode(path: string, run: string): Promise<Stats> {
  return (await statIfThere(setAsidePath(path, run))) ?? stat(dirname(path));
}

export async function readMarker(path: string): Promise<string | null> {
  try {
    return (await readFile(join(path, MARKER), 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

export async function statIfThere(path: string, read = stat): Promise<Stats | null> {
  try {
    return await read(path);
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
