import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { PluginFiles } from '../../contract/host';

/** Who asks about a host does not wait longer; what is not hashed by then is said to be so, and is there the next time. */
const WITHIN_MS = 2_000;
const MOST_FILES = 100;
/** Several times the largest plugin there is. */
const MOST_BYTES = 1024 ** 3;
/** A file that changes within one tick of the clock after it was read has the same times. */
const SETTLED_MS = 2_000;
const MOST_KNOWN = 1_000;

interface Hashed {
  stamp: string;
  sha256: string;
  /** Whether the same stamp means the same content from now on. */
  settled: boolean;
}

/** By path, so that nothing is read again that has not changed. */
const known = new Map<string, Hashed>();
const passes = new Map<string, Promise<void>>();

/**
 * Hashes the files of a directory. Follows no link, as Vault runs none that leads out of it.
 * @param names in it
 */
export async function hashesIn(
  directory: string,
  names: readonly string[],
  withinMs = WITHIN_MS,
): Promise<Required<Pick<PluginFiles, 'sha256' | 'unhashed'>>> {
  const paths = names.slice(0, MOST_FILES).map((name) => join(directory, name));
  const over = AbortSignal.timeout(withinMs);
  // Of two that ask at the same time only one reads.
  const pass = passes.get(directory) ?? hashAll(paths, over).finally(() => passes.delete(directory));
  passes.set(directory, pass);
  await Promise.race([pass, new Promise((done) => over.addEventListener('abort', done, { once: true }))]);

  const states = await Promise.all(paths.map(async (path) => ({ path, state: await stateOf(path) })));
  const hashes = states.flatMap(({ path, state }) => {
    const found = known.get(path);
    return state === 'other' ? [] : [found !== undefined && found.stamp === state ? found.sha256 : null];
  });
  return {
    sha256: [...new Set(hashes.filter((hash) => hash !== null))].toSorted(),
    unhashed: hashes.filter((hash) => hash === null).length + Math.max(0, names.length - MOST_FILES),
  };
}

/** One after the other. The file that is being read when the time is over is read to its end, and no other one begun. */
async function hashAll(paths: readonly string[], over: AbortSignal): Promise<void> {
  if (known.size > MOST_KNOWN) known.clear();
  for (const path of paths) {
    if (over.aborted) return;
    const state = await stateOf(path);
    const before = known.get(path);
    if (!isStamp(state) || (before?.settled && before.stamp === state)) continue;
    const hashed = await hash(path).catch(() => null);
    if (hashed !== null) known.set(path, hashed);
  }
}

/** Null for what is no plain file, or is changed meanwhile. */
async function hash(path: string): Promise<Hashed | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const before = await file.stat({ bigint: true });
    if (!before.isFile() || before.size > MOST_BYTES) return null;
    const sum = createHash('sha256');
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 1024 ** 2 })) {
      sum.update(chunk as Buffer);
    }
    const after = await file.stat({ bigint: true });
    const stamp = stampOf(after);
    if (stampOf(before) !== stamp) return null;
    const settled = Date.now() - Number(after.ctimeMs) > SETTLED_MS;
    return { stamp, sha256: sum.digest('hex'), settled };
  } finally {
    await file.close();
  }
}

/** `other`: what is no plugin anyway, such as a link; `unknown`: what may hold one, or can't be read. */
async function stateOf(path: string): Promise<string> {
  try {
    const stats = await lstat(path, { bigint: true });
    if (stats.isFile()) return stats.size > MOST_BYTES ? 'unknown' : stampOf(stats);
    return stats.isDirectory() ? 'unknown' : 'other';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'other' : 'unknown';
  }
}

function isStamp(state: string): boolean {
  return state !== 'other' && state !== 'unknown';
}

function stampOf(stats: Record<'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs', bigint>): string {
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':');
}
