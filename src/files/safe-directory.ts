import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DrError } from '../contract/failures';
import { readPlainFile } from './plain-file';
import { kindOf, mayGiveAway, ownedByTrusted, ownProcess, swappableByOthers } from './ownership';
import type { NoticeCode } from '../contract/notice';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** O_PATH of Linux on every architecture that Node supports; Node has no name for it. Needs no permission to read. */
const O_PATH = 0o10000000;
const MAX_LINKS = 40;
const TEMPORARY = /\.[0-9a-f]{12}\.tmp$/;

export interface Owner {
  uid: number;
  gid: number;
}

export type Times = Pick<Stats, 'atimeMs' | 'mtimeMs'>;

export interface NewFile {
  /** Default: ours. */
  owner?: Owner;
  /** Default: for its owner alone. */
  mode?: number;
  times?: Times;
}

/**
 * An open directory. All access goes through its handle (`/proc/self/fd/N/name`, because Node has no `openat`), so that a
 * user with write access above it or in it can't redirect root by replacing a name with a link. Synchronous unless noted:
 * nothing comes between `attempt.assertCurrent()` and the act.
 */
export class SafeDirectory {
  private constructor(
    /** For messages. */
    readonly path: string,
    private readonly fd: number,
  ) {}

  /**
   * Walks down from the root, name by name. A link is followed only where no user other than root, or ours, could have
   * created it.
   * @param check of each directory on the way, from the root on. @throws DrError NodeUnsafe at any other link.
   */
  static open(
    path: string,
    check: (path: string, stats: Stats, isLast: boolean) => void = () => undefined,
  ): SafeDirectory {
    let [rest, links, safe] = [partsOf(path), 0, true];
    let directory = new SafeDirectory('/', openSync('/', rest.length === 0 ? O_RDONLY : O_PATH));
    try {
      for (;;) {
        const stats = directory.stats();
        check(directory.path, stats, rest.length === 0);
        safe &&= !swappableByOthers(stats);
        const [name, ...further] = rest;
        if (name === undefined) return directory;
        let next: SafeDirectory;
        const entry = safe && links < MAX_LINKS ? directory.lstat(name) : null;
        if (entry?.isSymbolicLink() && ownedByTrusted(entry)) {
          const target = readlinkSync(directory.at(name));
          rest = [...partsOf(resolve(directory.path, target)), ...further];
          links++;
          safe = true;
          next = new SafeDirectory('/', openSync('/', rest.length === 0 ? O_RDONLY : O_PATH));
        } else {
          rest = further;
          next = directory.#enter(name, rest.length === 0 ? O_RDONLY : O_PATH);
        }
        directory.close();
        directory = next;
      }
    } catch (error) {
      directory.close();
      throw error;
    }
  }

  close(): void {
    closeSync(this.fd);
  }

  /** The directory itself, for calls that take a path; holds as long as it is open. */
  get address(): string {
    return `/proc/self/fd/${this.fd}`;
  }

  /** An entry, for calls that take a path. */
  at(name: string): string {
    if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
      throw new DrError('Internal', `${JSON.stringify(name)} is not a valid file name in ${this.path}.`);
    }
    return `${this.address}/${name}`;
  }

  stats(): Stats {
    return fstatSync(this.fd);
  }

  lstat(name: string): Stats | null {
    return this.#do(() => lstatSync(this.at(name), { throwIfNoEntry: false }) ?? null);
  }

  names(): string[] {
    return this.#do(() => readdirSync(this.address)).toSorted();
  }

  /** @throws DrError NodeUnsafe when something else than a directory is there. */
  child(name: string): SafeDirectory {
    return this.#enter(name, O_RDONLY);
  }

  /** Private until it is given to its owner. */
  makeDirectory(name: string): SafeDirectory {
    this.#do(() => mkdirSync(this.at(name), 0o700));
    const made = this.child(name);
    // The owner of the parent directory may have replaced it.
    const { uid, mode } = made.stats();
    if (uid === ownProcess().uid && (mode & 0o077) === 0 && made.names().length === 0) return made;
    made.close();
    throw unsafe(join(this.path, name), 'is not the directory that was just created', undefined, 'data-directory-back');
  }

  /**
   * @returns null when nothing is there.
   * @throws DrError NodeUnsafe for all but a regular file of one name that is not larger.
   */
  read(name: string, maxBytes?: number): string | null {
    const shownAs = join(this.path, name);
    const check = (stats: Stats) => {
      // A second name may be a hard link to somebody else's secret.
      if (stats.nlink > 1) throw unsafe(shownAs, `is ${kindOf(stats)}`);
    };
    return this.#do(() => readPlainFile(this.at(name), { shownAs, maxBytes, check }));
  }

  /**
   * Creates a small file atomically: no other process can open it before it is complete.
   * @throws DrError NodeUnsafe when the name belongs to something other than a plain file.
   */
  put(name: string, content: string | Uint8Array, file: NewFile = {}): void {
    this.requirePlain(name);
    this.#removeTemporaries(name);
    const temporary = temporaryOf(name);
    try {
      this.write(temporary, content, file);
      this.rename(temporary, name);
    } catch (error) {
      this.unlink(temporary);
      throw error;
    }
  }

  /** Fills a new file. @throws an error with the code EEXIST if the name exists. */
  write(name: string, content: string | Uint8Array, { owner, mode = 0o600, times }: NewFile = {}): void {
    this.#do(() => {
      const file = openSync(this.at(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      try {
        writeFileSync(file, content);
        if (owner) giveHandle(file, owner);
        fchmodSync(file, mode);
        if (times) futimesSync(file, times.atimeMs / 1_000, times.mtimeMs / 1_000);
      } finally {
        closeSync(file);
      }
    });
  }

  /** Opens a regular file with a single hard link, and makes sure that it was not replaced. */
  openPlain(name: string, flags: number): number {
    this.requirePlain(name);
    return this.#do(() => {
      const file = openSync(this.at(name), flags | O_NOFOLLOW | O_NONBLOCK, 0o600);
      const stats = fstatSync(file);
      if (stats.isFile() && stats.nlink === 1) return file;
      closeSync(file);
      throw unsafe(join(this.path, name), `is ${kindOf(stats)}`);
    });
  }

  /** @throws DrError NodeUnsafe if the name exists and is not a regular file with a single link. */
  requirePlain(name: string): void {
    const stats = this.lstat(name);
    if (stats && (!stats.isFile() || stats.nlink !== 1)) throw unsafe(join(this.path, name), `is ${kindOf(stats)}`);
  }

  rename(from: string, to: string, into: SafeDirectory = this): void {
    this.#do(() => into.#do(() => renameSync(this.at(from), into.at(to))));
  }

  /** @throws DrError NodeUnsafe unless the name still refers to that very directory. */
  requireSame(name: string, directory: SafeDirectory): void {
    const [found, wanted] = [this.lstat(name), directory.stats()];
    if (found?.ino === wanted.ino && found.dev === wanted.dev) return;
    throw unsafe(join(this.path, name), 'was replaced by something else');
  }

  /** It may be gone already. */
  unlink(name: string): void {
    this.#do(() => {
      try {
        unlinkSync(this.at(name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    });
  }

  removeDirectory(name: string): void {
    this.#do(() => rmdirSync(this.at(name)));
  }

  setMode(mode: number): void {
    this.#do(() => fchmodSync(this.fd, mode));
  }

  /** Hands it to its owner. Only root can; others own it already. */
  give(owner: Owner, mode: number, times?: Times): void {
    giveHandle(this.fd, owner);
    this.setMode(mode);
    if (times) futimesSync(this.fd, times.atimeMs / 1_000, times.mtimeMs / 1_000);
  }

  /** Makes a file and its name survive a crash. */
  async flush(name: string): Promise<void> {
    await this.flushContent(name);
    await this.sync();
  }

  /** Makes the content of a file survive a crash; its name only after `sync`. */
  async flushContent(name: string): Promise<void> {
    await flush(this.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  }

  /** Makes new and renamed files in it survive a crash. */
  async sync(): Promise<void> {
    await flush(this.address);
  }

  #enter(name: string, how: number): SafeDirectory {
    const path = join(this.path, name);
    return this.#do(() => {
      try {
        return new SafeDirectory(path, openSync(this.at(name), how | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'ELOOP' && code !== 'ENOTDIR') throw error;
        const stats = this.lstat(name);
        throw unsafe(path, stats ? `is ${kindOf(stats)}, where a directory is expected` : 'was just replaced', error);
      }
    });
  }

  /** Leftovers of a killed writer. There is no other writer: only one agent runs on a node. */
  #removeTemporaries(name: string): void {
    for (const other of this.names()) {
      if (other.startsWith(`${name}.`) && TEMPORARY.test(other.slice(name.length))) this.unlink(other);
    }
  }

  /** Errors name the path that the operator knows. */
  #do<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const failure = error as NodeJS.ErrnoException;
      if (failure.syscall !== undefined) {
        failure.message = failure.message.replaceAll(this.address, this.path === '/' ? '' : this.path);
      }
      throw error;
    }
  }
}

/** Opens a directory for the duration of the work. */
export async function inDirectory<T>(path: string, work: (directory: SafeDirectory) => Promise<T> | T): Promise<T> {
  const directory = SafeDirectory.open(path);
  try {
    return await work(directory);
  } finally {
    directory.close();
  }
}

/** An unpredictable name. */
export function temporaryOf(name: string): string {
  return `${name}.${randomBytes(6).toString('hex')}.tmp`;
}

export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}

async function flush(path: string, flags = O_RDONLY): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function giveHandle(fd: number, { uid, gid }: Owner): void {
  if (mayGiveAway()) fchownSync(fd, uid, gid);
}

function unsafe(path: string, what: string, cause?: unknown, notice: NoticeCode = 'unexpected-file'): DrError {
  return new DrError('NodeUnsafe', `${path} ${what}, so nothing was changed there.`, {
    where: path,
    advice: `Find out who created it, and why. Move it away by hand, then resume.`,
    notice,
    cause,
  });
}

function partsOf(path: string): string[] {
  return resolve(path).split('/').filter(Boolean);
}
