import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
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
}

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
  async head({ key, id }: Version, { signal }: TransferOptions): Promise<HeadObjectCommandOutput | null> {
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
  async read({ key, id }: Version, { signal }: TransferOptions): Promise<Readable | null> {
    const command = new GetObjectCommand({ ...this.#object(key), VersionId: id });
    return this.#explained(key, signal, async () => {
      try {
        const { Body } = await this.#calls.send(command, this.#options(signal));
        return explainErrors(Body as Readable, (error) => this.#explain(error, key, signal));
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
  ): Promise<void> {
    await this.concessions.send(['condition', 'checksum'], async (asks) => {
      const asked = {
        ...protection,
        ...(asks('checksum') && { ChecksumSHA256: Buffer.from(digest.sha256, 'hex').toString('base64') }),
        ...(asks('condition') && { IfNoneMatch: '*' }),
      };
      await this.#uploadOnce(key, await source(), digest, asked, options);
    });
  }

  async #uploadOnce(
    key: string,
    source: Readable,
    digest: FileDigest,
    asked: Protection & Pick<PutObjectCommandInput, 'ChecksumSHA256' | 'IfNoneMatch'>,
    { signal, onProgress }: TransferOptions,
  ): Promise<void> {
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
      await this.#uploads.send(command, { abortSignal });
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
  async *versions(prefix: string, { signal }: TransferOptions): AsyncGenerator<Version> {
    let page: ListObjectVersionsCommandOutput | undefined;
    do {
      const command = new ListObjectVersionsCommand({
        Bucket: this.#settings.bucket,
        Prefix: this.#settings.prefix + prefix,
        KeyMarker: page?.NextKeyMarker,
        VersionIdMarker: page?.NextVersionIdMarker,
      });
      try {
        page = await this.#calls.send(command, this.#options(signal));
      } catch (error) {
        if (page === undefined && refusalOf(error) === 'unsupported') return yield* this.#objects(prefix, signal);
        throw this.#explain(error, prefix, signal);
      }
      for (const version of page.Versions ?? []) yield this.#version(version, false);
      for (const marker of page.DeleteMarkers ?? []) yield this.#version(marker, true);
    } while (page.IsTruncated === true);
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

  async *#objects(prefix: string, signal: AbortSignal | undefined): AsyncGenerator<Version> {
    let token: string | undefined;
    do {
      const command = new ListObjectsV2Command({
        Bucket: this.#settings.bucket,
        Prefix: this.#settings.prefix + prefix,
        ContinuationToken: token,
      });
      const page = await this.#explained(prefix, signal, () => this.#calls.send(command, this.#options(signal)));
      for (const object of page.Contents ?? []) yield this.#version(object, false);
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  #version(
    listed: { Key?: string; VersionId?: string; IsLatest?: boolean; Size?: number; LastModified?: Date },
    marker: boolean,
  ): Version {
    return {
      key: (listed.Key ?? '').slice(this.#settings.prefix.length),
      id: listed.VersionId,
      sizeBytes: listed.Size ?? 0,
      storedAt: listed.LastModified ?? new Date(0),
      marker,
    };
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
