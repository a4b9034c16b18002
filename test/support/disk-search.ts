import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Short pieces from all over the bytes, by which they can be found. @throws if the bytes have too few of their own. */
export function needlesOf(bytes: Buffer): Buffer[] {
  const step = Math.max(64, Math.floor(bytes.length / 40));
  const needles: Buffer[] = [];
  for (let at = 10; at + 32 < bytes.length; at += step) needles.push(bytes.subarray(at, at + 32));
  // Long runs of one byte are everywhere.
  const conclusive = needles.filter((needle) => new Set(needle).size > 8);
  if (conclusive.length <= 10)
    throw new Error(`only ${conclusive.length} pieces of ${bytes.length} bytes can be searched for`);
  return conclusive;
}

/** Those of the files that hold one of the needles. */
export async function holders(files: string[], needles: Buffer[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of files) {
    // Files come and go while a backup runs.
    const content = await readFile(path).catch(() => Buffer.alloc(0));
    if (needles.some((needle) => content.includes(needle))) found.push(path);
  }
  return found;
}

export async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** What a process has open, wherever it lies, also when its name is gone. @throws if that is nothing. */
export async function openFiles(pid: number): Promise<string[]> {
  const directory = `/proc/${pid}/fd`;
  const open: string[] = [];
  for (const fd of await readdir(directory)) {
    const target = await readlink(join(directory, fd)).catch(() => '');
    if (target.startsWith('/') && !target.startsWith('/dev/')) open.push(join(directory, fd));
  }
  if (open.length === 0) throw new Error(`process ${pid} has no file open`);
  return open;
}
