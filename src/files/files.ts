import { constants, createWriteStream, type Dirent, type Stats } from 'node:fs';
import { access, lstat, mkdir, open, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { flushesNoDirectories } from './disk-error';
import { openOwnDirectory } from './own-files';

/** Read from a file, or waiting to be written to it, at a time: each access costs as much for a few bytes. */
export const DISK_PIECE_BYTES = 512 * 1024;

const REPORT_EVERY_MS = 2_000;
/** A disk that needs longer for one flush hangs. */
const LONGEST_FLUSH_MS = 10 * 60_000;

export async function entriesIfThere(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Does not follow a link. */
export async function statIfThere(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Whether it is an executable file. */
export async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/**
 * Creates a directory that nobody else can read, or makes an existing one so.
 * @throws DrError NodeUnsafe if it belongs to somebody else, or others can replace it.
 */
export async function privateDirectory(...segments: string[]): Promise<string> {
  const path = join(...segments);
  await makeDirectories(path);
  const directory = openOwnDirectory(path);
  try {
    directory.setMode(0o700);
  } finally {
    directory.close();
  }
  return path;
}

/**
 * One by one: Node's own `recursive` says of a read-only file system that there is no such file, and never ends in /proc.
 * @param parents mode of those above it
 */
export async function makeDirectories(path: string, mode = 0o700, parents = mode): Promise<void> {
  const make = () =>
    mkdir(path, { mode }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  try {
    await make();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeDirectories(dirname(path), parents);
    await make();
  }
}

/**
 * Fills a new file that only its owner can read, and returns once it is synced. A slow disk needs minutes for that after
 * the last byte was written; progress is reported meanwhile.
 */
export async function writeDurably(
  path: string,
  fill: (file: Writable) => Promise<void>,
  onFlushing: () => void,
): Promise<void> {
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600, highWaterMark: DISK_PIECE_BYTES });
  const closed = new Promise<void>((resolve) => file.once('close', resolve));
  try {
    await fill(file);
  } finally {
    // Without this a failure could leave behind a file that is still being opened: it would appear after its removal.
    file.destroy();
    await closed;
  }
  await whileFlushing(onFlushing, () => sync(path));
}

/** Reports regularly that a disk is being waited for, until it counts as hanging. */
export async function whileFlushing<T>(onFlushing: () => void, flush: () => Promise<T>): Promise<T> {
  const begun = Date.now();
  const timer = setInterval(() => {
    if (Date.now() - begun < LONGEST_FLUSH_MS) onFlushing();
  }, REPORT_EVERY_MS);
  try {
    return await flush();
  } finally {
    clearInterval(timer);
  }
}

/**
 * Flushes a directory, so that new and renamed files survive a crash. @returns whether its file system supports this.
 */
export async function syncDirectory(path: string): Promise<boolean> {
  try {
    await sync(path);
    return true;
  } catch (error) {
    if (!flushesNoDirectories(error)) throw error;
    return false;
  }
}

/** Makes the entries of a directory survive a crash. */
export async function syncTree(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) await syncTree(child);
    else if (entry.isFile()) await sync(child);
  }
  await sync(path);
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
