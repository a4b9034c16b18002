import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  lchown,
  link,
  lstat,
  lutimes,
  mkdir,
  open,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  utimes,
} from 'node:fs/promises';
import { dirname } from 'node:path';
import { DrError } from '../../contract/failures';
import { idOfName, nameOfId } from './accounts';
import type { ConfigEntry } from './config-files';
import { syncDirectory } from '../../files/files';

export interface EntryDifference {
  entry: ConfigEntry;
  /** What is there instead; null when nothing is. */
  present: { type: string; content: Buffer } | null;
  /** In words, such as `content`, `mode 0644 → 0640`; empty when nothing differs. */
  differences: string[];
}

/** Compares what was collected with what this host has. Times don't count. */
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
  const present = { type, content: type === 'file' ? await readOrExplain(entry.path) : Buffer.alloc(0) };
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
 * Puts an entry where it was, in one step, and keeps what stood there beside it.
 * @param suffix of the name under which the present file is kept
 * @returns that name; null when nothing had to be kept.
 * @throws DrError PermissionDenied | DiskFull | InvalidInput when a directory stands where a file has to go.
 */
export async function restoreEntry({ entry, present }: EntryDifference, suffix: string): Promise<string | null> {
  const { path, type } = entry;
  if (present && present.type !== type) {
    throw new DrError('InvalidInput', `${path} is a ${present.type} here and a ${type} in the backup.`, {
      where: path,
      advice: 'Move it away, then restore again.',
    });
  }
  const { uid, gid } = await ownerOf(entry);
  try {
    await mkdir(dirname(path), { recursive: true });
    if (type === 'directory') {
      await mkdir(path, { recursive: true });
      await chown(path, uid, gid);
      await chmod(path, entry.mode);
      await utimes(path, entry.modifiedAt, entry.modifiedAt);
      return null;
    }
    const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      await (type === 'file' ? writeFileEntry(temporary, entry, uid, gid) : writeLink(temporary, entry, uid, gid));
      const kept = present ? `${path}${suffix}` : null;
      if (kept !== null) await keep(path, kept);
      await rename(temporary, path);
      await syncDirectory(dirname(path));
      return kept;
    } finally {
      await rm(temporary, { force: true });
    }
  } catch (error) {
    throw writeError(path, error as NodeJS.ErrnoException);
  }
}

/** What an earlier, interrupted restore has kept is the original and stays. */
async function keep(path: string, kept: string): Promise<void> {
  await link(path, kept).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

async function writeFileEntry(path: string, entry: ConfigEntry, uid: number, gid: number): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(entry.content);
    await handle.chown(uid, gid);
    await handle.chmod(entry.mode);
    await handle.utimes(entry.modifiedAt, entry.modifiedAt);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeLink(path: string, entry: ConfigEntry, uid: number, gid: number): Promise<void> {
  await symlink(entry.target, path);
  await lchown(path, uid, gid);
  await lutimes(path, entry.modifiedAt, entry.modifiedAt);
}

/** By name, because a new host may have given the same users other numbers. */
async function ownerOf({ user, group, uid, gid }: ConfigEntry): Promise<{ uid: number; gid: number }> {
  return { uid: (await idOfName('passwd', user)) ?? uid, gid: (await idOfName('group', group)) ?? gid };
}

async function readOrExplain(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw readError(path, error as NodeJS.ErrnoException);
  }
}

function readError(path: string, cause: NodeJS.ErrnoException): DrError {
  return new DrError('PermissionDenied', `${path} can't be read (${cause.code}).`, {
    where: path,
    advice: 'Run this as root on the host of the node.',
    cause,
  });
}

function writeError(path: string, cause: NodeJS.ErrnoException): unknown {
  if (cause.code === 'ENOSPC' || cause.code === 'EDQUOT') {
    return new DrError('DiskFull', `There is no room for ${path}.`, { where: path, advice: 'Make room there.', cause });
  }
  if (cause.syscall === undefined) return cause;
  return new DrError('PermissionDenied', `${path} can't be written (${cause.code}).`, {
    where: path,
    advice: 'Run this as root on the host of the node. What was written before this file stays.',
    cause,
  });
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
