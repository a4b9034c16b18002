import type { Readable } from 'node:stream';
import { DrError, isDrError } from '../../contract/failures';
import { formatBytes } from '../../contract/format';
import { type FileDigest, GENERATION_PATTERN } from '../../contract/generation';
import { checkStream } from '../digest';
import type { Asked } from './answers';
import { type Protection, protectionOf } from './protection';
import { newestOf } from './newest';
import { S3Bucket, type Stored, type Version } from './s3-bucket';
import type { S3Settings } from './s3-client';
import {
  assertKey,
  assertPrefix,
  type Newest,
  type OpenSource,
  type PutOutcome,
  type RemoveOutcome,
  type Repository,
  type StoredObject,
  type TransferOptions,
} from '../types';

/** The id of what was stored without versions, and may be overwritten. */
const UNVERSIONED = 'null';
const DAY_MS = 24 * 60 * 60 * 1000;
/** S3's limit for one object. */
const OBJECT_LIMIT_BYTES = 5 * 1024 ** 4;

/**
 * A bucket. Objects are written once, so of several versions of a key the **first** one counts: neither a delete marker nor
 * an overwrite by somebody with the backup credentials hides a generation.
 */
export class S3Repository implements Repository {
  readonly name: string;
  readonly kind = 's3';
  readonly #settings: S3Settings;
  readonly #bucket: S3Bucket;
  /** All versions of each listed key, so that they need not be listed again. */
  readonly #known = new Map<string, Version[]>();
  /** Keys that were asked for, to be removed next: the server refuses what was locked since. */
  readonly #unlocked = new Set<string>();
  /** Whether the bucket knows locks at all: without them there is none to be asked for. */
  #knowsLocks: Promise<boolean> | undefined;
  /** Keys that were written, and whose protection was not seen yet. */
  readonly #unproven = new Set<string>();

  constructor(name: string, settings: S3Settings) {
    this.name = name;
    this.#settings = settings;
    this.#bucket = new S3Bucket(name, settings);
  }

  async put(key: string, source: OpenSource, digest: FileDigest, options: TransferOptions = {}): Promise<PutOutcome> {
    assertKey(key);
    assertFits(key, digest, this.name);
    if (options.absent !== true && (await this.#holds(key, digest, options))) return 'already-there';
    this.#known.delete(key);
    let composite: string | undefined;
    try {
      if (digest.sizeBytes <= this.#settings.multipartThreshold) {
        const answer = await this.#bucket.upload(key, source, digest, this.#protection(), options);
        if (
          options.readBack !== true &&
          options.absent === true &&
          (await this.#isProven(key, digest, answer, options))
        )
          return 'written';
      } else {
        composite = await this.#bucket.uploadInParts(key, await source(), digest, this.#protection(), options);
      }
    } catch (error) {
      // Another attempt was faster, or the answer was lost: the contents of the bucket decide.
      if (isUnavailable(error) && (await this.#holdsIfItAnswers(key, digest, options))) return 'already-there';
      throw error;
    }
    if (options.readBack === true) {
      this.#unproven.add(key);
      return 'written';
    }
    if (await this.#holds(key, digest, options, composite)) return 'written';
    throw this.#notReturned(key);
  }

  async get(key: string, options: TransferOptions = {}): Promise<Readable | null> {
    assertKey(key);
    const version = await this.#firstVersion(key, options);
    const found = version && (await this.#bucket.read(version, options));
    if (!this.#unproven.has(key)) return found?.body ?? null;
    if (!version || !found) throw this.#notReturned(key);
    try {
      // Not every server says in this answer what protects the object.
      if (this.#weakness(found.stored) !== null) {
        this.#assertProtected(key, (await this.#bucket.head(version, options)) ?? {});
      }
    } catch (error) {
      found.body.destroy();
      throw error;
    }
    this.#unproven.delete(key);
    return found.body;
  }

  /** The id of its version, which nobody can change; without versions there is nothing of that kind. */
  async identityOf(key: string, options: TransferOptions = {}): Promise<string | null> {
    assertKey(key);
    const versions = await this.#versionsOf(key, options);
    const version = firstOf(versions);
    if (version?.id === undefined || version.id === UNVERSIONED) return null;
    // What is read next is this version.
    this.#known.set(key, versions);
    return version.id;
  }

  async *list(prefix: string, options: TransferOptions = {}): AsyncGenerator<StoredObject> {
    assertPrefix(prefix);
    for await (const versions of this.#keysBelow(prefix, options)) {
      const first = this.#remember(versions);
      if (first) yield toObject(first);
    }
  }

  async newest(cluster: string, count: number, options: TransferOptions = {}): Promise<Newest> {
    assertPrefix(cluster);
    const { versions, complete } = await newestOf(this.#bucket, cluster, count, options);
    const first = [...grouped(versions)].map((ofKey) => this.#remember(ofKey));
    return { objects: first.filter((version) => version !== undefined).map(toObject), complete };
  }

  /** Removes every version and delete marker of the key, as listed; nothing, if one of them is locked. */
  async remove(key: string): Promise<RemoveOutcome> {
    const versions = await this.#versionsOf(key);
    if (versions.length === 0) return 'absent';
    if (!this.#unlocked.delete(key) && (await this.#anyLocked(versions))) return 'locked';
    this.#known.delete(key);
    for (const version of versions) {
      if ((await this.#bucket.deleteVersion(version)) === 'locked') return 'locked';
    }
    return 'removed';
  }

  async isLocked(key: string): Promise<boolean> {
    const locked = await this.#anyLocked(await this.#versionsOf(key));
    if (!locked) this.#unlocked.add(key);
    return locked;
  }

  async lockedUntil(key: string): Promise<Date | null | undefined> {
    const versions = (await this.#versionsOf(key)).filter(({ marker }) => !marker);
    let latest: Date | null = null;
    for (const version of versions) {
      const head = await this.#bucket.head(version, {});
      if (head?.ObjectLockLegalHoldStatus === 'ON') return undefined;
      const until = head?.ObjectLockRetainUntilDate ?? null;
      if (until !== null && until > this.#bucket.now() && (latest === null || until > latest)) latest = until;
    }
    return latest;
  }

  /** Unfinished multipart uploads; only of keys of backups, as the bucket may be shared. */
  async removePartials(cluster: string, before: Date): Promise<number> {
    return this.#bucket.abortUploads(before, (key) => {
      const [owner, generation = '', file] = key.split('/');
      return owner === cluster && file !== undefined && GENERATION_PATTERN.test(generation);
    });
  }

  /** Features that the server turned out not to support, and that are no longer requested. */
  get leftOut(): Asked[] {
    return this.#bucket.concessions.left;
  }

  #protection(): Protection {
    const { objectLock } = this.#settings;
    return {
      ...protectionOf(this.#settings),
      ...(objectLock && {
        ObjectLockMode: objectLock.mode,
        ObjectLockRetainUntilDate: retainUntil(this.#bucket.now(), objectLock.days),
      }),
    };
  }

  /**
   * Whether the bucket has the object as requested: bytes, encryption and lock.
   * @throws DrError RepositoryConflict if the bytes differ; InvalidConfiguration if the protection differs.
   */
  async #holds(key: string, digest: FileDigest, options: TransferOptions, composite?: string): Promise<boolean> {
    const version = await this.#firstVersion(key, options);
    const head = version && (await this.#bucket.head(version, options));
    if (!version || !head) return false;
    await this.#assertSame(version, head, digest, options, composite);
    this.#assertProtected(key, head);
    return true;
  }

  async #holdsIfItAnswers(key: string, digest: FileDigest, options: TransferOptions): Promise<boolean> {
    try {
      return await this.#holds(key, digest, options);
    } catch (error) {
      if (isUnavailable(error)) return false;
      throw error;
    }
  }

  /** @param composite checksum that the server must report for an object uploaded in parts. */
  async #assertSame(
    version: Version,
    { ContentLength, ChecksumSHA256 }: Stored,
    digest: FileDigest,
    options: TransferOptions,
    composite: string | undefined,
  ): Promise<void> {
    const expected = composite ?? checksumOf(digest);
    // The checksum of a multipart object is useless without the parts.
    const conclusive = ChecksumSHA256 !== undefined && ChecksumSHA256.includes('-') === (composite !== undefined);
    let same = ContentLength === digest.sizeBytes && (!conclusive || ChecksumSHA256 === expected);
    if (same && !conclusive) {
      const found = await this.#bucket.read(version, options);
      try {
        if (found) await checkStream(found.body, version.key, digest, options);
      } catch (error) {
        if (!isDrError(error) || error.code !== 'CopyDamaged') throw error;
        same = false;
      }
    }
    if (same) return;
    throw new DrError('RepositoryConflict', `${this.name} has different data in ${version.key}.`, {
      where: this.name,
      advice: 'Nothing was overwritten. Find out who wrote that object.',
    });
  }

  /**
   * Whether the answer to an upload proves what is in the new version: its bytes by the checksum that the server made of
   * them, its encryption too; of a lock it says nothing.
   */
  async #isProven(
    key: string,
    digest: FileDigest,
    answer: Stored & { VersionId?: string },
    options: TransferOptions,
  ): Promise<boolean> {
    const { VersionId: id, ChecksumSHA256 } = answer;
    if (id === undefined || ChecksumSHA256 !== checksumOf(digest)) return false;
    if (this.#weakness(answer) !== null) {
      this.#assertProtected(key, (await this.#bucket.head({ key, id }, options)) ?? {});
    }
    return true;
  }

  #assertProtected(key: string, stored: Stored): void {
    const weakness = this.#weakness(stored);
    if (weakness === null) return;
    throw new DrError('InvalidConfiguration', `${this.name} stored ${key}, but ${weakness.problem}.`, {
      where: this.name,
      advice: weakness.advice,
    });
  }

  /** What the configuration asks for, and the object lacks. */
  #weakness(stored: Stored): { problem: string; advice: string } | null {
    const { kmsKeyId, objectLock } = this.#settings;
    // Servers return the ARN even if the bare id was requested.
    const keyName = kmsKeyId?.split('/').at(-1) ?? '';
    if (kmsKeyId && !(stored.ServerSideEncryption === 'aws:kms' && stored.SSEKMSKeyId?.endsWith(keyName))) {
      return {
        problem: `not encrypted with the KMS key ${kmsKeyId}`,
        advice: 'Use a service that supports SSE-KMS, or remove kmsKeyId.',
      };
    }
    if (!objectLock) return null;
    const lockedUntil = stored.ObjectLockRetainUntilDate?.getTime() ?? 0;
    const wantedUntil = (stored.LastModified?.getTime() ?? 0) + (objectLock.days - 1) * DAY_MS;
    if (stored.ObjectLockMode === objectLock.mode && lockedUntil >= wantedUntil) return null;
    return {
      problem: `not locked in mode ${objectLock.mode} for ${objectLock.days} days`,
      advice: 'Check that Object Lock is enabled on the bucket and that the credentials may use s3:GetObjectRetention.',
    };
  }

  #notReturned(key: string): DrError {
    return new DrError('RepositoryUnavailable', `${this.name} accepted ${key} but does not return it.`, {
      where: this.name,
      advice:
        'vault-dr retries. If the error persists, the service does not return what it stored: use another service.',
    });
  }

  async #anyLocked(versions: Version[]): Promise<boolean> {
    this.#knowsLocks ??= this.#settings.objectLock ? Promise.resolve(true) : this.#bucket.knowsLocks();
    if (!(await this.#knowsLocks)) return false;
    for (const version of versions.filter(({ marker }) => !marker)) {
      const head = await this.#bucket.head(version, {});
      if (head?.ObjectLockLegalHoldStatus === 'ON') return true;
      if (head?.ObjectLockRetainUntilDate && head.ObjectLockRetainUntilDate > this.#bucket.now()) return true;
    }
    return false;
  }

  /** Delete markers among them; as last listed. */
  async #versionsOf(key: string, options: TransferOptions = {}): Promise<Version[]> {
    assertKey(key);
    const known = this.#known.get(key);
    if (known) return known;
    const versions: Version[] = [];
    for await (const version of this.#bucket.versions(key, options)) if (version.key === key) versions.push(version);
    return versions;
  }

  async #firstVersion(key: string, options: TransferOptions): Promise<Version | undefined> {
    return firstOf(await this.#versionsOf(key, options));
  }

  /** The versions of each key. */
  async *#keysBelow(prefix: string, options: TransferOptions): AsyncGenerator<Version[]> {
    let same: Version[] = [];
    for await (const version of this.#bucket.versions(prefix, options)) {
      if (same[0] && same[0].key !== version.key) {
        yield same;
        same = [];
      }
      same.push(version);
    }
    if (same.length > 0) yield same;
  }

  /** @returns the first version. */
  #remember(versions: Version[]): Version | undefined {
    const [{ key } = { key: '' }] = versions;
    this.#known.set(key, versions);
    return firstOf(versions);
  }
}

/** Servers list the newest first; times have whole seconds, so of equal ones the last listed is the first. */
function firstOf(versions: readonly Version[]): Version | undefined {
  let first: Version | undefined;
  for (const version of versions) {
    if (!version.marker && (!first || version.storedAt <= first.storedAt)) first = version;
  }
  return first;
}

function grouped(versions: readonly Version[]): Iterable<Version[]> {
  const byKey = new Map<string, Version[]>();
  for (const version of versions) byKey.set(version.key, [...(byKey.get(version.key) ?? []), version]);
  return byKey.values();
}

function toObject({ key, sizeBytes, storedAt, tag }: Version): StoredObject {
  return { key, sizeBytes, storedAt, tag };
}

/** As S3 writes it. */
function checksumOf({ sha256 }: FileDigest): string {
  return Buffer.from(sha256, 'hex').toString('base64');
}

/** Rounded up to a whole UTC day, so that the locks of one generation end together. */
export function retainUntil(now: Date, days: number): Date {
  return new Date(Math.ceil((now.getTime() + days * DAY_MS) / DAY_MS) * DAY_MS);
}

function isUnavailable(error: unknown): boolean {
  return isDrError(error) && error.code === 'RepositoryUnavailable';
}

function assertFits(key: string, digest: FileDigest, repository: string): void {
  if (digest.sizeBytes <= OBJECT_LIMIT_BYTES) return;
  const problem = `${key} is ${formatBytes(digest.sizeBytes)}; ${repository} accepts at most 5 TiB.`;
  throw new DrError('InvalidConfiguration', problem, {
    where: repository,
    advice: 'Store the backups of this cluster in a directory repository.',
  });
}
