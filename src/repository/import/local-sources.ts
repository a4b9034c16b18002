import { constants } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { DrError, isDrError } from '../../contract/failures';
import { assertFew, placeOf, type SourceFile } from './sources';

const DEEPEST = 8;

/** The file, or all files in and below the directory. Links in a directory are not followed. */
export async function localSources(named: string): Promise<{ files: SourceFile[]; isOne: boolean }> {
  const path = resolve(named);
  try {
    const stats = await stat(path);
    if (stats.isFile()) return { files: [sourceOf(path, basename(path), stats)], isOne: true };
    if (!stats.isDirectory()) throw unreadable(path, 'it is neither a file nor a directory');
    const files: SourceFile[] = [];
    await walk(path, '', 0, files);
    return { files, isOne: false };
  } catch (error) {
    if (isDrError(error)) throw error;
    throw unreadable(path, (error as NodeJS.ErrnoException).code ?? (error as Error).message, error);
  }
}

async function walk(root: string, below: string, depth: number, found: SourceFile[]): Promise<void> {
  const entries = await readdir(join(root, below), { withFileTypes: true });
  for (const entry of entries.toSorted((left, right) => (left.name < right.name ? -1 : 1))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && depth < DEEPEST) await walk(root, path, depth + 1, found);
    if (!entry.isFile()) continue;
    found.push(sourceOf(join(root, path), path, await stat(join(root, path))));
    assertFew(found.length, root);
  }
}

function sourceOf(file: string, path: string, { size, mtime }: { size: number; mtime: Date }): SourceFile {
  return { place: placeOf(file), path, sizeBytes: size, modifiedAt: mtime, open: () => openFile(file) };
}

/** A listed file may have become a pipe: don't wait for it. */
async function openFile(file: string) {
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    if ((await handle.stat()).isFile()) return handle.createReadStream();
    await handle.close();
  } catch (error) {
    throw unreadable(file, (error as NodeJS.ErrnoException).code ?? (error as Error).message, error);
  }
  throw unreadable(file, 'it is no longer a file');
}

function unreadable(path: string, why: string, cause?: unknown): DrError {
  return new DrError('InvalidInput', `${placeOf(path)} can't be read: ${why}.`, {
    where: placeOf(path),
    advice: 'Check that it exists on this host and that this user may read it.',
    cause,
  });
}
