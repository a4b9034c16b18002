import { Transform, type TransformCallback } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';

/** Of RFC 1952. */
const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
const DEFLATE = 8;
const FLAGS = { extra: 0x04, name: 0x08, comment: 0x10, headerSum: 0x02, reserved: 0xe0 };
/** Names and comments have no length field. */
const MOST_HEADER_BYTES = 64 * 1024;

/**
 * `cut`: it ends before the archive does. `damaged`: its bytes are wrong. `trailing`: it is whole, and something follows.
 */
export class GunzipError extends Error {
  constructor(
    readonly kind: 'cut' | 'damaged' | 'trailing',
    cause?: unknown,
  ) {
    super(`gzip: ${kind}`, { cause });
    this.name = 'GunzipError';
  }
}

/**
 * Inflates one gzip archive up to its last byte. Node's own implementation reads on into trailing data, discards what it
 * has inflated if that is not gzip, and can't tell which of the two was wrong.
 */
export class Gunzip extends Transform {
  readonly #raw = createInflateRaw({ chunkSize: 64 * 1024 });
  /** Bytes of an incomplete header; null once it is complete. */
  #head: Buffer | null = Buffer.alloc(0);
  /** Once the compressed part has ended. */
  #trailer: Buffer | null = null;
  #fed = 0;
  /** The last chunk. */
  #last: Buffer = Buffer.alloc(0);
  #sum = 0;
  #sizeBytes = 0;
  #done: TransformCallback = () => undefined;

  constructor() {
    super();
    this.#raw.on('data', (bytes: Buffer) => {
      this.#sum = crc32(bytes, this.#sum);
      this.#sizeBytes += bytes.length;
      if (!this.push(bytes)) this.#raw.pause();
    });
    this.#raw.on('error', (error: NodeJS.ErrnoException) => {
      this.destroy(new GunzipError(error.code === 'Z_BUF_ERROR' ? 'cut' : 'damaged', error));
    });
    this.#raw.on('end', () => this.#endOfData());
  }

  /** Whether the archive has ended and was intact. */
  get complete(): boolean {
    return this.#trailer?.length === TRAILER_BYTES;
  }

  override _read(size: number): void {
    this.#raw.resume();
    super._read(size);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      if (this.#trailer !== null) this.#takeTrailer(chunk);
      else {
        const body = this.#head === null ? chunk : this.#takeHeader(Buffer.concat([this.#head, chunk]));
        if (body !== null && body.length > 0) return this.#inflate(body, done);
      }
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    done(this.complete ? null : new GunzipError('cut'));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#raw.destroy();
    done(error);
  }

  #inflate(body: Buffer, done: TransformCallback): void {
    this.#last = body;
    this.#fed += body.length;
    // A write that contains the end may never be called back: the end itself completes it.
    const once = () => {
      if (this.#done !== once) return;
      this.#done = () => undefined;
      done();
    };
    this.#done = once;
    this.#raw.write(body, (error) => {
      // Bytes after the end are not in the trailer yet.
      if (!error && this.#raw.bytesWritten === this.#fed) once();
    });
  }

  /** Input that was not consumed belongs to the trailer. */
  #endOfData(): void {
    this.#trailer = Buffer.alloc(0);
    const left = this.#fed - this.#raw.bytesWritten;
    try {
      this.#takeTrailer(left === 0 ? Buffer.alloc(0) : this.#last.subarray(-left));
      this.#done();
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  /** @returns what follows the header; null while that is incomplete. */
  #takeHeader(bytes: Buffer): Buffer | null {
    const length = headerLength(bytes);
    this.#head = length === null ? bytes : null;
    return length === null ? null : bytes.subarray(length);
  }

  #takeTrailer(bytes: Buffer): void {
    const trailer = Buffer.concat([this.#trailer ?? Buffer.alloc(0), bytes.subarray(0, TRAILER_BYTES + 1)]);
    if (trailer.length >= TRAILER_BYTES) {
      const right = trailer.readUInt32LE(0) === this.#sum && trailer.readUInt32LE(4) === this.#sizeBytes % 2 ** 32;
      if (!right) throw new GunzipError('damaged');
      if (trailer.length > TRAILER_BYTES) throw new GunzipError('trailing');
    }
    this.#trailer = trailer;
  }
}

/** Null while it is incomplete. @throws GunzipError */
function headerLength(bytes: Buffer): number | null {
  if (bytes.length < HEADER_BYTES) return null;
  const flags = bytes.readUInt8(3);
  if (bytes.readUInt8(2) !== DEFLATE || (flags & FLAGS.reserved) !== 0) throw new GunzipError('damaged');
  let at = HEADER_BYTES;
  if (flags & FLAGS.extra) {
    if (bytes.length < at + 2) return null;
    at += 2 + bytes.readUInt16LE(at);
  }
  for (const flag of [FLAGS.name, FLAGS.comment]) {
    if (!(flags & flag)) continue;
    const end = bytes.indexOf(0, at);
    if (end < 0 && bytes.length > MOST_HEADER_BYTES) throw new GunzipError('damaged');
    if (end < 0) return null;
    at = end + 1;
  }
  if (flags & FLAGS.headerSum) at += 2;
  return at > bytes.length ? null : at;
}
