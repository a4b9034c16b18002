import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { DrError } from '../contract/failures';
import { formatBytes } from '../contract/format';
import type { FileDigest } from '../contract/generation';

export interface StoredObject {
  key: string;
  sizeBytes: number;
  /** By the clock of the repository. */
  storedAt: Date;
}

export interface TransferOptions {
  /** Rejects with the signal's own reason. */
  signal?: AbortSignal;
  /** Bytes of this object so far; the same again and again while a disk takes its time to flush them. */
  onProgress?: (bytes: number) => void;
  /** Of a backup: asked right before its manifest makes it one. Throws where somebody else makes it meanwhile. */
  stillWanted?: () => Promise<unknown>;
  /** How a repeated attempt finds the upload in parts that the one before began. */
  resume?: { uploadId: string | undefined; onUpload: (uploadId: string) => void };
}

/** Opens the content to store; called only if it has to be stored. */
export type OpenSource = () => Readable | Promise<Readable>;

/** `already-there`: an object with the same bytes, as a repeated attempt finds it. */
export type PutOutcome = 'written' | 'already-there';
/** `locked`: it can't be removed yet, which is how a locked bucket normally is. */
export type RemoveOutcome = 'removed' | 'locked' | 'absent';

/**
 * A place for objects that are written once and never changed. Keys are names between slashes. Every method throws
 * DrErrors only: RepositoryUnavailable (try again later), PermissionDenied, InvalidConfiguration, DiskFull and what is named below.
 */
export interface Repository {
  readonly name: string;
  readonly kind: 'directory' | 's3';
  /**
   * Stores the whole object with exactly these bytes, or nothing.
   * @throws DrError RepositoryConflict if other bytes are there; CopyDamaged if the source doesn't match the digest.
   */
  put(key: string, source: OpenSource, digest: FileDigest, options?: TransferOptions): Promise<PutOutcome>;
  /** Null if there is none. Errors of the stream are DrErrors as well. */
  get(key: string, options?: TransferOptions): Promise<Readable | null>;
  /** All objects below a prefix that ends in a slash, ordered by key. */
  list(prefix: string, options?: TransferOptions): AsyncIterable<StoredObject>;
  remove(key: string): Promise<RemoveOutcome>;
  /** Whether `remove` would be refused for now; false for a missing object. */
  isLocked(key: string): Promise<boolean>;
  /**
   * Removes what attempts that died have left unfinished of a cluster: before that time, or by a writer that is known to be
   * dead. Answers how many.
   */
  removePartials(cluster: string, before: Date): Promise<number>;
}

/** @throws DrError StagingLost when it is opened and not there. */
export function fromFile(path: string): OpenSource {
  return async () => {
    try {
      return (await open(path)).createReadStream();
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

/**
 * What servers and desktops keep in a directory beside what people put there: `lost+found`, `.snapshot` and `~snapshot`, `.nfs…` and
 * `.smbdelete…` of files that were open when they were deleted, `._…` and `.DS_Store`, `@eaDir`, `#recycle`, `$RECYCLE.BIN`.
 */
export function isDebris(name: string): boolean {
  return (
    /^[.~@#$]/.test(name) || ['lost+found', 'System Volume Information', 'Thumbs.db', 'desktop.ini'].includes(name)
  );
}

/** As `list` takes it: one cluster at least, and never more than what is below it. @throws DrError InvalidInput */
export function assertPrefix(prefix: string): void {
  assertKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
}

/** @throws DrError InvalidInput for anything that could leave the repository or hide in it. */
export function assertKey(key: string): void {
  const names = key.split('/');
  if (names.every((name) => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))) return;
  throw new DrError('InvalidInput', `'${key}' is not a valid key in a repository.`);
}
