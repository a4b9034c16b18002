import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { DrError, isDrError } from '../contract/failures';
import { formatBytes } from '../contract/format';
import type { FileDigest } from '../contract/generation';
import { DISK_PIECE_BYTES } from '../files/files';

export interface StoredObject {
  key: string;
  sizeBytes: number;
  /** By the clock of the repository. */
  storedAt: Date;
  /** Another one as soon as other bytes are stored there; absent where nothing tells. */
  tag?: string;
}

/** The objects of the newest backups. */
export interface Newest {
  /** Ordered by key. */
  objects: StoredObject[];
  /** Whether there is no older backup than these. */
  complete: boolean;
}

export interface TransferOptions {
  /** Rejects with the signal's own reason. */
  signal?: AbortSignal;
  /** Bytes of this object so far; repeated while a disk flushes them. */
  onProgress?: (bytes: number) => void;
  /** For a backup: called right before the manifest completes it. Throws if another attempt has taken over. */
  stillWanted?: () => Promise<unknown>;
  /** For `put`: nobody can have stored anything else there, or it has just been looked for; `put` does not look itself. */
  absent?: boolean;
  /** For `put`: the caller lists and reads the object at once, so that `put` need not; `get` then checks its protection. */
  readBack?: boolean;
  /** For `get`: what was read of an unchanged object before will do. */
  cached?: boolean;
  /** Lets a repeated attempt find the multipart upload of the previous one. */
  resume?: { uploadId: string | undefined; onUpload: (uploadId: string) => void };
}

/** Opens the content; called only if it has to be stored. */
export type OpenSource = () => Readable | Promise<Readable>;

/** `already-there`: an object with the same bytes exists, as for a repeated attempt. */
export type PutOutcome = 'written' | 'already-there';
/** `locked`: can't be removed yet: normal in a bucket with object lock. */
export type RemoveOutcome = 'removed' | 'locked' | 'absent';

/**
 * A place for objects that are written once and never changed. Keys are names separated by slashes. Methods throw only
 * DrErrors: RepositoryUnavailable (try again later), PermissionDenied, InvalidConfiguration, DiskFull and those named below.
 */
export interface Repository {
  readonly name: string;
  readonly kind: 'directory' | 's3';
  /** Whether it keeps copies of what was read on this host; see `cached`. */
  readonly keepsCopies?: boolean;
  /**
   * Stores the whole object with exactly these bytes, or nothing.
   * @throws DrError RepositoryConflict if the key has other bytes; CopyDamaged if the source doesn't match the digest.
   */
  put(key: string, source: OpenSource, digest: FileDigest, options?: TransferOptions): Promise<PutOutcome>;
  /** Null if there is none. Errors of the stream are DrErrors as well. */
  get(key: string, options?: TransferOptions): Promise<Readable | null>;
  /** What changes whenever the object does, for as long as nobody forges it; null if the repository can't tell, or has none. */
  identityOf(key: string, options?: TransferOptions): Promise<string | null>;
  /** All objects below a prefix that ends in a slash, ordered by key. */
  list(prefix: string, options?: TransferOptions): AsyncIterable<StoredObject>;
  /** The objects of the newest `count` backups of a cluster, complete or not, without listing those before them. */
  newest(cluster: string, count: number, options?: TransferOptions): Promise<Newest>;
  remove(key: string): Promise<RemoveOutcome>;
  /** Whether `remove` would be refused for now; false for a missing object. */
  isLocked(key: string): Promise<boolean>;
  /** Until when that is so at least; null if it is not, undefined if nothing ends it. Absent where nothing locks. */
  lockedUntil?(key: string): Promise<Date | null | undefined>;
  /**
   * Removes unfinished leftovers of a cluster: from before that time, or of a writer known to be dead.
   * @returns how many.
   */
  removePartials(cluster: string, before: Date): Promise<number>;
}

/** @throws DrError StagingLost on opening, if it is missing. */
export function fromFile(path: string): OpenSource {
  return async () => {
    try {
      return (await open(path)).createReadStream({ highWaterMark: DISK_PIECE_BYTES });
    } catch (error) {
      throw new DrError(
        'StagingLost',
        `${path} can't be read (${(error as NodeJS.ErrnoException).code ?? 'failed'}).`,
        {
          where: path,
          advice: 'Check the disk of the state directory. The backup has to be captured or fetched again.',
          cause: error,
        },
      );
    }
  };
}

export function fromBytes(bytes: Uint8Array): OpenSource {
  return () => Readable.from([bytes]);
}

/**
 * Null if there is none.
 * @throws DrError CopyDamaged if it is longer than allowed.
 */
export async function readSmall(
  repository: Repository,
  key: string,
  maxBytes: number,
  options: TransferOptions = {},
): Promise<Buffer | null> {
  const stream = await repository.get(key, options);
  if (stream === null) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new DrError(
        'CopyDamaged',
        `${key} in ${repository.name} is larger than its limit of ${formatBytes(maxBytes)}.`,
        {
          where: repository.name,
        },
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Reads what is signed: what was kept on this host accuses nobody, so then the repository itself is asked. */
export async function orAgain<T>(repository: Repository, read: (cached: boolean) => Promise<T>): Promise<T> {
  if (repository.keepsCopies !== true) return read(false);
  try {
    return await read(true);
  } catch (error) {
    if (!isDrError(error) || error.retryable) throw error;
    return read(false);
  }
}

/**
 * Names that servers and desktops create in directories: `lost+found`, `.snapshot` and `~snapshot`, `.nfs…` and
 * `.smbdelete…` of files that were open when they were deleted, `._…` and `.DS_Store`, `@eaDir`, `#recycle`, `$RECYCLE.BIN`.
 */
export function isDebris(name: string): boolean {
  return (
    /^[.~@#$]/.test(name) || ['lost+found', 'System Volume Information', 'Thumbs.db', 'desktop.ini'].includes(name)
  );
}

/** A prefix for `list`: within one cluster, with a slash at its end. @throws DrError InvalidInput */
export function assertPrefix(prefix: string): void {
  assertKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
}

/** @throws DrError InvalidInput for a key that could lead out of the repository, or be hidden in it. */
export function assertKey(key: string): void {
  const names = key.split('/');
  if (names.every((name) => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))) return;
  throw new DrError('InvalidInput', `'${key}' is not a valid key in a repository.`);
}
