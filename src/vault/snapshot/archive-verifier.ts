import { createHash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';
import { DrError, isDrError } from '../../contract/failures';
import type { FileDigest } from '../../contract/generation';
import { Gunzip, GunzipError } from './gunzip';

const MAX_HEAD_BYTES = 1024;
const TAR_BLOCK = 512;
/** Zeros after the end of the tar; programs that write whole records leave a few kilobytes at most. */
const MAX_PADDING_BYTES = 64 * 1024;
/** tar-stream's message for an end within an entry, or within the long header before it. */
const PENDING = 'Unexpected end of data';
const GZIP_MAGIC = [0x1f, 0x8b];

export interface Member {
  header: Header;
  /** Must be read to its end before the next member is requested. */
  content: AsyncIterable<Buffer>;
  /** Throws once nobody reads the archive any more; for work between reads. */
  requireOpen: () => void;
}

/** The contents of a gzipped tar, and its name in messages. */
export interface ArchiveFormat<Contents> {
  /** Begins a sentence: `The snapshot`. */
  subject: string;
  /** Advice for an archive that was cut off, and for one that is damaged. */
  advice: { incomplete: string; corrupt: string };
  /** Reads all members. @throws DrError SnapshotIncomplete | SnapshotCorrupt */
  read(members: AsyncIterable<Member>): Promise<Contents>;
  /** Whether nothing may follow this member. @param count of members up to this one */
  isLast(header: Header, count: number): boolean;
  /** Explains by its first bytes what is not gzip. */
  notGzip(head: Buffer): DrError;
}

/**
 * Passes a gzipped tar on unchanged and verifies it on the way, in constant memory: gzip to its very end, tar, and whatever the
 * format checks of the members. Bytes are passed on before all is verified, so the receiver must drop them when the stream fails.
 *
 * Fails with DrError SnapshotIncomplete (cut) or SnapshotCorrupt (wrong bytes).
 */
export class ArchiveVerifier<Contents extends object> extends Transform {
  readonly #hash = createHash('sha256');
  readonly #gunzip = new Gunzip();
  readonly #tar = extract();
  readonly #contents: Promise<Contents>;
  #sizeBytes = 0;
  #inflatedBytes = 0;
  #membersEnd = 0;
  #isLast = false;
  #head: Buffer = Buffer.alloc(0);
  #summary: (Contents & { archive: FileDigest }) | undefined;

  constructor(private readonly format: ArchiveFormat<Contents>) {
    super();
    this.#contents = this.#read();
    this.#contents.catch((error: unknown) => this.destroy(error as DrError));
  }

  /** Only when the stream has ended successfully. `archive`: as it came, gzip and all. */
  get summary(): Contents & { archive: FileDigest } {
    if (this.#summary) return this.#summary;
    throw new DrError('Internal', 'The summary of an archive was requested before the archive was verified.');
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.length;
    if (this.#head.length < MAX_HEAD_BYTES) {
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, MAX_HEAD_BYTES - this.#head.length)]);
    }
    if (!this.#startsAsGzip()) {
      // Reads on, to show an error of Vault in full.
      done(this.#head.length < MAX_HEAD_BYTES ? null : this.format.notGzip(this.#head), chunk);
      return;
    }
    // Called back once the reader has consumed it: back-pressure. An error destroys the whole stream.
    this.#gunzip.write(chunk, (error) => {
      if (!error) done(null, chunk);
    });
  }

  override _flush(done: TransformCallback): void {
    if (this.#sizeBytes === 0) {
      done(this.#incomplete('is empty: no data was received'));
      return;
    }
    if (!this.#startsAsGzip()) {
      done(this.format.notGzip(this.#head));
      return;
    }
    this.#gunzip.end();
    this.#contents.then(
      (contents) => {
        const archive = { sha256: this.#hash.digest('hex'), sizeBytes: this.#sizeBytes };
        this.#summary = { archive, ...contents };
        done();
      },
      () => undefined,
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#gunzip.destroy();
    this.#tar.destroy();
    done(error);
  }

  #startsAsGzip(): boolean {
    return GZIP_MAGIC.every((byte, index) => index >= this.#head.length || this.#head[index] === byte);
  }

  async #read(): Promise<Contents> {
    const results = await Promise.allSettled([
      this.format.read(this.#members()),
      pipeline(this.#gunzip, (source: AsyncIterable<Buffer>) => this.#countInflated(source), this.#tar),
    ]);
    const [contents] = results;
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (contents.status === 'rejected' || reasons.length > 0) throw this.#explain(reasons);
    this.#checkEnd();
    return contents.value;
  }

  async *#members(): AsyncGenerator<Member> {
    let count = 0;
    const requireOpen = () => {
      if (this.destroyed) throw this.errored ?? new Error('The stream was destroyed.');
    };
    for await (const entry of this.#tar) {
      const { header, offset } = entry;
      count++;
      this.#isLast = this.format.isLast(header, count);
      this.#membersEnd = offset + TAR_BLOCK + Math.ceil(header.size / TAR_BLOCK) * TAR_BLOCK;
      yield { header, content: entry as AsyncIterable<Buffer>, requireOpen };
    }
  }

  async *#countInflated(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      this.#inflatedBytes += chunk.length;
      if (this.#isLast && this.#inflatedBytes > this.#membersEnd + MAX_PADDING_BYTES) throw this.#trailing();
      yield chunk;
    }
  }

  /** The tar reader accepts a tar without its end marker. */
  #checkEnd(): void {
    if (this.#inflatedBytes < this.#membersEnd + 2 * TAR_BLOCK)
      throw this.#incomplete('is truncated before the end of its tar');
  }

  #explain(reasons: readonly unknown[]): DrError {
    const known = reasons.find(isDrError);
    if (known) return known;
    const [cause] = reasons;
    switch (reasons.find((reason) => reason instanceof GunzipError)?.kind) {
      case 'cut':
        return this.#incomplete(`is truncated after ${this.#sizeBytes} bytes`, cause);
      case 'damaged':
        return this.#corrupt('has a damaged gzip stream', cause);
      case 'trailing':
        return this.#trailing();
      default:
    }
    // tar-stream's errors have no code; whether the input had ended tells a cut from damage.
    const isPending = reasons.some((reason) => (reason as Error).message === PENDING);
    const cutInside = isPending || this.#membersEnd > this.#inflatedBytes || this.#inflatedBytes % TAR_BLOCK !== 0;
    if (this.#gunzip.readableEnded && cutInside) return this.#incomplete('is truncated inside its tar', cause);
    return this.#corrupt('has a damaged tar', cause);
  }

  #trailing(): DrError {
    return new DrError('SnapshotCorrupt', `${this.format.subject} has trailing data.`, {
      advice:
        'The archive before it is complete; something was appended, such as a line end during a copy. Choose another copy, or make it again.',
    });
  }

  #incomplete(what: string, cause?: unknown): DrError {
    const { subject, advice } = this.format;
    return new DrError('SnapshotIncomplete', `${subject} ${what}.`, { advice: advice.incomplete, cause });
  }

  #corrupt(what: string, cause?: unknown): DrError {
    const { subject, advice } = this.format;
    return new DrError('SnapshotCorrupt', `${subject} ${what}.`, { advice: advice.corrupt, cause });
  }
}
