/** What to read of a value: nothing, a short text or number, only its length, or some entries of a map. */
export type Wish = 'scalar' | 'length' | 'both' | { readonly [key: string]: Wish };

/**
 * What was read: null for nil; undefined for anything not requested, of another type, or a text too long to keep.
 */
export type Found = string | number | boolean | null | undefined | Measured | { [key: string]: Found };

/** With `length` and `both`. */
export interface Measured {
  bytes: number;
  /** With `both`, if it is short. */
  value: Buffer | null;
}

/** Consul nests records a few levels deep; a service's own settings may be deeper. */
const MAX_DEPTH = 64;
/** Longest text or value that is kept; no map key of interest is longer. */
const MAX_KEPT_BYTES = 64 * 1024;
const MAX_KEY_BYTES = 64;

/** The bytes are not MessagePack, or not as any program writes it. */
export class MsgpackError extends Error {
  override readonly name = 'MsgpackError';
}

/**
 * Walks MessagePack values in chunks that end anywhere, and keeps only what is requested: lengths and depths in the bytes
 * do not affect its use of memory. A generator that yields where it needs the next chunk.
 */
export class MsgpackWalk {
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Bytes of the chunks before the present one. */
  #before = 0;

  /** Bytes taken so far. */
  get position(): number {
    return this.#before + this.#at;
  }

  feed(chunk: Buffer): void {
    this.#before += this.#at;
    this.#chunk = chunk;
    this.#at = 0;
  }

  *byte(): Generator<void, number, void> {
    while (this.#at === this.#chunk.length) yield;
    return this.#chunk[this.#at++] ?? 0;
  }

  /** @throws MsgpackError */
  *value(wish?: Wish, depth = 0): Generator<void, Found, void> {
    if (depth > MAX_DEPTH) throw new MsgpackError('is nested too deeply');
    const head = yield* this.byte();
    if (head < 0x80) return head;
    if (head < 0x90) return yield* this.#map(head & 0x0f, wish, depth);
    if (head < 0xa0) return yield* this.#array(head & 0x0f, depth);
    if (head < 0xc0) return yield* this.#bytes(head & 0x1f, wish);
    if (head >= 0xe0) return head - 0x100;
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xd9:
        return yield* this.#bytes(yield* this.#unsigned(1), wish);
      case 0xc5:
      case 0xda:
        return yield* this.#bytes(yield* this.#unsigned(2), wish);
      case 0xc6:
      case 0xdb:
        return yield* this.#bytes(yield* this.#unsigned(4), wish);
      case 0xc7:
        return yield* this.#skip((yield* this.#unsigned(1)) + 1);
      case 0xc8:
        return yield* this.#skip((yield* this.#unsigned(2)) + 1);
      case 0xc9:
        return yield* this.#skip((yield* this.#unsigned(4)) + 1);
      case 0xca:
        return yield* this.#skip(4);
      case 0xcb:
        return yield* this.#skip(8);
      case 0xcc:
        return yield* this.#unsigned(1);
      case 0xcd:
        return yield* this.#unsigned(2);
      case 0xce:
        return yield* this.#unsigned(4);
      case 0xcf:
        return yield* this.#unsigned(8);
      case 0xd0:
        return ((yield* this.#unsigned(1)) << 24) >> 24;
      case 0xd1:
        return ((yield* this.#unsigned(2)) << 16) >> 16;
      case 0xd2:
        return (yield* this.#unsigned(4)) | 0;
      case 0xd3:
        return yield* this.#skip(8);
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return yield* this.#skip(2 ** (head - 0xd4) + 1);
      case 0xdc:
        return yield* this.#array(yield* this.#unsigned(2), depth);
      case 0xdd:
        return yield* this.#array(yield* this.#unsigned(4), depth);
      case 0xde:
        return yield* this.#map(yield* this.#unsigned(2), wish, depth);
      case 0xdf:
        return yield* this.#map(yield* this.#unsigned(4), wish, depth);
      default:
        // 0xc1 is the only byte that begins no value.
        throw new MsgpackError('has a byte that begins no value');
    }
  }

  *#map(pairs: number, wish: Wish | undefined, depth: number): Generator<void, Found, void> {
    const wanted = typeof wish === 'object' ? wish : undefined;
    const found: Record<string, Found> = {};
    for (let left = pairs; left > 0; left--) {
      const key = this.#shortKey() ?? (yield* this.#key(depth));
      const inner = wanted !== undefined && Object.hasOwn(wanted, key) ? wanted[key] : undefined;
      if (inner === undefined && this.#skipShort()) continue;
      const value = yield* this.value(inner, depth + 1);
      if (inner !== undefined) found[key] = value;
    }
    return wanted && found;
  }

  *#array(items: number, depth: number): Generator<void, undefined, void> {
    for (let left = items; left > 0; left--) yield* this.value(undefined, depth + 1);
    return undefined;
  }

  /** Nearly all keys are short texts within the chunk: reading those without a generator takes a third of the time. */
  #shortKey(): string | undefined {
    const head = this.#chunk[this.#at] ?? 0;
    const end = this.#at + 1 + (head & 0x1f);
    if (head < 0xa0 || head > 0xbf || end > this.#chunk.length) return undefined;
    const key = this.#chunk.toString('utf8', this.#at + 1, end);
    this.#at = end;
    return key;
  }

  /** The same for values not requested: a small number, nil, true, false, a short text. */
  #skipShort(): boolean {
    const head = this.#chunk[this.#at];
    if (head === undefined) return false;
    const bytes = shortLength(head);
    if (bytes === 0 || this.#at + bytes > this.#chunk.length) return false;
    this.#at += bytes;
    return true;
  }

  /** Empty if it is not a text, or too long to be a known key. */
  *#key(depth: number): Generator<void, string, void> {
    const key = yield* this.value('both', depth + 1);
    const { value } = (key ?? {}) as Partial<Measured>;
    return value === null || value === undefined || value.length > MAX_KEY_BYTES ? '' : value.toString('utf8');
  }

  *#bytes(length: number, wish: Wish | undefined): Generator<void, Found, void> {
    const kept = length <= MAX_KEPT_BYTES;
    if (wish === 'scalar' && kept) return (yield* this.#take(length)).toString('utf8');
    if (wish === 'both' && kept) return { bytes: length, value: yield* this.#take(length) };
    yield* this.#skip(length);
    return wish === 'length' || wish === 'both' ? { bytes: length, value: null } : undefined;
  }

  /** Integers beyond 2^53 lose their last digits. */
  *#unsigned(bytes: number): Generator<void, number, void> {
    let value = 0;
    for (let left = bytes; left > 0; left--) {
      while (this.#at === this.#chunk.length) yield;
      value = value * 256 + (this.#chunk[this.#at++] ?? 0);
    }
    return value;
  }

  *#take(length: number): Generator<void, Buffer, void> {
    const available = this.#chunk.length - this.#at;
    if (available >= length) return this.#chunk.subarray(this.#at, (this.#at += length));
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

  *#skip(length: number): Generator<void, undefined, void> {
    let left = length;
    for (;;) {
      const step = Math.min(left, this.#chunk.length - this.#at);
      this.#at += step;
      left -= step;
      if (left === 0) return undefined;
      yield;
    }
  }
}

/** Length of the whole value, if its first byte tells; otherwise 0. */
function shortLength(head: number): number {
  if (head < 0x80 || head >= 0xe0) return 1;
  if (head >= 0xa0 && head < 0xc0) return 1 + (head & 0x1f);
  switch (head) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return 1;
    case 0xcc:
      return 2;
    case 0xcd:
      return 3;
    case 0xce:
      return 5;
    case 0xcf:
      return 9;
    default:
      return 0;
  }
}
