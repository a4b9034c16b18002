import { createHash, type Hash } from 'node:crypto';
import type { Header } from 'tar-stream';
import type { Member } from '../snapshot/archive-verifier';
import {
  type ArchiveMeta,
  corrupt,
  DATA,
  incomplete,
  isEntryName,
  MAX_DEPTH,
  MAX_ENTRIES,
  MAX_META_BYTES,
  META,
  parseArchiveMeta,
  sumLine,
  SUMS,
} from './format';
import { hashZeros, type Segment, SparseMapReader, sparseOf } from './sparse';

export interface Attributes {
  /** Permission bits only: no setuid or setgid. */
  mode: number;
  mtimeMs: number;
}

/** Bytes at an offset of a file; whatever no piece covers is a hole. */
export interface Piece {
  position: number;
  bytes: Buffer;
}

/** What a receiver does with the contents. Each call is awaited, one at a time, in the order of the archive. */
export interface Receiver {
  meta?(meta: ArchiveMeta): Promise<void> | void;
  /** @param path names below the data directory, at least one; its parent directory came before */
  directory?(path: readonly string[], attributes: Attributes): Promise<void> | void;
  /** Must read all pieces. */
  file?(path: readonly string[], attributes: Attributes, size: number, pieces: AsyncIterable<Piece>): Promise<void>;
}

const DATABASE = 'vault.db';
const DIGEST_BYTES = 32;

/**
 * Reads the members of an archive in their fixed order, and checks each against `SHA256SUMS` and `meta.json`. Names are
 * checked before the receiver gets them; contents are verified only once this has ended.
 * @throws DrError SnapshotIncomplete | SnapshotCorrupt
 */
export async function readMembers(members: AsyncIterable<Member>, receiver: Receiver): Promise<ArchiveMeta> {
  let meta: ArchiveMeta | null = null;
  let sumsSeen = false;
  const lines = new LineDigests();
  const order = new NameOrder();
  const found = { files: 0, directories: 0, bytes: 0, hasDatabase: false };

  for await (const { header, content, requireOpen } of members) {
    if (sumsSeen) throw corrupt(`has ${shown(header.name)} behind its ${SUMS}`);
    if (meta === null) {
      meta = await readMeta(header, content, lines);
      await receiver.meta?.(meta);
      continue;
    }
    if (header.name === SUMS) {
      requireType(header, 'file');
      await checkSums(content, lines);
      sumsSeen = true;
      continue;
    }
    const sparse = sparseOf(paxOf(header));
    const path = order.next(sparse?.path ?? header.name, header.type === 'directory');
    if (header.type === 'directory') {
      await drain(content);
      if (path.length === 0) continue;
      if (++found.directories > meta.directories) throw corrupt(`has more directories than its ${META} says`);
      await receiver.directory?.(path, attributesOf(header));
      continue;
    }
    requireType(header, 'file');
    const size = sparse?.size ?? header.size;
    found.bytes += size;
    found.hasDatabase ||= path.join('/') === DATABASE;
    if (++found.files > meta.files || found.bytes > meta.bytes) {
      throw corrupt(`has more files, or larger ones, than its ${META} says`);
    }
    const file = new FileReader(content, size, sparse !== null, requireOpen);
    await (receiver.file?.(path, attributesOf(header), size, file.pieces()) ?? drain(file.pieces()));
    lines.add(sumLine(file.sha256(), [DATA, ...path].join('/')));
  }
  if (meta === null) throw incomplete(`has no ${META}`);
  if (!sumsSeen) throw incomplete(`has no ${SUMS}`);
  if (found.files !== meta.files || found.directories !== meta.directories || found.bytes !== meta.bytes) {
    throw corrupt(
      `has ${found.files} files of ${found.bytes} bytes in ${found.directories} directories; its ${META} says ${meta.files}, ${meta.bytes} and ${meta.directories}`,
    );
  }
  if (meta.storage === 'raft' && !found.hasDatabase) throw incomplete(`has no ${DATA}/${DATABASE}`);
  return meta;
}

async function readMeta(header: Header, content: AsyncIterable<Buffer>, lines: LineDigests): Promise<ArchiveMeta> {
  // Not the first member: an archive made by hand, or of another kind.
  if (header.name !== META) throw corrupt(`begins with ${shown(header.name)}, not with its ${META}`);
  requireType(header, 'file');
  if (header.size > MAX_META_BYTES) throw corrupt(`has a ${META} of ${header.size} bytes`);
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  lines.add(sumLine(createHash('sha256').update(bytes).digest('hex'), META));
  const meta = parseArchiveMeta(bytes.toString('utf8'));
  if (meta.files + meta.directories > MAX_ENTRIES) throw corrupt(`has more than ${MAX_ENTRIES} entries`);
  return meta;
}

/** Line by line, so that memory does not depend on the length of the names. */
async function checkSums(content: AsyncIterable<Buffer>, lines: LineDigests): Promise<void> {
  let rest = Buffer.alloc(0);
  let index = 0;
  for await (const chunk of content) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      const line = rest.toString('utf8', 0, end + 1);
      rest = rest.subarray(end + 1);
      if (!lines.has(index++, line)) throw corrupt(mismatch(line));
    }
    if (rest.length > MAX_META_BYTES) throw corrupt(`has a ${SUMS} that is not a list of checksums`);
  }
  if (rest.length > 0) throw corrupt(`has a ${SUMS} that is not a list of checksums`);
  if (index < lines.count) throw corrupt(`has a ${SUMS} that does not list all of its files`);
}

function mismatch(line: string): string {
  const [, path] = /^\\?[0-9a-f]{64} {2}(.+)\n$/s.exec(line) ?? [];
  return path === undefined
    ? `has a ${SUMS} that is not a list of checksums`
    : `has a ${SUMS} that does not match ${shown(path)}`;
}

/** Digests of the expected lines of `SHA256SUMS`, in order. */
class LineDigests {
  #digests = Buffer.alloc(1024 * DIGEST_BYTES);
  count = 0;

  add(line: string): void {
    const at = this.count++ * DIGEST_BYTES;
    if (at === this.#digests.length) this.#digests = Buffer.concat([this.#digests, Buffer.alloc(at)]);
    digestOf(line).copy(this.#digests, at);
  }

  has(index: number, line: string): boolean {
    const at = index * DIGEST_BYTES;
    return index < this.count && this.#digests.subarray(at, at + DIGEST_BYTES).equals(digestOf(line));
  }
}

function digestOf(line: string): Buffer {
  return createHash('sha256').update(line).digest();
}

/**
 * Enforces the order of an archive: each directory before its contents, names ascending. This rules out duplicates, and
 * entries below something that is not a directory, without a list of all names.
 */
class NameOrder {
  /** The directories down to the current entry, each with the last name seen in it. */
  #stack: { name: string; last: string | null }[] = [];
  #begun = false;

  /** @returns the names below the data directory; none for that itself. @throws DrError SnapshotCorrupt */
  next(name: string, isDirectory: boolean): string[] {
    const [root, ...path] = (isDirectory ? name.replace(/\/$/, '') : name).split('/');
    if (root !== DATA) throw corrupt(`has an unknown member ${shown(name)}`);
    if (path.length > MAX_DEPTH) throw corrupt(`has ${shown(name)}, which is more than ${MAX_DEPTH} directories deep`);
    if (!path.every(isEntryName)) throw corrupt(`has ${shown(name)}, which is not a valid path`);
    if (path.length === 0) {
      if (!isDirectory || this.#begun) throw corrupt(`has ${shown(name)} twice, or not as a directory`);
      this.#begun = true;
      this.#stack = [{ name: DATA, last: null }];
      return path;
    }
    const parents = path.slice(0, -1);
    const own = path.at(-1) ?? '';
    const isBelow = parents.every((parent, index) => this.#stack[index + 1]?.name === parent);
    const directory = this.#stack[parents.length];
    if (!this.#begun || !isBelow || directory === undefined) throw corrupt(`has ${shown(name)} without its directory`);
    if (directory.last !== null && own <= directory.last) throw corrupt(`has ${shown(name)} twice, or out of order`);
    directory.last = own;
    this.#stack = this.#stack.slice(0, path.length);
    if (isDirectory) this.#stack.push({ name: own, last: null });
    return path;
  }
}

/** A file as it was on the disk, holes included. */
class FileReader {
  readonly #hash: Hash = createHash('sha256');
  #position = 0;

  constructor(
    private readonly content: AsyncIterable<Buffer>,
    private readonly size: number,
    private readonly isSparse: boolean,
    private readonly requireOpen: () => void,
  ) {}

  async *pieces(): AsyncGenerator<Piece> {
    if (this.isSparse) yield* this.#sparsePieces();
    else {
      for await (const bytes of this.content) yield this.#piece(bytes);
    }
    if (this.#position > this.size) throw corrupt('has a file that is longer than declared');
    await this.#skipTo(this.size);
  }

  /** Of all of it; only when all pieces were read. */
  sha256(): string {
    return this.#hash.digest('hex');
  }

  async *#sparsePieces(): AsyncGenerator<Piece> {
    const map = new SparseMapReader(this.size);
    let segments: Segment[] | null = null;
    for await (const chunk of this.content) {
      let bytes: Buffer = chunk;
      if (segments === null) {
        const parsed = map.push(chunk);
        if (parsed === null) continue;
        segments = parsed.segments;
        bytes = parsed.rest;
      }
      while (bytes.length > 0) {
        const [segment] = segments;
        if (segment === undefined) throw corrupt('has a sparse file with more data than its map says');
        await this.#skipTo(segment.offset);
        const part = bytes.subarray(0, segment.length);
        yield this.#piece(part);
        bytes = bytes.subarray(part.length);
        segment.offset += part.length;
        segment.length -= part.length;
        if (segment.length === 0) segments.shift();
      }
    }
    if (segments === null) throw corrupt('has a sparse file whose map does not end');
    if (segments.length > 0) throw corrupt('has a sparse file with less data than its map says');
  }

  #piece(bytes: Buffer): Piece {
    this.#hash.update(bytes);
    const position = this.#position;
    this.#position += bytes.length;
    return { position, bytes };
  }

  async #skipTo(position: number): Promise<void> {
    if (position <= this.#position) return;
    await hashZeros(this.#hash, position - this.#position, this.requireOpen);
    this.#position = position;
  }
}

function paxOf({ pax }: Header): Record<string, string> {
  return (pax ?? {}) as Record<string, string>;
}

function attributesOf(header: Header): Attributes {
  const { mode, mtime } = header;
  const exact = Number(paxOf(header)['mtime'] ?? NaN) * 1_000;
  const mtimeMs = Number.isFinite(exact) ? exact : (mtime?.getTime() ?? 0);
  // The range that file systems store; anything beyond is meaningless anyway.
  const isSane = mtimeMs >= 0 && mtimeMs < 8_640_000_000_000;
  return { mode: (mode ?? 0) & 0o777, mtimeMs: isSane ? mtimeMs : 0 };
}

function requireType({ name, type }: Header, wanted: 'file'): void {
  if (type !== wanted) throw corrupt(`has ${shown(name)}, which is neither a file nor a directory`);
}

async function drain(source: AsyncIterable<unknown>): Promise<void> {
  for await (const item of source) void item;
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 200));
}
