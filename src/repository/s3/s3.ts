import type { Readable } from 'node:stream';
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { DrError, isDrError } from '../../contract/failures';
import { formatBytes } from '../../contract/format';
import { type FileDigest, GENERATION_PATTERN } from '../../contract/generation';
import { checkStream } from '../digest';
import type { Asked } from './answers';
import { type Protection, protectionOf } from './protection';
import { S3Bucket, type Version } from './s3-bucket';
import type { S3Settings } from './s3-client';
import {
  assertKey,
  assertPrefix,
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
  /** First version of each listed key. */
  readonly #known = new Map<string, Version>();

  constructor(name: string, settings: S3Settings) {
    this.name = name;
    this.#settings = settings;
    this.#bucket = new S3Bucket(name, settings);
  }

  async put(key: string, source: OpenSource, digest: FileDigest, options: TransferOptions = {}): Promise<PutOutcome> {
    assertKey(key);
    assertFits(key, digest, this.name);
    if (await this.#holds(key, digest, options)) return 'already-there';
    let composite: string | undefined;
    try {
      if (digest.sizeBytes <= this.#settings.multipartThreshold) {
        await this.#bucket.upload(key, source, digest, this.#protection(), options);
      } else {
        composite = await this.#bucket.uploadInParts(key, await source(), digest, this.#protection(), options);
      }
    } catch (error) {
      // Another attempt was faster, or the answer was lost: the contents of the bucket decide.
      if (isUnavailable(error) && (await this.#holdsIfItAnswers(key, digest, options))) return 'already-there';
      throw error;
    }
    if (await this.#holds(key, digest, options, composite)) return 'written';
    throw new DrError('RepositoryUnavailable', `${this.name} accepted ${key} but does not return it.`, {
      where: this.name,
      advice:
        'vault-dr retries. If the error persists, the service does not return what it stored: use another service.',
    });
  }

  async get(key: string, options: TransferOptions = {}): Promise<Readable | null> {
    assertKey(key);
    const version = this.#known.get(key) ?? (await this.#firstVersion(key, options));
    return version === undefined ? null : this.#bucket.read(version, options);
  }

  /** The id of its version, which nobody can change; without versions there is nothing of that kind. */
  async identityOf(key: string, options: TransferOptions = {}): Promise<string | null> {
    assertKey(key);
    const version = this.#known.get(key) ?? (await this.#firstVersion(key, options));
    if (version?.id === undefined || version.id === UNVERSIONED) return null;
    // What is read next is this version.
    this.#known.set(key, version);
    return version.id;
  }

  async *list(prefix: string, options: TransferOptions = {}): AsyncGenerator<StoredObject> {
    assertPrefix(prefix);
    const first = await this.#firstVersions(prefix, options);
    for (const version of first.values()) this.#known.set(version.key, version);
    const sorted = [...first.values()].toSorted((left, right) => (left.key < right.key ? -1 : 1));
    for (const { key, sizeBytes, storedAt } of sorted) yield { key, sizeBytes, storedAt };
  }

  /** Removes every version and delete marker of the key; nothing, if one of them is locked. */
  async remove(key: string): Promise<RemoveOutcome> {
    const versions = await this.#versionsOf(key);
    if (versions.length === 0) return 'absent';
    if (await this.#anyLocked(versions)) return 'locked';
    this.#known.delete(key);
    for (const version of versions) {
      if ((await this.#bucket.deleteVersion(version)) === 'locked') return 'locked';
    }
    return 'removed';
  }

  async isLocked(key: string): Promise<boolean> {
    return this.#anyLocked(await this.#versionsOf(key));
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
    { ContentLength, ChecksumSHA256 }: HeadObjectCommandOutput,
    digest: FileDigest,
    options: TransferOptions,
    composite: string | undefined,
  ): Promise<void> {
    const expected = composite ?? Buffer.from(digest.sha256, 'hex').toString('base64');
    // The checksum of a multipart object is useless without the parts.
    const conclusive = ChecksumSHA256 !== undefined && ChecksumSHA256.includes('-') === (composite !== undefined);
    let same = ContentLength === digest.sizeBytes && (!conclusive || ChecksumSHA256 === expected);
    if (same && !conclusive) {
      const stream = await this.#bucket.read(version, options);
      try {
        if (stream) await checkStream(stream, version.key, digest, options);
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

  #assertProtected(key: string, head: HeadObjectCommandOutput): void {
    const { kmsKeyId, objectLock } = this.#settings;
    const refuse = (problem: string, advice: string) => {
      throw new DrError('InvalidConfiguration', `${this.name} stored ${key}, but ${problem}.`, {
        where: this.name,
        advice,
      });
    };
    // Servers return the ARN even if the bare id was requested.
    const keyName = kmsKeyId?.split('/').at(-1) ?? '';
    if (kmsKeyId && !(head.ServerSideEncryption === 'aws:kms' && head.SSEKMSKeyId?.endsWith(keyName))) {
      refuse(`not encrypted with the KMS key ${kmsKeyId}`, 'Use a service that supports SSE-KMS, or remove kmsKeyId.');
    }
    if (!objectLock) return;
    const lockedUntil = head.ObjectLockRetainUntilDate?.getTime() ?? 0;
    const wantedUntil = (head.LastModified?.getTime() ?? 0) + (objectLock.days - 1) * DAY_MS;
    if (head.ObjectLockMode !== objectLock.mode || lockedUntil < wantedUntil) {
      refuse(
        `not locked in mode ${objectLock.mode} for ${objectLock.days} days`,
        'Check that Object Lock is enabled on the bucket and that the credentials may use s3:GetObjectRetention.',
      );
    }
  }

  async #anyLocked(versions: Version[]): Promise<boolean> {
    for (const version of versions.filter(({ marker }) => !marker)) {
      const head = await this.#bucket.head(version, {});
      if (head?.ObjectLockLegalHoldStatus === 'ON') return true;
      if (head?.ObjectLockRetainUntilDate && head.ObjectLockRetainUntilDate > this.#bucket.now()) return true;
    }
    return false;
  }

  /** Newest first, delete markers among them. */
  async #versionsOf(key: string): Promise<Version[]> {
    assertKey(key);
    const versions: Version[] = [];
    for await (const version of this.#bucket.versions(key, {})) if (version.key === key) versions.push(version);
    return versions;
  }

  async #firstVersion(key: string, options: TransferOptions): Promise<Version | undefined> {
    return (await this.#firstVersions(key, options)).get(key);
  }

  /** Servers list the newest first; times have whole seconds, so of equal ones the last listed is the first. */
  async #firstVersions(prefix: string, options: TransferOptions): Promise<Map<string, Version>> {
    const first = new Map<string, Version>();
    for await (const version of this.#bucket.versions(prefix, options)) {
      const seen = first.get(version.key);
      if (!version.marker && (!seen || version.storedAt <= seen.storedAt)) first.set(version.key, version);
    }
    return first;
  }
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
