import type { Hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { corrupt } from './format';

/** A part of a file that is not a hole. */
export interface Segment {
  offset: number;
  length: number;
}

const BLOCK = 512;
/** From there on the rest of the file is one segment, to bound memory. */
export const MAX_SEGMENTS = 65_536;
/** Two numbers of 16 digits and their line ends. */
const MAX_MAP_BYTES = (MAX_SEGMENTS + 2) * 34;

/** Larger ones don't occur, and hashing the holes of one would take hours. */
const MAX_FILE_BYTES = 2 ** 46;
const ZEROS = Buffer.alloc(1024 * 1024);
/** Bytes hashed before the event loop gets a turn: about 10 ms. */
const ZEROS_AT_ONCE = 8 * ZEROS.length;

/** Hashes a hole as zeros. @param onTurn may throw, to end it */
export async function hashZeros(hash: Hash, length: number, onTurn: () => void): Promise<void> {
  for (let done = 0; done < length; done += ZEROS.length) {
    hash.update(ZEROS.subarray(0, length - done));
    if (done % ZEROS_AT_ONCE !== 0) continue;
    onTurn();
    await setImmediate();
  }
}

/** The pax fields of a file in GNU tar's sparse format 1.0 (tar manual, "PAX Format, Version 1.0"). */
export function sparseFields(path: string, size: number): Record<string, string> {
  return {
    'GNU.sparse.major': '1',
    'GNU.sparse.minor': '0',
    'GNU.sparse.name': path,
    'GNU.sparse.realsize': String(size),
  };
}

/** The name for programs that don't know the format: it must not look like a file of Vault. */
export function sparsePlaceholder(path: string): string {
  const slash = path.lastIndexOf('/');
  return `${path.slice(0, slash + 1)}GNUSparseFile.0/${path.slice(slash + 1)}`;
}

/** @returns null for a file that is not sparse. @throws DrError SnapshotCorrupt for another version of the format. */
export function sparseOf(pax: Record<string, string>): { path: string; size: number } | null {
  const isSparse = Object.keys(pax).some((key) => key.startsWith('GNU.sparse.'));
  if (!isSparse) return null;
  const [size, path] = [Number(pax['GNU.sparse.realsize']), pax['GNU.sparse.name']];
  const isKnown = pax['GNU.sparse.major'] === '1' && pax['GNU.sparse.minor'] === '0' && Number.isInteger(size);
  if (!isKnown || path === undefined || !(size >= 0 && size <= MAX_FILE_BYTES)) {
    throw corrupt('has a sparse file in an unknown format');
  }
  return { path, size };
}

/** The map that precedes the data: number of segments, offset and length of each, padded to whole blocks. */
export function sparseMap(segments: readonly Segment[], size: number): Buffer {
  const last = segments.at(-1);
  const isOpen = last === undefined || last.offset + last.length < size;
  // Like GNU tar: a file that ends in a hole ends with an empty segment.
  const listed = isOpen ? [...segments, { offset: size, length: 0 }] : segments;
  const text = `${listed.length}\n${listed.map(({ offset, length }) => `${offset}\n${length}\n`).join('')}`;
  const map = Buffer.alloc(Math.ceil(text.length / BLOCK) * BLOCK);
  map.write(text, 'latin1');
  return map;
}

/** Reads a map in chunks that may end anywhere. */
export class SparseMapReader {
  #bytes: Buffer = Buffer.alloc(0);

  constructor(private readonly size: number) {}

  /**
   * @returns the segments and what follows the map; null while that is incomplete.
   * @throws DrError SnapshotCorrupt
   */
  push(chunk: Buffer): { segments: Segment[]; rest: Buffer } | null {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const parsed = this.#parse();
    if (parsed !== null) return parsed;
    if (this.#bytes.length > MAX_MAP_BYTES) throw corrupt('has a sparse file whose map does not end');
    return null;
  }

  #parse(): { segments: Segment[]; rest: Buffer } | null {
    let at = 0;
    const number = (): number | null => {
      const end = this.#bytes.indexOf(0x0a, at);
      if (end < 0) return null;
      const text = this.#bytes.toString('latin1', at, end);
      const value = Number(text);
      if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) throw corrupt('has a sparse file with a wrong map');
      at = end + 1;
      return value;
    };
    const count = number();
    if (count === null) return null;
    if (count > MAX_SEGMENTS + 1) throw corrupt(`has a sparse file of ${count} segments`);
    const segments: Segment[] = [];
    for (let end = 0, index = 0; index < count; index++) {
      const offset = number();
      const length = offset === null ? null : number();
      if (offset === null || length === null) return null;
      // All but the last must be whole blocks, because the archive pads others.
      const fits = offset >= end && offset + length <= this.size && (index === count - 1 || length % BLOCK === 0);
      const isWhole = length % BLOCK === 0 || offset + length === this.size;
      if (!fits || !isWhole) throw corrupt('has a sparse file with a wrong map');
      end = offset + length;
      if (length > 0) segments.push({ offset, length });
    }
    const dataAt = Math.ceil(at / BLOCK) * BLOCK;
    if (this.#bytes.length < dataAt) return null;
    return { segments, rest: this.#bytes.subarray(dataAt) };
  }
}
