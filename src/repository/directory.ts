import { randomUUID } from 'node:crypto';
import type { Dirent, Stats } from 'node:fs';
import { link, mkdir, open, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { DrError, type FailureCode } from '../contract/failures';
import { type FileDigest, GENERATION_PATTERN } from '../contract/generation';
import { belowRoot } from '../files/below-root';
import { knowsNoLinks } from '../files/disk-error';
import { DISK_PIECE_BYTES, entriesIfThere, syncDirectory, whileFlushing } from '../files/files';
import { isKnownDead, ownIdentity } from '../files/process-identity';
import { digestOfFile, explainErrors, sameDigest, writeChecked } from './digest';
import {
  assertKey,
  assertPrefix,
  isDebris,
  type Newest,
  type OpenSource,
  type PutOutcome,
  type RemoveOutcome,
  type Repository,
  type StoredObject,
  type TransferOptions,
} from './types';

const PARTIAL = '.partial-';
const STATS_AT_ONCE = 64;

/** A directory: on a local disk, or on a mounted share with hard links. */
export class DirectoryRepository implements Repository {
  readonly name: string;
  readonly kind = 'directory';
  readonly #root: string;

  constructor(name: string, root: string) {
    this.name = name;
    this.#root = root;
  }

  async put(key: string, source: OpenSource, digest: FileDigest, options: TransferOptions = {}): Promise<PutOutcome> {
    return this.#explained(
      key,
      async () => {
        const path = await this.#pathOf(key);
        // The root is the operator's to make: below a mount point it is missing while the disk is not mounted, and must not be
        // replaced. A root that is the mount point itself is there all the same: `repository check` warns of it.
        await stat(this.#root);
        const directory = dirname(path);
        await removeOrphans(directory);
        if (await this.#holds(key, digest, options)) return 'already-there';
        await mkdir(directory, { recursive: true, mode: 0o700 });
        const partial = join(directory, await partialName());
        let outcome: PutOutcome;
        try {
          await writeChecked(partial, await source(), `${key} on its way to ${this.name}`, digest, options);
          outcome = await this.#claimName(partial, key, digest, options);
        } finally {
          await rm(partial, { force: true });
        }
        const names = key.split('/').slice(0, -1);
        await whileFlushing(
          () => options.onProgress?.(digest.sizeBytes),
          async () => {
            for (let depth = names.length; depth >= 0; depth--) {
              await syncDirectory(join(this.#root, ...names.slice(0, depth)));
            }
          },
        );
        return outcome;
      },
      options,
    );
  }

  async get(key: string, options: TransferOptions = {}): Promise<Readable | null> {
    return this.#explained(
      key,
      async () => {
        const path = await this.#pathOf(key);
        try {
          const stream = (await open(path)).createReadStream({
            signal: options.signal,
            highWaterMark: DISK_PIECE_BYTES,
          });
          return explainErrors(stream, (error) => this.#explain(error, key, options));
        } catch (error) {
          if (!isSystemError(error) || error.code !== 'ENOENT') throw error;
          await stat(this.#root);
          return null;
        }
      },
      options,
    );
  }

  /** The time of the last change of its inode can't be set by whoever may only write there. */
  async identityOf(key: string, options: TransferOptions = {}): Promise<string | null> {
    return this.#explained(
      key,
      async () => {
        const found = await stat(await this.#pathOf(key), { bigint: true }).catch((error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return null;
          throw error;
        });
        return found && [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(':');
      },
      options,
    );
  }

  async *list(prefix: string, options: TransferOptions = {}): AsyncGenerator<StoredObject> {
    assertPrefix(prefix);
    try {
      await stat(this.#root);
      for await (const object of this.#walk(await this.#prefixOf(prefix), (name) => !isDebris(name))) {
        options.signal?.throwIfAborted();
        yield object;
      }
    } catch (error) {
      throw this.#explain(error, prefix, options);
    }
  }

  async newest(cluster: string, count: number, options: TransferOptions = {}): Promise<Newest> {
    assertPrefix(cluster);
    return this.#explained(
      cluster,
      async () => {
        await stat(this.#root);
        const entries = await entriesIfThere(join(this.#root, await this.#prefixOf(cluster)));
        const ids = entries.filter((entry) => entry.isDirectory() && GENERATION_PATTERN.test(entry.name));
        const wanted = ids.map(({ name }) => name).toSorted();
        const objects: StoredObject[] = [];
        for (const id of wanted.slice(-count)) {
          options.signal?.throwIfAborted();
          for await (const object of this.#walk(`${cluster}/${id}`, (name) => !isDebris(name))) objects.push(object);
        }
        return { objects, complete: wanted.length <= count };
      },
      options,
    );
  }

  async remove(key: string): Promise<RemoveOutcome> {
    return this.#explained(key, async () => {
      const path = await this.#pathOf(key);
      try {
        await unlink(path);
      } catch (error) {
        if (!isSystemError(error) || error.code !== 'ENOENT') throw error;
        await stat(this.#root);
        return 'absent';
      }
      await syncDirectory(dirname(path));
      await rmdir(dirname(path)).catch(() => undefined);
      return 'removed';
    });
  }

  /** A directory has no locks. */
  isLocked(): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** Lists the cluster only: next to it there may be other entries, such as `lost+found`. */
  async removePartials(cluster: string, before: Date): Promise<number> {
    assertPrefix(cluster);
    return this.#explained(cluster, async () => {
      await stat(this.#root);
      const partials = this.#walk(await this.#prefixOf(cluster), (name) => name.startsWith(PARTIAL));
      let removed = 0;
      for await (const { key, storedAt } of partials) {
        if (storedAt >= before && !(await isOrphan(basename(key)))) continue;
        await rm(join(this.#root, key), { force: true });
        removed++;
      }
      return removed;
    });
  }

  /** `link(2)` fails if the name exists: of two attempts one wins, and nothing is ever replaced. */
  async #claimName(partial: string, key: string, digest: FileDigest, options: TransferOptions): Promise<PutOutcome> {
    try {
      await link(partial, await this.#pathOf(key));
      return 'written';
    } catch (error) {
      if (!isSystemError(error) || error.code !== 'EEXIST') throw error;
      await this.#holds(key, digest, options);
      return 'already-there';
    }
  }

  /** @throws DrError RepositoryConflict if other bytes are there. */
  async #holds(key: string, digest: FileDigest, options: TransferOptions): Promise<boolean> {
    let found: FileDigest;
    try {
      found = await digestOfFile(await this.#pathOf(key), options);
    } catch (error) {
      if (isSystemError(error) && error.code === 'ENOENT') return false;
      throw error;
    }
    if (sameDigest(found, digest)) return true;
    throw new DrError('RepositoryConflict', `${this.name} has different data in ${key}: ${found.sha256}.`, {
      where: this.name,
      advice: 'Nothing was overwritten. Find out who wrote that file; move it away if it is not needed.',
    });
  }

  /**
   * Enters only directories that we may have created: a share may show its own snapshots in each directory, or directories
   * without access.
   */
  async *#walk(prefix: string, wanted: (name: string) => boolean): AsyncGenerator<StoredObject> {
    const entries = await entriesIfThere(join(this.#root, prefix));
    let files: string[] = [];
    for (const entry of entries.toSorted((left, right) => (keyIn(left) < keyIn(right) ? -1 : 1))) {
      const isFolder = entry.isDirectory() && !isDebris(entry.name);
      if (entry.isFile() && wanted(entry.name)) files.push(`${prefix}/${entry.name}`);
      if (!isFolder && files.length < STATS_AT_ONCE) continue;
      yield* await this.#statusOf(files);
      files = [];
      if (isFolder) yield* this.#walk(`${prefix}/${entry.name}`, wanted);
    }
    yield* await this.#statusOf(files);
  }

  /** Of those that have not disappeared since they were listed. */
  async #statusOf(keys: string[]): Promise<StoredObject[]> {
    const found = await Promise.all(keys.map((key) => statOrNull(join(this.#root, key))));
    return keys.flatMap((key, index) => {
      const status = found[index];
      return status ? [{ key, sizeBytes: status.size, storedAt: status.mtime }] : [];
    });
  }

  /** Without trailing slash. */
  async #prefixOf(prefix: string): Promise<string> {
    const names = prefix.replace(/\/$/, '');
    await this.#pathOf(names);
    return names;
  }

  /** The directory belongs to the operator, but nobody with write access may redirect us by a link. */
  async #pathOf(key: string): Promise<string> {
    assertKey(key);
    return belowRoot(this.#root, key);
  }

  async #explained<T>(key: string, work: () => Promise<T>, options: TransferOptions = {}): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#explain(error, key, options);
    }
  }

  #explain(error: unknown, key: string, { signal }: TransferOptions): unknown {
    if (signal?.aborted) return signal.reason;
    return isSystemError(error) ? toDirectoryError(error, this.name, join(this.#root, key)) : error;
  }
}

/** Names its writer, so that leftovers of a killed writer can be recognised. */
async function partialName(): Promise<string> {
  return `${PARTIAL}${(await ownIdentity()) ?? 'unknown'}.${randomUUID()}`;
}

async function isOrphan(name: string): Promise<boolean> {
  return isKnownDead(name.slice(PARTIAL.length).split('.')[0] ?? '');
}

async function removeOrphans(directory: string): Promise<void> {
  for (const { name } of await entriesIfThere(directory)) {
    if (name.startsWith(PARTIAL) && (await isOrphan(name))) await rm(join(directory, name), { force: true });
  }
}

/** What its key begins with. */
function keyIn(entry: Dirent): string {
  return entry.isDirectory() ? `${entry.name}/` : entry.name;
}

/** Null if it is not there. */
async function statOrNull(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (isSystemError(error) && error.code === 'ENOENT') return null;
    throw error;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return typeof error === 'object' && error !== null && 'syscall' in error && 'code' in error;
}

const ADVICE = {
  full: 'Free space there, or lower the number of backups to keep.',
  rights: 'Give the user that vault-dr runs as read and write access there.',
  links:
    'vault-dr needs hard links to never overwrite a file, and this file system has none (FAT, many FUSE and SMB mounts). Use a Linux file system or NFS; configure a mounted bucket as a bucket.',
  changeable:
    'Check that it is mounted writable, not immutable, and not owned by another user on the server (root_squash).',
  limits: 'This file system does not support such a file: use a Linux file system or NFS.',
  mounted:
    'Check that the disk is mounted. The operator creates the directory of a repository, with mode 0700; vault-dr never does.',
  hangs: 'vault-dr retries. The mount has lost its server: check the server, then mount it again.',
};

export function toDirectoryError(error: NodeJS.ErrnoException, repository: string, path: string): DrError {
  const failed = `${repository}: ${error.syscall ?? 'access'} failed with ${error.code ?? 'an error'} at ${path}.`;
  const as = (code: FailureCode, advice: keyof typeof ADVICE) =>
    new DrError(code, failed, { where: repository, cause: error, advice: ADVICE[advice] });
  if (knowsNoLinks(error)) return as('InvalidConfiguration', 'links');
  switch (error.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return as('DiskFull', 'full');
    case 'EACCES':
    case 'EROFS':
      return as('PermissionDenied', 'rights');
    case 'EPERM':
    case 'ENOTSUP':
    case 'EOPNOTSUPP':
    case 'ENOSYS':
      return as('InvalidConfiguration', 'changeable');
    case 'EFBIG':
    case 'ENAMETOOLONG':
      return as('InvalidConfiguration', 'limits');
    case 'ESTALE':
    case 'EIO':
    case 'ENOTCONN':
    case 'EHOSTDOWN':
    case 'ETIMEDOUT':
      return as('RepositoryUnavailable', 'hangs');
    default:
      return as('RepositoryUnavailable', 'mounted');
  }
}
