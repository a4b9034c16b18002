import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  openSync,
  read,
  write,
} from 'node:fs';
import { copyFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DrError } from '../contract/failures';
import { kindOf, mayGiveAway } from './ownership';
import { openPlainFile } from './plain-file';
import type { SafeDirectory } from './safe-directory';

const { COPYFILE_EXCL, COPYFILE_FICLONE_FORCE, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
const readSome = promisify(read);
const writeSome = promisify(write);

/** Deeper than any of ours; less than a process's limit of open files. */
const MAX_DEPTH = 64;
const CHUNK_BYTES = 1024 * 1024;
const BLANK = Buffer.alloc(CHUNK_BYTES);

/** Deletes an entry and everything below it, but never the target of a link. It may be gone already. */
export async function removeTree(parent: SafeDirectory, name: string, depth = 0): Promise<void> {
  const stats = parent.lstat(name);
  if (stats === null) return;
  if (!stats.isDirectory()) {
    // Off this thread: a large file takes long.
    await unlink(parent.at(name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    return;
  }
  requireDepth(parent, name, depth);
  const directory = parent.child(name);
  try {
    for (const entry of directory.names()) await removeTree(directory, entry, depth + 1);
  } finally {
    directory.close();
  }
  parent.removeDirectory(name);
}

/**
 * Copies the contents of a directory, with owners, modes and times, into one that no other user can enter yet. Blocks
 * of zeros stay holes, and where the file system shares blocks, nothing is copied at all.
 * @param names of the entries that are copied; default: all
 * @throws DrError NodeUnsafe at anything but files and directories: a copied link is not a copy of its target.
 */
export async function copyTree(
  from: SafeDirectory,
  to: SafeDirectory,
  signal: AbortSignal,
  names: readonly string[] = from.names(),
): Promise<void> {
  await copyEntries(from, to, { signal, shares: true }, 0, names);
}

interface Copying {
  signal: AbortSignal;
  /** Whether the file system may share blocks between files. */
  shares: boolean;
}

async function copyEntries(
  from: SafeDirectory,
  to: SafeDirectory,
  copying: Copying,
  depth: number,
  names: readonly string[] = from.names(),
): Promise<void> {
  for (const name of names) {
    copying.signal.throwIfAborted();
    const stats = from.lstat(name);
    if (stats === null) continue;
    if (stats.isDirectory()) await copyDirectory(from, to, name, copying, depth);
    else if (stats.isFile()) await copyPlainFile(from, to, name, copying);
    else throw uncopied(join(from.path, name), kindOf(stats));
  }
}

async function copyDirectory(
  from: SafeDirectory,
  to: SafeDirectory,
  name: string,
  copying: Copying,
  depth: number,
): Promise<void> {
  requireDepth(from, name, depth);
  const source = from.child(name);
  try {
    const target = to.makeDirectory(name);
    try {
      await copyEntries(source, target, copying, depth + 1);
      const stats = source.stats();
      target.give(stats, stats.mode & 0o777, stats);
    } finally {
      target.close();
    }
  } finally {
    source.close();
  }
}

async function copyPlainFile(from: SafeDirectory, to: SafeDirectory, name: string, copying: Copying): Promise<void> {
  const path = join(from.path, name);
  const source = openPlainFile(from.at(name), path);
  if (source === null) return;
  try {
    const stats = fstatSync(source);
    if (!stats.isFile()) throw uncopied(path, kindOf(stats));
    copying.shares &&= await shareBlocks(source, to.at(name));
    const target = openSync(to.at(name), copying.shares ? O_WRONLY | O_NOFOLLOW : O_WRONLY | O_CREAT | O_EXCL, 0o600);
    try {
      if (!copying.shares) await copyBytes(source, target, copying.signal);
      if (mayGiveAway()) fchownSync(target, stats.uid, stats.gid);
      fchmodSync(target, stats.mode & 0o777);
      futimesSync(target, stats.atimeMs / 1_000, stats.mtimeMs / 1_000);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** @returns whether the file system can; a failed attempt leaves nothing behind. */
async function shareBlocks(source: number, target: string): Promise<boolean> {
  try {
    await copyFile(`/proc/self/fd/${source}`, target, COPYFILE_EXCL | COPYFILE_FICLONE_FORCE);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error;
    return false;
  }
}

async function copyBytes(source: number, target: number, signal: AbortSignal): Promise<void> {
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let position = 0;
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await readSome(source, buffer, 0, buffer.length, position);
    if (bytesRead === 0) break;
    const chunk = buffer.subarray(0, bytesRead);
    if (!chunk.equals(BLANK.subarray(0, bytesRead))) await writeAll(target, chunk, position);
    position += bytesRead;
  }
  ftruncateSync(target, position);
}

async function writeAll(target: number, chunk: Buffer, position: number): Promise<void> {
  for (let done = 0; done < chunk.length;) {
    done += (await writeSome(target, chunk, done, chunk.length - done, position + done)).bytesWritten;
  }
}

function requireDepth(parent: SafeDirectory, name: string, depth: number): void {
  if (depth < MAX_DEPTH) return;
  const where = join(parent.path, name);
  throw new DrError('NodeUnsafe', `${where} is more than ${MAX_DEPTH} directories deep, so it was not touched.`, {
    where,
    advice: 'Vault creates nothing that deep. Find out who created it, and remove it by hand.',
  });
}

function uncopied(path: string, kind: string): DrError {
  return new DrError('NodeUnsafe', `${path} is ${kind}: without its target, a copy of the data would be incomplete.`, {
    where: path,
    advice: 'Vault creates only files and directories. Find out who created it, move it away by hand, then resume.',
  });
}
