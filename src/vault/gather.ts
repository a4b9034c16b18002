import { Transform, type TransformCallback } from 'node:stream';

const PIECE_BYTES = 128 * 1024;
const LONGEST_WAIT_MS = 50;

/**
 * Passes bytes on in large pieces. Vault sends a snapshot in pieces of a few kilobytes, and each step on their way costs as
 * much for a small one as for a large one. What arrives slowly is passed on soon all the same: it proves that the sender lives.
 */
export class Gather extends Transform {
  #held: Buffer[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param bufferBytes held before the source is paused
   * @param explain translates an error of the source
   */
  constructor(
    bufferBytes: number,
    private readonly explain: (error: Error) => Error = (error) => error,
  ) {
    // On each of its sides.
    super({ highWaterMark: bufferBytes / 2 });
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#held.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= PIECE_BYTES) this.#pass();
    else this.#timer ??= setTimeout(() => this.#pass(), LONGEST_WAIT_MS);
    done();
  }

  override _flush(done: TransformCallback): void {
    this.#pass();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    this.#held = [];
    done(error && this.explain(error));
  }

  #pass(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#bytes === 0) return;
    const piece = Buffer.concat(this.#held, this.#bytes);
    this.#held = [];
    this.#bytes = 0;
    this.push(piece);
  }
}
