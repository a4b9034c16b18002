import type { Stats } from 'node:fs';
import { basename, dirname } from 'node:path';
import { DrError } from '../contract/failures';
import { kindOf, ownProcess, swappableByOthers } from './ownership';
import { SafeDirectory } from './safe-directory';
import { readPlainFile } from './plain-file';

/**
 * Opens a directory whose contents are trusted: it is ours, and no other user can replace it or one of its parents. (In
 * a directory such as /tmp, where everyone may write, users can't remove files of others.)
 * @throws DrError NodeUnsafe otherwise.
 */
export function openOwnDirectory(path: string): SafeDirectory {
  return SafeDirectory.open(path, (at, stats, isLast) => {
    const { uid } = ownProcess();
    if (isLast && stats.uid !== uid) throw foreign(at, `belongs to ${userOf(stats)}, not to user ${uid}`);
    if (swappableByOthers(stats)) throw foreign(at, `is writable by others (${userOf(stats)}, mode ${modeOf(stats)})`);
  });
}

export interface OwnFileOptions {
  /** Other users may not read it either. */
  secret?: boolean;
  maxBytes?: number;
}

/**
 * Reads a file that only we can have written, so its content is trusted.
 * @returns null when it is not there, nor its directory. @throws DrError NodeUnsafe when others had, or have, access to
 * it.
 */
export function readOwnFile(path: string, { secret = false, maxBytes }: OwnFileOptions = {}): string | null {
  let directory: SafeDirectory;
  try {
    directory = openOwnDirectory(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return readPlainFile(directory.at(basename(path)), {
      shownAs: path,
      maxBytes,
      check: (stats) => requireOwn(path, stats, secret),
    });
  } finally {
    directory.close();
  }
}

/** @throws DrError NodeUnsafe unless it is a regular file of ours that nobody else can write, nor read when it is secret. */
export function requireOwn(path: string, stats: Stats, secret: boolean): void {
  const { uid } = ownProcess();
  if (!stats.isFile()) throw foreign(path, `is ${kindOf(stats)}`);
  if (stats.uid !== uid) throw foreign(path, `belongs to ${userOf(stats)}, not to user ${uid}`);
  if ((stats.mode & (secret ? 0o077 : 0o022)) !== 0)
    throw foreign(path, `is accessible to others (mode ${modeOf(stats)})`);
}

function foreign(path: string, what: string): DrError {
  return new DrError('NodeUnsafe', `${path} ${what}, so it is not trusted.`, {
    notice: 'untrusted-path',
    where: path,
    advice:
      'Only root and the user that vault-dr runs as may own or change it and its parent directories. Find out who changed it; then correct owner and mode, or move it away.',
  });
}

function userOf({ uid }: Stats): string {
  return `user ${uid}`;
}

function modeOf({ mode }: Stats): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
