import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable, Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DrError } from '../contract/failures';
import type { FileDigest } from '../contract/generation';
import { DISK_PIECE_BYTES, writeDurably } from '../files/files';
import type { TransferOptions } from './types';

export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function digestOf(bytes: Uint8Array): FileDigest {
  return { sha256: sha256Hex(bytes), sizeBytes: bytes.length };
}

export function sameDigest(left: FileDigest, right: FileDigest): boolean {
  return left.sha256 === right.sha256 && left.sizeBytes === right.sizeBytes;
}

/** Counts and hashes the bytes that pass. */
export class DigestMeter extends Transform {
  readonly #hash = createHash('sha256');
  sizeBytes = 0;

  constructor(private readonly onProgress?: TransferOptions['onProgress']) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    this.sizeBytes += chunk.length;
    this.onProgress?.(this.sizeBytes);
    done(null, chunk);
  }

  digest(): FileDigest {
    return { sha256: this.#hash.digest('hex'), sizeBytes: this.sizeBytes };
  }
}

/** Passes bytes on; fails at the first excess byte, or at the end if the digest differs. */
export class DigestCheck extends Transform {
  readonly #expected: FileDigest;
  readonly #what: string;
  readonly #onProgress: TransferOptions['onProgress'];
  readonly #hash = createHash('sha256');
  #bytes = 0;

  constructor(what: string, expected: FileDigest, onProgress?: TransferOptions['onProgress']) {
    super();
    this.#what = what;
    this.#expected = expected;
    this.#onProgress = onProgress;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    this.#onProgress?.(this.#bytes);
    if (this.#bytes > this.#expected.sizeBytes) done(this.#mismatch(`has more than ${this.#expected.sizeBytes} bytes`));
    else done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    const sha256 = this.#hash.digest('hex');
    if (this.#bytes < this.#expected.sizeBytes) {
      done(this.#mismatch(`ends after ${this.#bytes} of ${this.#expected.sizeBytes} bytes`));
    } else if (sha256 !== this.#expected.sha256) {
      done(this.#mismatch(`has SHA-256 ${sha256} instead of ${this.#expected.sha256}`));
    } else done();
  }

  #mismatch(how: string): DrError {
    return new DrError('CopyDamaged', `${this.#what} ${how}.`, {
      where: this.#what,
      advice: 'Use another copy of this backup, or another backup.',
    });
  }
}

/**
 * Reads to the end and keeps nothing.
 * @throws DrError CopyDamaged if the bytes are not the ones of the digest.
 */
export async function checkStream(
  source: Readable,
  what: string,
  expected: FileDigest,
  options: TransferOptions = {},
): Promise<void> {
  const drain = async (checked: AsyncIterable<unknown>) => {
    for await (const chunk of checked) void chunk;
  };
  await abortable(options.signal, () =>
    pipeline(source, new DigestCheck(what, expected, options.onProgress), drain, { signal: options.signal }),
  );
}

/**
 * Writes a new file with exactly these bytes, synced, readable only by its owner. A failed attempt may leave a part of it.
 * @throws DrError CopyDamaged if the bytes are not the ones of the digest.
 */
export async function writeChecked(
  path: string,
  source: Readable,
  what: string,
  expected: FileDigest,
  options: TransferOptions = {},
): Promise<void> {
  await abortable(options.signal, () =>
    writeDurably(
      path,
      (file) => pipeline(source, new DigestCheck(what, expected, options.onProgress), file, { signal: options.signal }),
      () => options.onProgress?.(expected.sizeBytes),
    ),
  );
}

/** @throws the file system's own errors. */
export async function digestOfFile(path: string, options: TransferOptions = {}): Promise<FileDigest> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  await abortable(options.signal, async () => {
    const stream = createReadStream(path, { signal: options.signal, highWaterMark: DISK_PIECE_BYTES });
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      options.onProgress?.(sizeBytes);
    }
  });
  return { sha256: hash.digest('hex'), sizeBytes };
}

/** The same bytes; `explain` translates an error of the source. */
export function explainErrors(source: Readable, explain: (error: unknown) => unknown): Readable {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      yield* source as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw explain(error);
    }
  }
  return Readable.from(bytes(), { objectMode: false });
}

/** Node wraps the reason of an abort. */
async function abortable(signal: AbortSignal | undefined, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
