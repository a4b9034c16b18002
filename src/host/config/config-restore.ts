import { linkSync, lutimesSync, lchownSync, symlinkSync } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { basename, dirname, relative } from 'node:path';
import { DrError, isDrError } from '../../contract/failures';
import { ownProcess } from '../../files/ownership';
import { readPlainBytes } from '../../files/plain-file';
import { type Owner, SafeDirectory, temporaryOf, type Times } from '../../files/safe-directory';
import { idOfName, nameOfId } from './accounts';
import { type ConfigEntry, MAX_COLLECTED_BYTES } from './config-files';

export interface EntryDifference {
  entry: ConfigEntry;
  /** The existing file; null if there is none. */
  present: { type: string; content: Buffer } | null;
  /** In words, such as `content`, `mode 0644 → 0640`; empty if nothing differs. */
  differences: string[];
}

/** Compares the collected files with those of this host, ignoring times. */
export async function compareEntry(entry: ConfigEntry): Promise<EntryDifference> {
  const stats = await lstat(entry.path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw readError(entry.path, error);
  });
  if (stats === null) return { entry, present: null, differences: ['missing here'] };
  const type = stats.isFile()
    ? 'file'
    : stats.isDirectory()
      ? 'directory'
      : stats.isSymbolicLink()
        ? 'symlink'
        : 'other';
  const present = { type, content: type === 'file' ? readOrExplain(entry.path) : Buffer.alloc(0) };
  if (type !== entry.type) return { entry, present, differences: [`a ${type} here, a ${entry.type} in the backup`] };
  const differences: string[] = [];
  if (type === 'file' && !present.content.equals(entry.content)) differences.push('content');
  if (type === 'symlink') {
    const target = await readlink(entry.path);
    if (target !== entry.target) differences.push(`link to ${target} → ${entry.target}`);
  } else {
    const mode = stats.mode & 0o7777;
    if (mode !== entry.mode) differences.push(`mode ${octal(mode)} → ${octal(entry.mode)}`);
  }
  const { uid, gid } = await ownerOf(entry);
  if (stats.uid !== uid || stats.gid !== gid) {
    const here = `${(await nameOfId('passwd', stats.uid)) || stats.uid}:${(await nameOfId('group', stats.gid)) || stats.gid}`;
    differences.push(`owner ${here} → ${entry.user || entry.uid}:${entry.group || entry.gid}`);
  }
  return { entry, present, differences };
}

/**
 * Entries that must not be written back, with the reason: everything except files, directories and links at or below
 * the paths in this host's own configuration.
 */
export function refusals(entries: readonly ConfigEntry[], configFiles: readonly string[]): string[] {
  const links = entries.filter(({ type }) => type === 'symlink').map(({ path }) => path);
  return entries.flatMap(({ path, mode }) => {
    if (rootOf(path, configFiles) === undefined) return [`${path} is not at or below configFiles of the node`];
    if ((mode & 0o7000) !== 0) return [`${path} has an unsafe mode (${octal(mode)})`];
    const link = links.find((other) => path.startsWith(`${other}/`));
    return link === undefined ? [] : [`${path} is below the link ${link}`];
  });
}

/**
 * Writes an entry to its path atomically, and keeps the existing file next to it.
 * @param suffix for the name of the kept file
 * @param configFiles of the node: below them no link is followed
 * @returns that name; null if nothing was kept.
 * @throws DrError PermissionDenied
 * DiskFull
 * NodeUnsafe
 * InvalidInput if a directory is where a file has to go.
 */
export async function restoreEntry(
  { entry, present }: EntryDifference,
  suffix: string,
  configFiles: readonly string[],
): Promise<string | null> {
  const { path, type } = entry;
  if (present && present.type !== type) {
    throw new DrError('InvalidInput', `${path} is a ${present.type} here and a ${type} in the backup.`, {
      where: path,
      advice: 'Move it away, then run the command again.',
    });
  }
  const [refused] = refusals([entry], configFiles);
  if (refused !== undefined) throw new DrError('InvalidInput', `${refused}.`, { where: path });
  const owner = await ownerOf(entry);
  let parent: SafeDirectory | undefined;
  try {
    parent = openParent(path, rootOf(path, configFiles) ?? path);
    if (type === 'directory') {
      writeDirectory(parent, entry, owner);
      return null;
    }
    const kept = present ? `${path}${suffix}` : null;
    putEntry(parent, entry, owner, kept);
    await parent.sync();
    return kept;
  } catch (error) {
    throw writeError(path, error as NodeJS.ErrnoException);
  } finally {
    parent?.close();
  }
}

/** The nearest configured path. */
function rootOf(path: string, configFiles: readonly string[]): string | undefined {
  const roots = configFiles.filter((root) => path === root || path.startsWith(`${root}/`));
  return roots.toSorted((left, right) => right.length - left.length)[0];
}

/** The directory of an entry, created if missing. Below configured paths links are not followed. */
function openParent(path: string, root: string): SafeDirectory {
  let directory = openOrMake(dirname(root));
  for (const name of relative(dirname(root), dirname(path)).split('/').filter(Boolean)) {
    try {
      const next = directory.lstat(name) ? directory.child(name) : makeIn(directory, name);
      directory.close();
      directory = next;
    } catch (error) {
      directory.close();
      throw error;
    }
  }
  return directory;
}

function openOrMake(path: string): SafeDirectory {
  try {
    return SafeDirectory.open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const parent = openOrMake(dirname(path));
  try {
    return makeIn(parent, basename(path));
  } finally {
    parent.close();
  }
}

function makeIn(parent: SafeDirectory, name: string): SafeDirectory {
  const made = parent.makeDirectory(name);
  made.setMode(0o755);
  return made;
}

function writeDirectory(parent: SafeDirectory, { path, mode, modifiedAt }: ConfigEntry, owner: Owner): void {
  const name = basename(path);
  const directory = parent.lstat(name) ? parent.child(name) : parent.makeDirectory(name);
  try {
    directory.give(owner, mode, timesOf(modifiedAt));
  } finally {
    directory.close();
  }
}

function putEntry(parent: SafeDirectory, entry: ConfigEntry, owner: Owner, kept: string | null): void {
  const name = basename(entry.path);
  const temporary = temporaryOf(name);
  try {
    if (entry.type === 'symlink') writeLink(parent.at(temporary), entry, owner);
    else parent.write(temporary, entry.content, { owner, mode: entry.mode, times: timesOf(entry.modifiedAt) });
    if (kept !== null) keep(parent.at(name), parent.at(basename(kept)));
    parent.rename(temporary, name);
  } finally {
    parent.unlink(temporary);
  }
}

/** A file kept by an earlier, interrupted restore is the original, and stays. */
function keep(path: string, kept: string): void {
  try {
    linkSync(path, kept);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function writeLink(path: string, { target, modifiedAt }: ConfigEntry, { uid, gid }: Owner): void {
  symlinkSync(target, path);
  if (ownProcess().uid === 0) lchownSync(path, uid, gid);
  lutimesSync(path, modifiedAt, modifiedAt);
}

function timesOf(modifiedAt: Date): Times {
  return { atimeMs: modifiedAt.getTime(), mtimeMs: modifiedAt.getTime() };
}

/** By name, because a new host may use other numbers for the same users. */
async function ownerOf({ user, group, uid, gid }: ConfigEntry): Promise<Owner> {
  return { uid: (await idOfName('passwd', user)) ?? uid, gid: (await idOfName('group', group)) ?? gid };
}

function readOrExplain(path: string): Buffer {
  try {
    return readPlainBytes(path, { maxBytes: MAX_COLLECTED_BYTES }) ?? Buffer.alloc(0);
  } catch (error) {
    throw isDrError(error) ? error : readError(path, error as NodeJS.ErrnoException);
  }
}

function readError(path: string, cause: NodeJS.ErrnoException): DrError {
  return new DrError('PermissionDenied', `${path} can't be read (${cause.code}).`, {
    where: path,
    advice: 'Run this command as root on the host of the node.',
    cause,
  });
}

function writeError(path: string, cause: NodeJS.ErrnoException): unknown {
  if (cause.code === 'ENOSPC' || cause.code === 'EDQUOT') {
    return new DrError('DiskFull', `No space left on device for ${path}.`, {
      where: path,
      advice: 'Free space there, then run the command again.',
      cause,
    });
  }
  if (cause.syscall === undefined) return cause;
  return new DrError('PermissionDenied', `${path} can't be written (${cause.code}).`, {
    where: path,
    advice: 'Run this command as root on the host of the node. Files written before this one remain.',
    cause,
  });
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
