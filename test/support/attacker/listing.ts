import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** What one thing below a directory is, in a line. */
export type Listing = Map<string, string>;

export interface ListingRules {
  /** Left out with all below it: what the product and its servers write by themselves. */
  ignored?: (path: string) => boolean;
  /** Written to all the time by a server that runs: it must be the same file, whatever is in it. */
  alive?: (path: string) => boolean;
}

/** Everything below a directory: kind, mode, owner, inode, and of what nobody writes to also size, time and hash. */
export async function listBelow(directory: string, rules: ListingRules = {}): Promise<Listing> {
  const listing: Listing = new Map();
  const { ignored = () => false, alive = () => false } = rules;
  async function visit(path: string): Promise<void> {
    const name = relative(directory, path) || '.';
    if (ignored(name)) return;
    const stats = await lstat(path).catch(() => null);
    if (stats === null) return;
    const { mode, uid, gid, ino, mtimeMs, size } = stats;
    const who = `${mode.toString(8)} ${uid}:${gid} inode ${ino}`;
    if (stats.isDirectory()) {
      // Its time changes with what is ignored below it; its entries are compared by themselves.
      listing.set(name, `directory ${who}`);
      for (const entry of await readdir(path)) await visit(join(path, entry));
    } else if (stats.isSymbolicLink()) listing.set(name, `link ${who} to ${await readlink(path)}`);
    else if (alive(name)) listing.set(name, `file ${who}`);
    else if (stats.isFile()) listing.set(name, `file ${who} ${size} ${mtimeMs} ${await hashOf(path)}`);
    else listing.set(name, `other ${who}`);
  }
  await visit(directory);
  return listing;
}

/** @returns a line for each thing that was added, removed or changed. */
export function differences(before: Listing, after: Listing): string[] {
  const gone = [...before.keys()].filter((name) => !after.has(name)).map((name) => `removed: ${name}`);
  const other = [...after].flatMap(([name, now]) => {
    const then = before.get(name);
    if (then === undefined) return [`added: ${name}`];
    return then === now ? [] : [`changed: ${name}: ${then} -> ${now}`];
  });
  return [...gone, ...other].toSorted();
}

async function hashOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
