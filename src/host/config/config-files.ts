import type { Stats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { extract, type Header, pack } from 'tar-stream';
import { DrError } from '../../contract/failures';
import { formatBytes } from '../../contract/format';
import { readPlainBytes } from '../../files/plain-file';
import { nameOfId } from './accounts';

const ENTRY_TYPES = ['file', 'directory', 'symlink'] as const;
type EntryType = (typeof ENTRY_TYPES)[number];

/** A file, directory or link of a host, as collected. */
export interface ConfigEntry {
  /** Absolute. */
  path: string;
  type: EntryType;
  mode: number;
  uid: number;
  gid: number;
  /** Names, if the host knows them: another host may use other numbers. */
  user: string;
  group: string;
  modifiedAt: Date;
  /** Of a file; empty otherwise. */
  content: Buffer;
  /** Of a link; empty otherwise. */
  target: string;
}

export interface CollectedFiles {
  entries: ConfigEntry[];
  /** What could not be collected, and why. */
  problems: string[];
}

/** Configuration is small; anything larger is data that ended up in its directory. */
export const MAX_COLLECTED_BYTES = 16 * 1024 * 1024;
const MAX_ENTRIES = 10_000;
/** Limits of a tar header: six octal digits, and the length of a name in UTF-8. */
const MAX_OWNER_NUMBER = 0o777777;
const MAX_NAME_BYTES = 32;

/**
 * Reads the files and everything below the directories, with owner, mode and times. Links are not followed.
 * @throws DrError InvalidConfiguration that names the largest files, if there is too much.
 */
export async function collectFiles(paths: readonly string[], maxBytes = MAX_COLLECTED_BYTES): Promise<CollectedFiles> {
  const problems: string[] = [];
  const found = new Map<string, Stats>();
  for (const path of paths) await find(path, found, problems);
  if (found.size > MAX_ENTRIES) {
    throw new DrError('InvalidConfiguration', `There are more than ${MAX_ENTRIES} files below configFiles.`, {
      advice: 'Name only configuration files under configFiles.',
    });
  }
  const files = [...found].filter(([, stats]) => stats.isFile()).map(([path, { size }]) => ({ path, size }));
  const total = files.reduce((sum, { size }) => sum + size, 0);
  if (total > maxBytes) {
    throw new DrError(
      'InvalidConfiguration',
      `The configuration files are ${formatBytes(total)} in total, over the limit of ${formatBytes(maxBytes)}; ${largest(files)}.`,
      { advice: 'Name only configuration files under configFiles.' },
    );
  }
  const entries: ConfigEntry[] = [];
  for (const [path, stats] of found) {
    const entry = await orProblem(path, problems, () => read(path, stats, maxBytes));
    if (entry) entries.push(entry);
  }
  return { entries, problems: [...problems, ...danglingLinks(entries)] };
}

/** For messages: what takes up most space. */
export function largest(files: readonly { path: string; size: number }[]): string {
  const named = files.toSorted((left, right) => right.size - left.size).slice(0, 3);
  return `the largest: ${named.map(({ path, size }) => `${path} (${formatBytes(size)})`).join(', ')}`;
}

/** A gzipped tar that stock tools read. */
export async function packEntries(entries: readonly ConfigEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { path, type, mode, uid, gid, user, group, modifiedAt, content, target } of entries) {
    const header = { name: path.slice(1), type, mode, mtime: modifiedAt, ...ownerFields({ uid, gid, user, group }) };
    if (type === 'file') archive.entry({ ...header, size: content.length }, content);
    else archive.entry(type === 'symlink' ? { ...header, linkname: target } : header);
  }
  archive.finalize();
  return promisify(gzip)(await buffer(archive as AsyncIterable<Buffer>));
}

/** @throws DrError CopyDamaged for what `packEntries` does not write. */
export async function unpackEntries(archive: Uint8Array): Promise<ConfigEntry[]> {
  const entries: ConfigEntry[] = [];
  try {
    const tar = await promisify(gunzip)(archive, { maxOutputLength: 2 * MAX_COLLECTED_BYTES });
    const extracting = extract();
    extracting.end(tar);
    for await (const entry of extracting) {
      if (entries.length === MAX_ENTRIES) throw new Error(`it has more than ${MAX_ENTRIES} entries`);
      entries.push(entryOf(entry.header, await buffer(entry as AsyncIterable<Buffer>)));
    }
  } catch (cause) {
    throw new DrError('CopyDamaged', `The configuration bundle can't be read: ${(cause as Error).message}.`, { cause });
  }
  return entries;
}

type Owner = Pick<ConfigEntry, 'uid' | 'gid' | 'user' | 'group'>;

/** Ids of a directory service are often too large for the fields of a tar header, which would truncate them. */
function ownerFields({ uid, gid, user, group }: Owner): Partial<Header> {
  const isShort = (name: string) => Buffer.byteLength(name) <= MAX_NAME_BYTES;
  if (Math.max(uid, gid) <= MAX_OWNER_NUMBER && isShort(user) && isShort(group)) {
    return { uid, gid, uname: user, gname: group };
  }
  const names = { ...(user === '' ? {} : { uname: user }), ...(group === '' ? {} : { gname: group }) };
  return { uid: 0, gid: 0, uname: '', gname: '', pax: { uid: `${uid}`, gid: `${gid}`, ...names } };
}

function ownerOf(header: Header): Owner {
  const pax = (header.pax ?? {}) as Record<string, string | undefined>;
  const { uid = header.uid, gid = header.gid, uname = header.uname, gname = header.gname } = pax;
  return { uid: Number(uid), gid: Number(gid), user: uname, group: gname };
}

async function find(path: string, found: Map<string, Stats>, problems: string[]): Promise<void> {
  if (found.has(path) || found.size > MAX_ENTRIES) return;
  const stats = await orProblem(path, problems, () => lstat(path));
  if (!stats) return;
  if (typeOf(stats) === null) {
    problems.push(`${path} is not a file, directory or link`);
    return;
  }
  found.set(path, stats);
  const names = stats.isDirectory() ? await orProblem(path, problems, () => readdir(path)) : [];
  for (const name of (names ?? []).toSorted()) await find(join(path, name), found, problems);
}

async function read(path: string, stats: Stats, maxBytes: number): Promise<ConfigEntry> {
  return {
    path,
    type: typeOf(stats) ?? 'file',
    // Configuration needs no setuid, setgid or sticky bit, and a restore must not set one.
    mode: stats.mode & 0o777,
    uid: stats.uid,
    gid: stats.gid,
    user: await nameOfId('passwd', stats.uid),
    group: await nameOfId('group', stats.gid),
    modifiedAt: new Date(Math.floor(stats.mtimeMs / 1_000) * 1_000),
    // It may have been replaced since: only a file is read, never a link.
    content: (stats.isFile() && readPlainBytes(path, { maxBytes })) || Buffer.alloc(0),
    target: stats.isSymbolicLink() ? await readlink(path) : '',
  };
}

function typeOf(stats: Stats): EntryType | null {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'symlink' : null;
}

/** One unreadable file must not prevent the rest from being collected. */
async function orProblem<T>(path: string, problems: string[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    problems.push(`${path} can't be read (${(error as NodeJS.ErrnoException).code ?? 'failed'})`);
    return undefined;
  }
}

function danglingLinks(entries: readonly ConfigEntry[]): string[] {
  const taken = new Set(entries.map(({ path }) => path));
  return entries
    .filter(({ type }) => type === 'symlink')
    .map(({ path, target }) => ({ path, to: resolve(dirname(path), target) }))
    .filter(({ to }) => !taken.has(to))
    .map(({ path, to }) => `${path} is a link to ${to}, which is not under configFiles`);
}

function entryOf(header: Header, content: Buffer): ConfigEntry {
  const { name, mode, mtime, linkname } = header;
  const path = `/${name.replace(/\/$/, '')}`;
  const type = ENTRY_TYPES.find((item) => item === header.type);
  if (!type || path !== resolve(path) || path === '/')
    throw new Error(`it contains ${JSON.stringify(name)}, which is not allowed`);
  return { path, type, mode, ...ownerOf(header), modifiedAt: mtime, content, target: linkname ?? '' };
}
