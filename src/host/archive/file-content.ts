import { fstatSync, read, type Stats } from 'node:fs';
import { promisify } from 'node:util';
import { MAX_SEGMENTS, type Segment } from '../../vault/archive/sparse';
import { changed, stateOf } from './walk';

const CHUNK_BYTES = 256 * 1024;
const SCAN_BYTES = 1024 * 1024;
/** Smaller holes are not worth a map. */
const GRAIN_BYTES = 64 * 1024;
const BLANK = Buffer.alloc(GRAIN_BYTES);
/**
 * Holes of less are archived as zeros, in one pass over the file: bbolt leaves up to 16 MiB at the end of each database, and a map
 * costs a second one.
 */
const SPARSE_FROM_BYTES = 32 * 1024 * 1024;

const readSome = promisify(read);

/** By what the disk has allocated for a file. */
export function isSparse({ size, blocks }: Stats): boolean {
  return size - blocks * 512 >= SPARSE_FROM_BYTES;
}

/** The parts of a file that are not zeros. @param onTurn called again and again; may throw, to end it */
export async function segmentsOf(file: number, size: number, onTurn: () => void): Promise<Segment[]> {
  const segments: Segment[] = [];
  const buffer = Buffer.alloc(SCAN_BYTES);
  for (let position = 0; position < size;) {
    onTurn();
    const { bytesRead } = await readSome(file, buffer, 0, Math.min(SCAN_BYTES, size - position), position);
    if (bytesRead === 0) break;
    // A short answer must not put the next grain at an odd place.
    const usable = position + bytesRead === size ? bytesRead : bytesRead - (bytesRead % GRAIN_BYTES) || bytesRead;
    for (let at = 0; at < usable; at += GRAIN_BYTES) {
      const grain = buffer.subarray(at, Math.min(at + GRAIN_BYTES, usable));
      if (grain.equals(BLANK.subarray(0, grain.length))) continue;
      const last = segments.at(-1);
      const offset = position + at;
      if (last && last.offset + last.length === offset) last.length += grain.length;
      else if (last && segments.length === MAX_SEGMENTS) return [...segments.slice(0, -1), restFrom(last.offset, size)];
      else segments.push({ offset, length: grain.length });
    }
    position += usable;
  }
  return segments;
}

function restFrom(offset: number, size: number): Segment {
  return { offset, length: size - offset };
}

/**
 * The bytes of a file, in segments.
 * @param stats of the open file, before
 * @throws DrError NodeUnsafe when it is not what it was, at the latest after its last byte.
 */
export async function* contentOf(
  file: number,
  stats: Stats,
  segments: readonly Segment[],
  signal: AbortSignal,
  where: string,
): AsyncGenerator<{ position: number; bytes: Buffer }> {
  for (const { offset, length } of segments) {
    for (let done = 0; done < length;) {
      signal.throwIfAborted();
      const bytes = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, length - done));
      const { bytesRead } = await readSome(file, bytes, 0, bytes.length, offset + done);
      if (bytesRead === 0) throw changed(where, 'shrank');
      yield { position: offset + done, bytes: bytes.subarray(0, bytesRead) };
      done += bytesRead;
    }
  }
  const after = fstatSync(file);
  if (after.size !== stats.size) throw changed(where, after.size > stats.size ? 'grew' : 'shrank');
  if (stateOf(after) !== stateOf(stats)) throw changed(where, 'was changed');
}
