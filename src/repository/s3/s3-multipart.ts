import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  type ListPartsCommandOutput,
  type Part,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { isDrError } from '../../contract/failures';
import type { FileDigest } from '../../contract/generation';
import { DigestCheck } from '../digest';
import { type Concessions, refusalOf } from './answers';
import type { Protection } from './protection';
import { s3Status, toRepositoryError } from './s3-errors';
import type { TransferOptions } from '../types';

const MIB = 1024 ** 2;
/** The size of a part unless the object needs larger ones. */
const PART_BYTES = 8 * MIB;
/** The memory of an upload: as many parts as fit go at a time, but one at least. */
const BUFFER_BYTES = 32 * MIB;
const MAX_PARTS = 10_000;
const CHUNK_BYTES = 256 * 1024;
const PART_ATTEMPTS = 3;
/** An older upload is not resumed: its lock would end too soon. */
const RESUMABLE_MS = 12 * 60 * 60 * 1000;

/** Where one object goes. */
export interface MultipartPlace {
  repository: string;
  bucket: string;
  /** With the configured prefix. */
  key: string;
  /** For a single attempt: the source can be read only once. */
  client: S3Client;
  concessions: Concessions;
  now: () => Date;
}

export interface PendingUpload {
  key: string;
  uploadId: string;
  startedAt: Date;
}

interface Upload {
  uploadId: string;
  /** That the server has already, by number. */
  parts: Map<number, Part>;
}

/** Depends on the size only, so that a repeated attempt cuts at the same places. */
export function partSize(sizeBytes: number, threshold: number): number {
  return Math.max(Math.min(threshold, PART_BYTES), Math.ceil(sizeBytes / MAX_PARTS / MIB) * MIB);
}

/**
 * Uploads in equal parts, some at a time, each with its SHA-256, and resumes an upload of this key that an earlier attempt
 * left: parts that the server already has with the same bytes are not sent again. An upload that can't succeed is aborted; an
 * interrupted one stays for the next attempt, and retention removes it after a day.
 * @returns the checksum of the parts' checksums that the server must report for the object; undefined if it has none.
 * @throws DrError CopyDamaged if the source doesn't match the digest; RepositoryUnavailable if the key is taken.
 */
export async function uploadInParts(
  place: MultipartPlace,
  source: Readable,
  digest: FileDigest,
  protection: Protection,
  threshold: number,
  options: TransferOptions,
): Promise<string | undefined> {
  const checked = new DigestCheck(`${place.key} on its way to ${place.repository}`, digest);
  const feeding = pipeline(source, checked).catch(() => undefined);
  let uploadId: string | undefined;
  try {
    const upload = await takeUp(place, protection, options);
    uploadId = upload.uploadId;
    options.resume?.onUpload(uploadId);
    const completed = await sendParts(place, upload, checked, partSize(digest.sizeBytes, threshold), options);
    const summed = !place.concessions.has('checksum');
    const Parts = summed ? completed : completed.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    await place.concessions.send(['condition', 'size'], (asks) =>
      explained(place, options, () =>
        place.client.send(
          new CompleteMultipartUploadCommand({
            ...objectOf(place),
            UploadId: uploadId,
            MultipartUpload: { Parts },
            ...(asks('size') && { MpuObjectSize: digest.sizeBytes }),
            ...(asks('condition') && { IfNoneMatch: '*' }),
          }),
          abortable(options),
        ),
      ),
    );
    return summed ? compositeOf(completed) : undefined;
  } catch (error) {
    if (uploadId !== undefined && !options.signal?.aborted && isFinal(error)) await abortUpload(place, uploadId);
    throw error;
  } finally {
    checked.destroy();
    source.destroy();
    await feeding;
  }
}

/** Rejects with the first error, once no part is under way any more: an upload that is aborted then leaves nothing. */
async function sendParts(
  place: MultipartPlace,
  upload: Upload,
  source: AsyncIterable<Buffer>,
  size: number,
  options: TransferOptions,
): Promise<CompletedPart[]> {
  const failed = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal;
  const buffers = new Buffers(size, Math.max(1, Math.floor(BUFFER_BYTES / size)));
  const onProgress = summedUp(options.onProgress);
  const parts: Promise<CompletedPart>[] = [];
  try {
    for await (const bytes of slices(source, buffers)) {
      failed.signal.throwIfAborted();
      const number = parts.length + 1;
      const part = { signal, onProgress: (sent: number) => onProgress(number, sent) };
      const sending = completePart(place, upload, number, bytes, part).finally(() => buffers.giveBack(bytes));
      sending.catch((error: unknown) => failed.abort(error));
      parts.push(sending);
    }
    return await Promise.all(parts);
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(parts);
    throw failed.signal.reason;
  }
}

async function completePart(
  place: MultipartPlace,
  { uploadId, parts }: Upload,
  number: number,
  bytes: Buffer,
  options: TransferOptions,
): Promise<CompletedPart> {
  const checksum = createHash('sha256').update(bytes).digest('base64');
  const there = parts.get(number);
  const isThere = there !== undefined && holds(there, bytes, checksum);
  const ETag = isThere ? there.ETag : await sendPart(place, uploadId, number, bytes, checksum, options);
  options.onProgress?.(bytes.length);
  return { PartNumber: number, ETag, ChecksumSHA256: checksum };
}

/** Progress of the whole by that of its parts; it never goes back, though a part may begin again. */
function summedUp(onProgress: TransferOptions['onProgress']): (number: number, bytes: number) => void {
  const sent = new Map<number, number>();
  let total = 0;
  return (number, bytes) => {
    total += Math.max(0, bytes - (sent.get(number) ?? 0));
    sent.set(number, Math.max(bytes, sent.get(number) ?? 0));
    onProgress?.(total);
  };
}

/** All unfinished uploads of keys with the prefix. */
export async function* pendingUploads(
  place: MultipartPlace,
  { signal }: TransferOptions,
): AsyncGenerator<PendingUpload> {
  let page: ListMultipartUploadsCommandOutput | undefined;
  do {
    const command = new ListMultipartUploadsCommand({
      Bucket: place.bucket,
      Prefix: place.key,
      KeyMarker: page?.NextKeyMarker,
      UploadIdMarker: page?.NextUploadIdMarker,
    });
    page = await explained(place, { signal }, () => place.client.send(command, abortable({ signal })));
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Key !== undefined && UploadId !== undefined) {
        yield { key: Key, uploadId: UploadId, startedAt: Initiated ?? place.now() };
      }
    }
  } while (page.IsTruncated === true);
}

/** Succeeds if it is already gone. */
export async function abortUpload(place: MultipartPlace, uploadId: string): Promise<void> {
  try {
    await place.client.send(new AbortMultipartUploadCommand({ ...objectOf(place), UploadId: uploadId }));
  } catch (error) {
    if (s3Status(error) !== 404) throw toRepositoryError(error, place);
  }
}

/** The newest upload of exactly this key with its parts, or a new one. */
async function takeUp(place: MultipartPlace, protection: Protection, options: TransferOptions): Promise<Upload> {
  for (const uploadId of await earlierUploads(place, options)) {
    const parts = await listParts(place, uploadId, options);
    if (parts) return { uploadId, parts };
  }
  const { UploadId } = await place.concessions.send(['checksum'], (asks) =>
    explained(place, options, () =>
      place.client.send(
        new CreateMultipartUploadCommand({
          ...objectOf(place),
          ...(asks('checksum') && { ChecksumAlgorithm: 'SHA256' }),
          ...protection,
        }),
        abortable(options),
      ),
    ),
  );
  return { uploadId: UploadId ?? '', parts: new Map() };
}

/** Newest first. Without permission to list uploads, only the one that the previous attempt reported. */
async function earlierUploads(place: MultipartPlace, options: TransferOptions): Promise<string[]> {
  const known = options.resume?.uploadId === undefined ? [] : [options.resume.uploadId];
  const found: PendingUpload[] = [];
  try {
    for await (const upload of pendingUploads(place, options)) if (upload.key === place.key) found.push(upload);
  } catch (error) {
    if (!isDrError(error) || error.retryable) throw error;
    return known;
  }
  return found
    .filter(({ startedAt }) => place.now().getTime() - startedAt.getTime() < RESUMABLE_MS)
    .toSorted((left, right) => right.startedAt.getTime() - left.startedAt.getTime())
    .map(({ uploadId }) => uploadId);
}

/** Null if the upload is gone. */
async function listParts(
  place: MultipartPlace,
  uploadId: string,
  options: TransferOptions,
): Promise<Map<number, Part> | null> {
  const parts = new Map<number, Part>();
  let page: ListPartsCommandOutput | undefined;
  do {
    const command = new ListPartsCommand({
      ...objectOf(place),
      UploadId: uploadId,
      PartNumberMarker: page?.NextPartNumberMarker,
    });
    try {
      page = await place.client.send(command, abortable(options));
    } catch (error) {
      // Without permission to list them, or if that fails, start over.
      if (s3Status(error) === 404 || refusalOf(error) !== 'later') return null;
      throw toRepositoryError(error, place, options.signal);
    }
    for (const part of page.Parts ?? []) if (part.PartNumber !== undefined) parts.set(part.PartNumber, part);
  } while (page.IsTruncated === true);
  return parts;
}

/** Not every server lists the checksum; without SSE-KMS the ETag of a part is its MD5. */
function holds(part: Part, bytes: Buffer, checksum: string): boolean {
  if (part.Size !== bytes.length) return false;
  if (part.ChecksumSHA256 !== undefined) return part.ChecksumSHA256 === checksum;
  return part.ETag?.replaceAll('"', '') === createHash('md5').update(bytes).digest('hex');
}

async function sendPart(
  place: MultipartPlace,
  uploadId: string,
  number: number,
  bytes: Buffer,
  checksum: string,
  options: TransferOptions,
): Promise<string | undefined> {
  const sendOnce = async (ChecksumSHA256: string | undefined) => {
    const body = Readable.from(chunksOf(bytes, options.onProgress), { objectMode: false });
    const part = { UploadId: uploadId, PartNumber: number, Body: body, ContentLength: bytes.length, ChecksumSHA256 };
    try {
      const command = new UploadPartCommand({ ...objectOf(place), ...part });
      return (await explained(place, options, () => place.client.send(command, abortable(options)))).ETag;
    } finally {
      body.destroy();
    }
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await place.concessions.send(['checksum'], (asks) => sendOnce(asks('checksum') ? checksum : undefined));
    } catch (error) {
      if (attempt === PART_ATTEMPTS || isFinal(error)) throw error;
      await sleep(250 * 2 ** attempt, undefined, { signal: options.signal });
    }
  }
}

function* chunksOf(bytes: Buffer, onProgress: TransferOptions['onProgress']): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    yield bytes.subarray(at, at + CHUNK_BYTES);
    onProgress?.(Math.min(at + CHUNK_BYTES, bytes.length));
  }
}

/** So many of one size and no more: whoever needs another one waits until one is given back. */
class Buffers {
  readonly #free: Buffer[] = [];
  readonly #waiting: ((buffer: Buffer) => void)[] = [];
  #left: number;

  constructor(
    readonly sizeBytes: number,
    count: number,
  ) {
    this.#left = count;
  }

  async take(): Promise<Buffer> {
    const free = this.#free.pop();
    if (free) return free;
    if (this.#left === 0) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#left--;
    return Buffer.allocUnsafe(this.sizeBytes);
  }

  giveBack(buffer: Buffer): void {
    const next = this.#waiting.shift();
    if (next) next(buffer);
    else this.#free.push(buffer);
  }
}

/** Slices in buffers that the receiver gives back, all of their size but the last. */
async function* slices(source: AsyncIterable<Buffer>, buffers: Buffers): AsyncGenerator<Buffer> {
  let slice: Buffer | null = null;
  let filled = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length;) {
      slice ??= await buffers.take();
      const taken = chunk.copy(slice, filled, at);
      filled += taken;
      at += taken;
      if (filled < slice.length) continue;
      yield slice;
      slice = null;
      filled = 0;
    }
  }
  if (slice !== null) yield slice.subarray(0, filled);
}

/** As S3 reports it: the hash of the parts' hashes, and their number. */
function compositeOf(parts: CompletedPart[]): string {
  const hash = createHash('sha256');
  for (const { ChecksumSHA256 } of parts) hash.update(Buffer.from(ChecksumSHA256 ?? '', 'base64'));
  return `${hash.digest('base64')}-${parts.length}`;
}

/** Whether this upload can't be resumed: the source is wrong, it is refused, or the key is taken. */
function isFinal(error: unknown): boolean {
  if (!isDrError(error) || !error.retryable) return true;
  const status = s3Status(error.cause);
  return status === 412 || status === 409 || status === 404;
}

function objectOf({ bucket, key }: MultipartPlace): { Bucket: string; Key: string } {
  return { Bucket: bucket, Key: key };
}

function abortable({ signal }: TransferOptions): { abortSignal?: AbortSignal } {
  return signal ? { abortSignal: signal } : {};
}

async function explained<T>(place: MultipartPlace, { signal }: TransferOptions, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toRepositoryError(error, place, signal);
  }
}
