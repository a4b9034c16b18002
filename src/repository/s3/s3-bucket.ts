import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type PutObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { FileDigest } from '../../contract/generation';
import { DigestCheck, explainErrors } from '../digest';
import { Concessions, refusalOf } from './answers';
import type { Protection } from './protection';
import { createS3Client, type S3Settings, type S3Timeouts, TIMEOUTS } from './s3-client';
import { s3Code, s3Status, toRepositoryError } from './s3-errors';
import { abortUpload, type MultipartPlace, pendingUploads, uploadInParts } from './s3-multipart';
import type { OpenSource, TransferOptions } from '../types';

/** One version of an object, or a delete marker. */
export interface Version {
  key: string;
  /** Undefined if the server does not keep versions. */
  id: string | undefined;
  sizeBytes: number;
  storedAt: Date;
  marker: boolean;
  tag: string;
}

/** Where a listing continues: after a key, or a version of it. */
export interface ListedTo {
  key?: string | undefined;
  version?: string | undefined;
  /** Of a server that lists no versions. */
  token?: string | undefined;
}

/** Versions ordered by key, and of each key newest first. */
export interface Page {
  versions: Version[];
  next: ListedTo | undefined;
}

/** What a server says of an object. */
export type Stored = Pick<
  HeadObjectCommandOutput,
  | 'ContentLength'
  | 'ChecksumSHA256'
  | 'LastModified'
  | 'ServerSideEncryption'
  | 'SSEKMSKeyId'
  | 'ObjectLockMode'
  | 'ObjectLockRetainUntilDate'
  | 'ObjectLockLegalHoldStatus'
>;

/** The S3 calls that a repository needs, on keys without the configured prefix; all errors are DrErrors. */
export class S3Bucket {
  readonly #repository: string;
  readonly #settings: S3Settings;
  readonly #timeouts: S3Timeouts;
  /** For calls that may simply be repeated. */
  readonly #calls: S3Client;
  /** For calls whose body can be read only once: the caller repeats them with a new one. */
  readonly #uploads: S3Client;
  #clockOffsetMs = 0;
  /** Features that the server turned out not to support. */
  readonly concessions = new Concessions();
  #listsVersions = true;

  constructor(repository: string, settings: S3Settings) {
    this.#repository = repository;
    this.#settings = settings;
    this.#timeouts = settings.timeouts ?? TIMEOUTS;
    const onServerTime = (serverTime: Date) => {
      this.#clockOffsetMs = serverTime.getTime() - Date.now();
    };
    this.#calls = createS3Client(settings, 3, onServerTime);
    this.#uploads = createS3Client(settings, 1, onServerTime);
  }

  /** By the server's clock in its last answer, in whole seconds; until the first answer, by the local clock. */
  now(): Date {
    return new Date(Date.now() + this.#clockOffsetMs);
  }

  /** Null if there is none. */
  async head(
    { key, id }: Pick<Version, 'key' | 'id'>,
    { signal }: TransferOptions,
  ): Promise<HeadObjectCommandOutput | null> {
    return this.#explained(key, signal, async () => {
      try {
        return await this.concessions.send(['checksum mode'], (asks) => {
          const mode = asks('checksum mode') ? ({ ChecksumMode: 'ENABLED' } as const) : {};
          const command = new HeadObjectCommand({ ...this.#object(key), VersionId: id, ...mode });
          return this.#calls.send(command, this.#options(signal));
        });
      } catch (error) {
        if (s3Status(error) === 404) return null;
        throw error;
      }
    });
  }

  /** Null if there is none. */
  async read(
    { key, id }: Pick<Version, 'key' | 'id'>,
    { signal }: TransferOptions,
  ): Promise<{ body: Readable; stored: Stored } | null> {
    const command = new GetObjectCommand({ ...this.#object(key), VersionId: id });
    return this.#explained(key, signal, async () => {
      try {
        const { Body, ...stored } = await this.#calls.send(command, this.#options(signal));
        return { body: explainErrors(Body as Readable, (error) => this.#explain(error, key, signal)), stored };
      } catch (error) {
        if (s3Code(error) === 'NoSuchKey' || s3Code(error) === 'NoSuchVersion') return null;
        throw error;
      }
    });
  }

  /**
   * One request with body, checksum, encryption and lock; refused if the key is taken or the bytes differ. Without the
   * condition or the checksum if the server does not know them: the caller checks the object before and afterwards.
   */
  async upload(
    key: string,
    source: OpenSource,
    digest: FileDigest,
    protection: Protection,
    options: TransferOptions,
  ): Promise<PutObjectCommandOutput> {
    return this.concessions.send(['condition', 'checksum'], async (asks) => {
      const asked = {
        ...protection,
        ...(asks('checksum') && { ChecksumSHA256: Buffer.from(digest.sha256, 'hex').toString('base64') }),
        ...(asks('condition') && { IfNoneMatch: '*' }),
      };
      return this.#uploadOnce(key, await source(), digest, asked, options);
    });
  }

  async #uploadOnce(
    key: string,
    source: Readable,
    digest: FileDigest,
    asked: Protection & Pick<PutObjectCommandInput, 'ChecksumSHA256' | 'IfNoneMatch'>,
    { signal, onProgress }: TransferOptions,
  ): Promise<PutObjectCommandOutput> {
    const body = new DigestCheck(`${key} on its way to ${this.#repository}`, digest, onProgress);
    // The SDK doesn't notice that a body fails: it would wait until the server times out.
    const broken = new AbortController();
    const feeding = pipeline(source, body).catch((error: unknown) => broken.abort(error));
    const command = new PutObjectCommand({
      ...this.#object(key),
      Body: body,
      ContentLength: digest.sizeBytes,
      ...asked,
    });
    try {
      const abortSignal = signal ? AbortSignal.any([signal, broken.signal]) : broken.signal;
      return await this.#uploads.send(command, { abortSignal });
    } catch (error) {
      signal?.throwIfAborted();
      if (broken.signal.aborted) throw broken.signal.reason;
      throw this.#explain(error, key, signal);
    } finally {
      body.destroy();
      source.destroy();
      await feeding;
    }
  }

  /** In parts; see `uploadInParts`. */
  async uploadInParts(
    key: string,
    source: Readable,
    digest: FileDigest,
    protection: Protection,
    options: TransferOptions,
  ): Promise<string | undefined> {
    const { multipartThreshold } = this.#settings;
    return uploadInParts(this.#placeOf(key), source, digest, protection, multipartThreshold, options);
  }

  /** Aborts uploads that began before that time and whose key is `wanted`. @returns how many. */
  async abortUploads(before: Date, wanted: (key: string) => boolean): Promise<number> {
    const stale: { place: MultipartPlace; uploadId: string }[] = [];
    try {
      for await (const { key, uploadId, startedAt } of pendingUploads(this.#placeOf(''), {})) {
        const own = key.slice(this.#settings.prefix.length);
        if (startedAt < before && wanted(own)) stale.push({ place: this.#placeOf(own), uploadId });
      }
    } catch (error) {
      // A server without multipart uploads has no leftovers; without permission to list them, a lifecycle rule must do it.
      if (['unsupported', 'denied'].includes(refusalOf(error))) return 0;
      throw error;
    }
    for (const { place, uploadId } of stale) await abortUpload(place, uploadId);
    return stale.length;
  }

  /** All versions and delete markers of all keys with the prefix; the objects, if the server keeps no versions. */
  async *versions(prefix: string, options: TransferOptions, from?: ListedTo): AsyncGenerator<Version> {
    let next = from;
    do {
      const page = await this.page(prefix, next, options);
      yield* page.versions;
      next = page.next;
    } while (next);
  }

  /** One request's worth of them. */
  async page(prefix: string, from: ListedTo | undefined, { signal }: TransferOptions): Promise<Page> {
    if (!this.#listsVersions) return this.#objectsPage(prefix, from, signal);
    const command = new ListObjectVersionsCommand({
      Bucket: this.#settings.bucket,
      Prefix: this.#settings.prefix + prefix,
      KeyMarker: from?.key === undefined ? undefined : this.#settings.prefix + from.key,
      VersionIdMarker: from?.version,
    });
    try {
      const page = await this.#calls.send(command, this.#options(signal));
      const { Versions = [], DeleteMarkers = [] } = page;
      const versions = [
        ...Versions.map((version) => this.#version(version, false)),
        ...DeleteMarkers.map((marker) => this.#version(marker, true)),
      ].toSorted(byKey);
      const next = { key: this.#ownKey(page.NextKeyMarker), version: page.NextVersionIdMarker };
      return { versions, next: page.IsTruncated === true ? next : undefined };
    } catch (error) {
      if (from?.version !== undefined || refusalOf(error) !== 'unsupported') throw this.#explain(error, prefix, signal);
      this.#listsVersions = false;
      return this.#objectsPage(prefix, from, signal);
    }
  }

  /** False only if the server says so: then nothing in the bucket can be locked or held. */
  async knowsLocks(): Promise<boolean> {
    const command = new GetObjectLockConfigurationCommand({ Bucket: this.#settings.bucket });
    try {
      await this.#calls.send(command, this.#options(undefined));
      return true;
    } catch (error) {
      return s3Code(error) !== 'ObjectLockConfigurationNotFoundError';
    }
  }

  async deleteVersion({ key, id }: Version): Promise<'removed' | 'locked'> {
    const command = new DeleteObjectCommand({ ...this.#object(key), VersionId: id });
    try {
      await this.#calls.send(command, this.#options(undefined));
      return 'removed';
    } catch (error) {
      if (s3Status(error) === 403 && /object lock|retention|worm/i.test((error as Error).message)) return 'locked';
      throw this.#explain(error, key, undefined);
    }
  }

  async #objectsPage(prefix: string, from: ListedTo | undefined, signal: AbortSignal | undefined): Promise<Page> {
    const command = new ListObjectsV2Command({
      Bucket: this.#settings.bucket,
      Prefix: this.#settings.prefix + prefix,
      ContinuationToken: from?.token,
      StartAfter: from?.key === undefined ? undefined : this.#settings.prefix + from.key,
    });
    const page = await this.#explained(prefix, signal, () => this.#calls.send(command, this.#options(signal)));
    const token = page.NextContinuationToken;
    return {
      versions: (page.Contents ?? []).map((object) => this.#version(object, false)).toSorted(byKey),
      next: token === undefined ? undefined : { token },
    };
  }

  #version(
    listed: { Key?: string; VersionId?: string; ETag?: string; Size?: number; LastModified?: Date },
    marker: boolean,
  ): Version {
    const { VersionId: id, ETag, Size: sizeBytes = 0, LastModified: storedAt = new Date(0) } = listed;
    const tag = [id, ETag, sizeBytes, storedAt.getTime()].join(' ');
    return { key: this.#ownKey(listed.Key) ?? '', id, sizeBytes, storedAt, marker, tag };
  }

  /** Without the configured prefix. */
  #ownKey(key: string | undefined): string | undefined {
    return key?.slice(this.#settings.prefix.length);
  }

  #placeOf(key: string): MultipartPlace {
    return {
      repository: this.#repository,
      bucket: this.#settings.bucket,
      key: this.#settings.prefix + key,
      client: this.#uploads,
      concessions: this.concessions,
      now: () => this.now(),
    };
  }

  #object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#settings.bucket, Key: this.#settings.prefix + key };
  }

  #options(signal: AbortSignal | undefined): { abortSignal?: AbortSignal; requestTimeout: number } {
    return { ...(signal ? { abortSignal: signal } : {}), requestTimeout: this.#timeouts.answerMs };
  }

  async #explained<T>(key: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#explain(error, key, signal);
    }
  }

  #explain(error: unknown, key: string, signal: AbortSignal | undefined): unknown {
    const place = { repository: this.#repository, bucket: this.#settings.bucket, key };
    return toRepositoryError(error, place, signal);
  }
}

/** Stable: what the server says of the order of versions stays. */
function byKey(left: Version, right: Version): number {
  return left.key < right.key ? -1 : left.key > right.key ? 1 : 0;
}
