import { lstat, open, readdir, readFile, readlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { createGunzip, createGzip } from 'node:zlib';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header, pack } from 'tar-stream';
import { DrError } from '../contract/failures';
import { formatBytes } from '../contract/format';
import { nameOfId } from './accounts';

/** A file, directory or link of a host, as it was when it was collected. */
export interface ConfigEntry {
  /** Absolute. */
  path: string;
  type: 'file' | 'directory' | 'symlink';
  mode: number;
  uid: number;
  gid: number;
  /** Names, where the host knows them: on another host the numbers may be others. */
  user: string;
  group: string;
  modifiedAt: Date;
  /** Of a file. */
  content: Buffer;
  /** Of a link. */
  target: string;
}

export interface Collected {
  entries: ConfigEntry[];
  /** What could not be taken along, and why. */
  problems: string[];
}

/** Configuration is small; what is larger is data that strayed into its directory. */
export const MAX_COLLECTED_BYTES = 16 * 1024 * 1024;

/**
 * Reads the files and everything below the directories, with owner, mode and times. Links are kept as links.
 * @throws DrError InvalidConfiguration, with the largest files, when it is all too much.
 */
export async function collectFiles(paths: readonly string[], maxBytes = MAX_COLLECTED_BYTES): Promise<Collected> {
  const collected: Collected = { entries: [], problems: [] };
  for (const path of paths) await collect(path, collected, maxBytes);
  const taken = new Set(collected.entries.map(({ path }) => path));
  for (const { path, type, target } of collected.entries) {
    const to = resolve(dirname(path), target);
    if (type === 'symlink' && !taken.has(to))
      collected.problems.push(`${path} is a link to ${to}, which is not listed`);
  }
  return collected;
}

/** A gzipped tar that stock tools read. */
export function packEntries(entries: readonly ConfigEntry[]): Readable {
  const archive = pack();
  for (const { path, type, mode, uid, gid, user, group, modifiedAt, content, target } of entries) {
    const header = { name: path.slice(1), type, mode, uid, gid, uname: user, gname: group, mtime: modifiedAt };
    if (type === 'file') archive.entry({ ...header, size: content.length }, content);
    else archive.entry(type === 'symlink' ? { ...header, linkname: target } : header);
  }
  archive.finalize();
  return archive.pipe(createGzip());
}

/** @throws DrError CopyDamaged for what `packEntries` does not write. */
export async function unpackEntries(source: Readable): Promise<ConfigEntry[]> {
  const archive = extract();
  const entries: ConfigEntry[] = [];
  const read = async () => {
    for await (const entry of archive) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
      entries.push(entryOf(entry.header, Buffer.concat(chunks)));
    }
  };
  await Promise.all([pipeline(source, createGunzip(), archive), read()]);
  return entries;
}

async function collect(path: string, collected: Collected, maxBytes: number): Promise<void> {
  try {
    const stats = await lstat(path);
    const type = typeOf(stats);
    if (type === null) {
      collected.problems.push(`${path} is neither file nor directory nor link`);
      return;
    }
    collected.entries.push({
      path,
      type,
      mode: stats.mode & 0o7777,
      uid: stats.uid,
      gid: stats.gid,
      user: await nameOfId('passwd', stats.uid),
      group: await nameOfId('group', stats.gid),
      modifiedAt: stats.mtime,
      content: type === 'file' ? await readLimited(path, collected, maxBytes) : Buffer.alloc(0),
      target: type === 'symlink' ? await readlink(path) : '',
    });
    if (type !== 'directory') return;
    for (const name of (await readdir(path)).sort()) await collect(join(path, name), collected, maxBytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof DrError) throw error;
    collected.problems.push(`${path} can't be read (${code})`);
  }
}
