import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { DrError } from '../../contract/failures';

/** A database that another process may be writing; each answer is consistent with one of its transactions. */
export interface BoltFile {
  /** @returns null when there is no such bucket or no such key in it. */
  get(bucketPath: readonly string[], key: string | Buffer): Promise<Buffer | null>;
  /** @returns null when there is no such bucket or nothing in it. */
  lastEntry(bucketPath: readonly string[]): Promise<{ key: Buffer; value: Buffer } | null>;
  /**
   * Calls back for each entry of a bucket, in the order of the keys; not for buckets in it. Of a file that nobody writes meanwhile.
   * @returns whether there is such a bucket.
   */
  each(bucketPath: readonly string[], visit: (key: Buffer, valueBytes: number) => void): Promise<boolean>;
  close(): Promise<void>;
}

/** The newest committed transaction: `Meta` in bbolt's internal/common/meta.go. */
interface Meta {
  pageSize: number;
  rootPage: number;
  /** No page has this number or a higher one. */
  pageLimit: number;
  transaction: number;
}

interface Page {
  kind: 'branch' | 'leaf';
  /** Branch and leaf elements have 16 bytes each. */
  elements: Buffer;
  count: number;
  /** Bytes of the page, by their place in it. */
  read: Read;
  /** All of it; null if it is longer. */
  whole(maxBytes: number): Promise<Buffer | null>;
}

type Read = (at: number, length: number) => Promise<Buffer>;

const MAGIC = 0xed0cdaed;
const VERSION = 2;
const META = {
  magic: 0,
  version: 4,
  pageSize: 8,
  rootPage: 16,
  pageLimit: 40,
  transaction: 48,
  checksum: 56,
  size: 64,
};
const HEADER_BYTES = 16;
const ELEMENT_BYTES = 16;
const BUCKET_HEADER_BYTES = 16;
const FLAG = { branch: 0x01, leaf: 0x02, bucket: 0x01 } as const;
const MIN_PAGE_SIZE = 1024;
const MAX_PAGE_SIZE = 64 * 1024;
const MAX_KEY_BYTES = 32_768;
/** Far above what Vault's storage takes for one entry (1 MiB unless configured), so that damage can't exhaust memory. */
const MAX_VALUE_BYTES = 64 * 1024 * 1024;
/** Even a tree with two keys per page is lower; only a cycle is deeper. */
const MAX_DEPTH = 64;
const ATTEMPTS = 20;
const PAUSE_MS = 10;

/**
 * Reads a bbolt file (go.etcd.io/bbolt 1.4, internal/common) page by page, on little-endian machines' layout. It neither
 * writes nor locks: bbolt's own lock would keep Vault from starting.
 * @throws the error of the system when the file can't be opened; all else is DrError NodeUnsafe.
 */
export async function openBolt(path: string): Promise<BoltFile> {
  const file = await openRegularFile(path);
  return {
    get: (bucketPath, key) =>
      consistently(path, file, async (meta) => {
        const bucket = await findBucket(file, meta, bucketPath);
        return (bucket && (await find(file, meta, bucket, Buffer.from(key)))?.value()) ?? null;
      }),
    lastEntry: (bucketPath) =>
      consistently(path, file, async (meta) => {
        const bucket = await findBucket(file, meta, bucketPath);
        return bucket && lastEntryOf(file, meta, bucket);
      }),
    each: (bucketPath, visit) =>
      consistently(path, file, async (meta) => {
        const bucket = await findBucket(file, meta, bucketPath);
        if (bucket) await eachOf(file, meta, bucket, visit);
        return bucket !== null;
      }),
    close: () => file.close(),
  };
}

/** The owner of the directory may have put a pipe there, on which an agent would wait forever. */
export async function openRegularFile(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new DrError('NodeUnsafe', `${path} is not a file.`, {
    where: path,
    advice: 'Find out who created it, and why. Move it away by hand.',
  });
}

/**
 * bbolt never overwrites a page of the newest transaction, only of earlier ones. So what was read is whole if the newest
 * one is still the same afterwards; if not, it may be mixed and is read again.
 */
async function consistently<T>(path: string, file: FileHandle, work: (meta: Meta) => Promise<T>): Promise<T> {
  let problem: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) await sleep(PAUSE_MS);
    try {
      const meta = await readMeta(file);
      const outcome = await settle(() => work(meta));
      if ((await readMeta(file)).transaction !== meta.transaction) {
        problem = new Damage('changes faster than it can be read', { passing: true });
        continue;
      }
      if ('value' in outcome) return outcome.value;
      throw outcome.error;
    } catch (error) {
      problem = error;
      // Both meta pages are invalid for an instant only: while a new file is created.
      if (!(error instanceof Damage && error.kind.ofMeta)) break;
    }
  }
  if (!(problem instanceof Damage)) throw problem;
  throw new DrError('NodeUnsafe', `${path} ${problem.message}.`, {
    where: path,
    retryable: problem.kind.passing === true,
    advice: 'Check the disk of this node. If Vault starts with this file anyway, check again after stopping it.',
  });
}

/** The error, without the name of the file. */
class Damage extends Error {
  constructor(
    message: string,
    readonly kind: { ofMeta?: boolean; passing?: boolean } = {},
  ) {
    super(message);
  }
}

async function settle<T>(work: () => Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}

async function readMeta(file: FileHandle): Promise<Meta> {
  const first = await metaAt(file, 0);
  // Only the first one tells where the second one is; without it, every page size is tried, as bbolt does.
  const sizes = first ? [first.pageSize] : powersOfTwo(MIN_PAGE_SIZE, MAX_PAGE_SIZE);
  const others = await Promise.all(sizes.map(async (size) => metaAt(file, size, size)));
  const [newest] = [first, ...others]
    .filter((meta) => meta !== null)
    .toSorted((left, right) => right.transaction - left.transaction);
  if (!newest) throw new Damage('is not a bbolt database, or both its meta pages are damaged', { ofMeta: true });
  return newest;
}

async function metaAt(file: FileHandle, pageAt: number, pageSize?: number): Promise<Meta | null> {
  const bytes = Buffer.alloc(META.size);
  const { bytesRead } = await file.read(bytes, 0, META.size, pageAt + HEADER_BYTES);
  if (bytesRead < META.size) return null;
  if (bytes.readUInt32LE(META.magic) !== MAGIC || bytes.readUInt32LE(META.version) !== VERSION) return null;
  if (fnv1a64(bytes.subarray(0, META.checksum)) !== bytes.readBigUInt64LE(META.checksum)) return null;
  const meta = {
    pageSize: bytes.readUInt32LE(META.pageSize),
    rootPage: unsigned64(bytes, META.rootPage),
    pageLimit: unsigned64(bytes, META.pageLimit),
    transaction: unsigned64(bytes, META.transaction),
  };
  const fits = meta.pageSize >= MIN_PAGE_SIZE && meta.pageSize <= MAX_PAGE_SIZE;
  return fits && (pageSize ?? meta.pageSize) === meta.pageSize ? meta : null;
}

async function findBucket(file: FileHandle, meta: Meta, bucketPath: readonly string[]): Promise<Page | null> {
  let root = await pageOf(file, meta, meta.rootPage);
  for (const name of bucketPath) {
    const entry = await find(file, meta, root, Buffer.from(name));
    if (!entry?.isBucket) return null;
    root = await bucketRoot(file, meta, await entry.value());
  }
  return root;
}

/** The value of a bucket names its root page; a small bucket has the page itself in it. */
async function bucketRoot(file: FileHandle, meta: Meta, value: Buffer): Promise<Page> {
  if (value.length < BUCKET_HEADER_BYTES) throw new Damage('has a bucket without a header');
  const rootPage = unsigned64(value, 0);
  if (rootPage !== 0) return pageOf(file, meta, rootPage);
  const inline = value.subarray(BUCKET_HEADER_BYTES);
  return parsePage(async (at, length) => {
    if (at + length > inline.length) throw new Damage('has an inline bucket that is shorter than declared');
    return inline.subarray(at, at + length);
  }, inline.length);
}

interface Entry {
  isBucket: boolean;
  value(): Promise<Buffer>;
}

async function find(file: FileHandle, meta: Meta, root: Page, key: Buffer): Promise<Entry | null> {
  let page = root;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const { index, exact } = await search(page, key);
    if (page.kind === 'leaf') return exact ? entryAt(page, index) : null;
    page = await pageOf(file, meta, childAt(page, exact ? index : Math.max(index - 1, 0)));
  }
  throw new Damage('has pages that form a loop');
}

async function lastEntryOf(file: FileHandle, meta: Meta, root: Page): Promise<{ key: Buffer; value: Buffer } | null> {
  let page = root;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const last = page.count - 1;
    if (page.kind === 'leaf') {
      return last < 0 ? null : { key: await keyAt(page, last), value: await entryAt(page, last).value() };
    }
    page = await pageOf(file, meta, childAt(page, last));
  }
  throw new Damage('has pages that form a loop');
}

/** A page is read in one go, unless a value makes it long. */
async function eachOf(
  file: FileHandle,
  meta: Meta,
  page: Page,
  visit: (key: Buffer, valueBytes: number) => void,
  depth = 0,
): Promise<void> {
  if (depth > MAX_DEPTH) throw new Damage('has pages that form a loop');
  const { elements, kind } = page;
  if (kind === 'branch') {
    for (let index = 0; index < page.count; index++) {
      await eachOf(file, meta, await pageOf(file, meta, childAt(page, index)), visit, depth + 1);
    }
    return;
  }
  const whole = await page.whole(MAX_PAGE_SIZE);
  for (let index = 0; index < page.count; index++) {
    const element = index * ELEMENT_BYTES;
    if ((elements.readUInt32LE(element) & FLAG.bucket) !== 0) continue;
    const { at, keyBytes } = place(page, index);
    const inside = whole !== null && at + keyBytes <= whole.length;
    visit(inside ? whole.subarray(at, at + keyBytes) : await keyAt(page, index), elements.readUInt32LE(element + 12));
  }
}

/** The first key that is not less. */
async function search(page: Page, key: Buffer): Promise<{ index: number; exact: boolean }> {
  let [low, high] = [0, page.count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = Buffer.compare(await keyAt(page, middle), key);
    if (order === 0) return { index: middle, exact: true };
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return { index: low, exact: false };
}

async function pageOf(file: FileHandle, meta: Meta, number: number): Promise<Page> {
  if (number < 2 || number >= meta.pageLimit) throw new Damage(`refers to page ${number}, which does not exist`);
  const start = number * meta.pageSize;
  let size = meta.pageSize;
  const read: Read = async (at, length) => {
    if (at + length > size) throw new Damage(`has an element outside its page ${number}`);
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await file.read(bytes, 0, length, start + at);
    if (bytesRead < length) throw new Damage(`ends inside its page ${number}`);
    return bytes;
  };
  const header = await read(0, HEADER_BYTES);
  if (unsigned64(header, 0) !== number) throw new Damage(`has another page in place of page ${number}`);
  size *= header.readUInt32LE(12) + 1;
  return parsePage(read, size);
}

async function parsePage(read: Read, size: number): Promise<Page> {
  const header = await read(0, HEADER_BYTES);
  const flags = header.readUInt16LE(8);
  const count = header.readUInt16LE(10);
  if (flags !== FLAG.branch && flags !== FLAG.leaf) throw new Damage(`has a page of the unexpected kind ${flags}`);
  if (flags === FLAG.branch && count === 0) throw new Damage('has an empty branch page');
  const elements = await read(HEADER_BYTES, count * ELEMENT_BYTES);
  const whole = async (maxBytes: number) => (size > maxBytes ? null : read(0, size));
  return { kind: flags === FLAG.branch ? 'branch' : 'leaf', elements, count, read, whole };
}

async function keyAt(page: Page, index: number): Promise<Buffer> {
  const { at, keyBytes } = place(page, index);
  if (keyBytes > MAX_KEY_BYTES) throw new Damage(`has a key of ${keyBytes} bytes`);
  return page.read(at, keyBytes);
}

function entryAt(page: Page, index: number): Entry {
  const { at, keyBytes } = place(page, index);
  const valueBytes = page.elements.readUInt32LE(index * ELEMENT_BYTES + 12);
  if (valueBytes > MAX_VALUE_BYTES) throw new Damage(`has a value of ${valueBytes} bytes`);
  return {
    isBucket: (page.elements.readUInt32LE(index * ELEMENT_BYTES) & FLAG.bucket) !== 0,
    value: () => page.read(at + keyBytes, valueBytes),
  };
}

function childAt(page: Page, index: number): number {
  return unsigned64(page.elements, index * ELEMENT_BYTES + 8);
}

/** Where the key of an element begins, counted from the start of the page, and how long it is. */
function place({ kind, elements }: Page, index: number): { at: number; keyBytes: number } {
  const element = index * ELEMENT_BYTES;
  const field = element + (kind === 'branch' ? 0 : 4);
  return { at: HEADER_BYTES + element + elements.readUInt32LE(field), keyBytes: elements.readUInt32LE(field + 4) };
}

function unsigned64(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Damage('has a number larger than any file size');
  return Number(value);
}

function fnv1a64(bytes: Buffer): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}

function powersOfTwo(from: number, to: number): number[] {
  return from > to ? [] : [from, ...powersOfTwo(2 * from, to)];
}
