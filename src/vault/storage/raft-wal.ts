import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { DrError } from '../../contract/failures';
import { crc32c } from '../../files/crc32c';
import { type BoltFile, openRegularFile } from './bolt';

/** Where a log ends. The term is null if unknown. */
export interface LastEntry {
  lastLogIndex: number;
  lastLogTerm: number | null;
}

/** `types.SegmentInfo` of raft-wal. Its maximum is 0 while the segment is the one that is appended to. */
interface Segment {
  ID: number;
  BaseIndex: number;
  MaxIndex: number;
  Codec: number;
  SealTime: string;
}

const metaSchema = z.object({
  Segments: z
    .array(
      z.object({
        ID: z.number().int().nonnegative(),
        BaseIndex: z.number().int().positive(),
        MaxIndex: z.number().int().nonnegative(),
        Codec: z.number(),
        SealTime: z.string(),
      }),
    )
    .nullable(),
});

/** Go's zero time: the segment is still appended to. */
const UNSEALED = '0001-01-01T00:00:00Z';
const BINARY_CODEC = 1;
const MAGIC = 0x58eb6b0d;
const FILE_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 8;
const FRAME = { entry: 1, index: 2, commit: 3 } as const;
/** Two varints of 64 bits: the index and the term that an entry begins with. */
const ENTRY_HEAD_BYTES = 20;
const CHUNK_BYTES = 1024 * 1024;
/** A log is rotated every 64 MiB, so the second attempt is the last that is ever needed. */
const ATTEMPTS = 5;

/**
 * The last entry of a log that hashicorp/raft-wal 0.4 keeps: segment files, and a bbolt file that lists them. Only reads, also
 * while Vault appends: what is not committed yet counts as little as what a crash has torn, by the rules of raft-wal's own recovery.
 * @param meta its `wal-meta.db`
 * @returns null when the log is empty
 * @throws DrError NodeUnsafe
 */
export async function lastOfWal(directory: string, meta: BoltFile): Promise<LastEntry | null> {
  for (let attempt = 1; ; attempt++) {
    const before = await metaOf(meta);
    const outcome = await lastOfSegments(directory, segmentsIn(before, directory)).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    // Rotated or truncated meanwhile: what was read may come from files that no longer belong to it.
    const isSame = (await metaOf(meta))?.equals(before ?? Buffer.alloc(0)) ?? before === null;
    if (!isSame && attempt < ATTEMPTS) continue;
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }
}

async function metaOf(meta: BoltFile): Promise<Buffer | null> {
  return meta.get(['wal-meta'], 'm');
}

function segmentsIn(meta: Buffer | null, directory: string): Segment[] {
  if (meta === null) return [];
  try {
    return metaSchema.parse(JSON.parse(meta.toString('utf8'))).Segments ?? [];
  } catch (cause) {
    throw damaged(join(directory, 'wal-meta.db'), 'does not list the segments of the log', cause);
  }
}

async function lastOfSegments(directory: string, segments: readonly Segment[]): Promise<LastEntry | null> {
  const [tail, before] = segments.toReversed();
  if (!tail) return null;
  if (tail.SealTime !== UNSEALED) return lastOfSealed(directory, tail);
  const last = await inSegment(directory, tail, async (file, path) => {
    const committed = await lastCommitted(file);
    if (committed === null) return null;
    await requireHeader(file, path, tail);
    return entryAt(file, path, committed, tail.BaseIndex);
  });
  if (last) return last;
  // A new tail is empty, or not even made, until the first entry is appended; that follows the last one of the segment before.
  return before ? lastOfSealed(directory, { ...before, MaxIndex: tail.BaseIndex - 1 }) : null;
}

async function lastOfSealed(directory: string, segment: Segment): Promise<LastEntry> {
  const last = await inSegment(directory, segment, async (file, path) => {
    await requireHeader(file, path, segment);
    const wanted = segment.MaxIndex - segment.BaseIndex + 1;
    for await (const frame of framesOf(file)) {
      if (frame.kind === FRAME.entry && frame.entries === wanted) return entryAt(file, path, frame, segment.BaseIndex);
    }
    throw damaged(path, `ends before its last entry, ${segment.MaxIndex}`);
  });
  if (last) return last;
  throw damaged(join(directory, fileName(segment)), 'is missing, but part of the log');
}

interface Frame {
  kind: number;
  at: number;
  /** Of its payload. */
  length: number;
  /** Of a commit: covers everything since the previous one. */
  crc: number;
  /** Number of entries up to and including this one. */
  entries: number;
}

/** Offset of the last entry of a segment that is completely on disk; null if there is none. */
async function lastCommitted(file: FileHandle): Promise<Frame | null> {
  let last: Frame | null = null;
  let commits: { commit: Frame; last: Frame | null }[] = [];
  for await (const frame of framesOf(file)) {
    if (frame.kind === FRAME.entry) last = frame;
    if (frame.kind === FRAME.commit) commits = [...commits.slice(-1), { commit: frame, last }];
  }
  const [final, before] = commits.toReversed();
  if (!final) return null;
  // If entries follow, it was on disk before they were begun. Otherwise it may be torn itself.
  if (last !== final.last) return final.last;
  const from = before ? before.commit.at + FRAME_HEADER_BYTES : 0;
  const isWhole = (await sumOf(file, from, final.commit.at)) === final.commit.crc;
  return (isWhole ? final : before)?.last ?? null;
}

/** Up to the first zeros, the end of the file, or an invalid frame: raft-wal itself reads no further. */
async function* framesOf(file: FileHandle): AsyncGenerator<Frame> {
  let chunk: Buffer = Buffer.alloc(0);
  let chunkAt = 0;
  let entries = 0;
  for (let at = FILE_HEADER_BYTES; ;) {
    if (at < chunkAt || at + FRAME_HEADER_BYTES > chunkAt + chunk.length) {
      chunk = await bytesAt(file, at, CHUNK_BYTES);
      chunkAt = at;
      if (chunk.length < FRAME_HEADER_BYTES) return;
    }
    const head = chunk.subarray(at - chunkAt, at - chunkAt + FRAME_HEADER_BYTES);
    const kind = head.readUInt8(0);
    if (kind !== FRAME.entry && kind !== FRAME.index && kind !== FRAME.commit) return;
    const value = head.readUInt32LE(4);
    const length = kind === FRAME.commit ? 0 : value;
    if (kind === FRAME.entry) entries++;
    yield { kind, at, length, crc: value, entries };
    at += FRAME_HEADER_BYTES + Math.ceil(length / FRAME_HEADER_BYTES) * FRAME_HEADER_BYTES;
  }
}

async function sumOf(file: FileHandle, from: number, to: number): Promise<number | null> {
  let sum = 0;
  for (let at = from; at < to;) {
    const chunk = await bytesAt(file, at, Math.min(CHUNK_BYTES, to - at));
    if (chunk.length === 0) return null;
    sum = crc32c(chunk, sum);
    at += chunk.length;
  }
  return sum;
}

/** As raft-wal's BinaryCodec writes it: index, term, kind and data, numbers as Go's varints. */
async function entryAt(file: FileHandle, path: string, frame: Frame, baseIndex: number): Promise<LastEntry> {
  const head = await bytesAt(file, frame.at + FRAME_HEADER_BYTES, Math.min(ENTRY_HEAD_BYTES, frame.length));
  const [index, term] = varints(head);
  const expected = baseIndex + frame.entries - 1;
  if (index !== expected) throw damaged(path, `has another entry in place of entry ${expected}`);
  return { lastLogIndex: expected, lastLogTerm: term ?? null };
}

function varints(bytes: Buffer): number[] {
  const numbers: number[] = [];
  let [value, shift] = [0n, 0n];
  for (const byte of bytes) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte >= 0x80) continue;
    numbers.push(Number(value));
    [value, shift] = [0n, 0n];
  }
  return numbers;
}

async function requireHeader(file: FileHandle, path: string, segment: Segment): Promise<void> {
  if (segment.Codec !== BINARY_CODEC) throw damaged(path, `has entries of the unknown kind ${segment.Codec}`);
  const head = await bytesAt(file, 0, FILE_HEADER_BYTES);
  const isOwn =
    head.length === FILE_HEADER_BYTES &&
    head.readBigUInt64LE(0) === BigInt(MAGIC) &&
    head.readBigUInt64LE(8) === BigInt(segment.BaseIndex) &&
    head.readBigUInt64LE(16) === BigInt(segment.ID);
  if (!isOwn) throw damaged(path, 'does not contain the segment in its name');
}

/** @returns null when there is no such file. */
async function inSegment<T>(
  directory: string,
  segment: Segment,
  work: (file: FileHandle, path: string) => Promise<T>,
): Promise<T | null> {
  const path = join(directory, fileName(segment));
  let file: FileHandle;
  try {
    file = await openRegularFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return await work(file, path);
  } finally {
    await file.close();
  }
}

function fileName({ BaseIndex, ID }: Segment): string {
  return `${String(BaseIndex).padStart(20, '0')}-${ID.toString(16).padStart(16, '0')}.wal`;
}

/** Fewer at the end of the file. */
async function bytesAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, at);
  return bytes.subarray(0, bytesRead);
}

function damaged(path: string, what: string, cause?: unknown): DrError {
  return new DrError('NodeUnsafe', `${path} ${what}.`, {
    where: path,
    advice: 'Check the disk of this node. If Vault starts with this log anyway, check again after stopping it.',
    cause,
  });
}
