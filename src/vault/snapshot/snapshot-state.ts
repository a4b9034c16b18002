import { DrError } from '../../contract/failures';
import { KeyTally } from './key-tally';

/** bbolt's limit for a key. */
const MAX_KEY_BYTES = 32_768;
/** Vault's own limit for one entry. */
const MAX_ENTRY_BYTES = 2 ** 31 - 1;
/** For the few values that are kept; a seal configuration has about 200 bytes. */
const MAX_KEPT_VALUE_BYTES = 64 * 1024;
const FIELD = { key: 1, value: 2 } as const;
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/**
 * Walks a `state.bin`: a sequence of `StorageEntry { string key = 1; bytes value = 2; }`, each preceded by its length as a
 * varint. Accepts chunks that end anywhere; keeps only the values of `kept` keys.
 */
export class StateReader {
  readonly tally: KeyTally;
  readonly #kept: ReadonlySet<string>;
  readonly #keptValues = new Map<string, Buffer>();
  readonly #walk: Generator<void, never, void>;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Bytes of the chunks before the present one. */
  #before = 0;
  #betweenEntries = true;

  /** @param watched keys whose presence is recorded; @param kept keys whose values are plaintext and needed. */
  constructor(watched: Iterable<string>, kept: Iterable<string>) {
    this.tally = new KeyTally(watched);
    this.#kept = new Set(kept);
    this.#walk = this.#entries();
    this.#walk.next();
  }

  /** Bytes taken so far. */
  get sizeBytes(): number {
    return this.#before + this.#at;
  }

  /** @throws DrError SnapshotCorrupt */
  push(chunk: Buffer): void {
    this.#before += this.#at;
    this.#chunk = chunk;
    this.#at = 0;
    this.#walk.next();
  }

  /** @throws DrError SnapshotIncomplete when the last entry is cut. */
  end(): void {
    if (this.#betweenEntries) return;
    throw new DrError(
      'SnapshotIncomplete',
      `The snapshot's state.bin ends inside an entry (at byte ${this.sizeBytes}).`,
    );
  }

  valueOf(key: string): Buffer | undefined {
    return this.#keptValues.get(key);
  }

  /** Yields where it needs the next chunk, even in the middle of an entry. */
  *#entries(): Generator<void, never, void> {
    for (;;) {
      const length = yield* this.#length(MAX_ENTRY_BYTES);
      yield* this.#entry(this.sizeBytes + length);
      this.#betweenEntries = true;
    }
  }

  *#entry(end: number): Generator<void, void, void> {
    let key: string | undefined;
    let valueBytes = 0;
    while (this.sizeBytes < end) {
      const tag = yield* this.#varint();
      const field = Math.floor(tag / 8);
      const wire = tag % 8;
      if (wire !== WIRE.bytes) {
        yield* this.#skipScalar(wire);
        continue;
      }
      const length = yield* this.#length(end - this.sizeBytes);
      if (field === FIELD.key) {
        if (length > MAX_KEY_BYTES) throw this.#corrupt(`has a key of ${length} bytes`);
        key = (yield* this.#take(length)).toString('utf8');
      } else if (field === FIELD.value) {
        // Vault writes the key first; otherwise it would be unknown whether to keep the value.
        if (key === undefined) throw this.#corrupt('has a value without a key before it');
        valueBytes = length;
        if (this.#kept.has(key)) {
          if (length > MAX_KEPT_VALUE_BYTES) throw this.#corrupt(`has ${length} bytes under ${key}`);
          this.#keptValues.set(key, yield* this.#take(length));
        } else {
          yield* this.#skip(length);
        }
      } else {
        yield* this.#skip(length);
      }
    }
    if (this.sizeBytes !== end) throw this.#corrupt('has an entry that is longer than declared');
    if (key === undefined) throw this.#corrupt('has an entry without a key');
    this.tally.note(key, valueBytes);
  }

  *#length(limit: number): Generator<void, number, void> {
    const length = yield* this.#varint();
    if (length > limit) throw this.#corrupt(`has a length of ${length} where at most ${limit} fits`);
    return length;
  }

  *#varint(): Generator<void, number, void> {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 10; count++) {
      while (this.#at === this.#chunk.length) yield;
      this.#betweenEntries = false;
      const byte = this.#chunk[this.#at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    throw this.#corrupt('has an unterminated number');
  }

  *#take(length: number): Generator<void, Buffer, void> {
    const available = this.#chunk.length - this.#at;
    if (available >= length) return Buffer.from(this.#chunk.subarray(this.#at, (this.#at += length)));
    const taken = Buffer.alloc(length);
    let filled = 0;
    for (;;) {
      const copied = this.#chunk.copy(taken, filled, this.#at);
      this.#at += copied;
      filled += copied;
      if (filled === length) return taken;
      yield;
    }
  }

  *#skip(length: number): Generator<void, void, void> {
    let left = length;
    for (;;) {
      const step = Math.min(left, this.#chunk.length - this.#at);
      this.#at += step;
      left -= step;
      if (left === 0) return;
      yield;
    }
  }

  *#skipScalar(wire: number): Generator<void, void, void> {
    if (wire === WIRE.varint) yield* this.#varint();
    else if (wire === WIRE.fixed64) yield* this.#skip(8);
    else if (wire === WIRE.fixed32) yield* this.#skip(4);
    else throw this.#corrupt(`has a field of the unknown type ${wire}`);
  }

  #corrupt(what: string): DrError {
    return new DrError('SnapshotCorrupt', `The snapshot's state.bin ${what} (near byte ${this.sizeBytes}).`);
  }
}
