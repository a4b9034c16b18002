import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { FileDigest } from '../contract/generation';
import { privateDirectory } from '../files/files';
import { openOwnDirectory } from '../files/own-files';
import type { Newest, OpenSource, PutOutcome, RemoveOutcome, Repository, StoredObject, TransferOptions } from './types';

/** What is signed, small, and read again and again. */
const CACHED = /^[^/]+\/(\d{8}T[^/]+\/manifest\.json(\.sig)?|marks\/[^/]+)$/;
/** Of which a whole list says what may be forgotten. */
const SWEPT = /^[^/]+\/(marks\/)?$/;
const LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * A repository that is far away, with a copy on this host of the manifests, signatures and marks that were read once: an
 * object is written once, and its tag tells that it is still the same. Nothing here is trusted: whoever reads a signed file
 * checks the signature each time, and a check of every byte never asks for what is cached.
 */
export class CachedRepository implements Repository {
  readonly name: string;
  readonly kind: Repository['kind'];
  readonly keepsCopies = true;
  readonly #tags = new Map<string, string>();

  private constructor(
    private readonly inner: Repository,
    private readonly directory: string,
  ) {
    this.name = inner.name;
    this.kind = inner.kind;
  }

  /** The repository as it is, if this user has no state directory of its own there. */
  static async over(inner: Repository, stateDir: string): Promise<Repository> {
    try {
      // Nothing is written into what another user can replace by a link.
      openOwnDirectory(stateDir).close();
      return new CachedRepository(inner, await privateDirectory(stateDir, 'cache', inner.name));
    } catch {
      return inner;
    }
  }

  async get(key: string, options: TransferOptions = {}): Promise<Readable | null> {
    const tag = this.#tags.get(key);
    if (tag === undefined) return this.inner.get(key, options);
    const known = options.cached === true ? await this.#read(key, tag) : null;
    if (known) return Readable.from([known]);
    const stream = await this.inner.get(key, options);
    return stream && Readable.from(this.#keeping(key, tag, stream), { objectMode: false });
  }

  identityOf(key: string, options?: TransferOptions): Promise<string | null> {
    return this.inner.identityOf(key, options);
  }

  async *list(prefix: string, options: TransferOptions = {}): AsyncGenerator<StoredObject> {
    const seen = new Set<string>();
    let last = '';
    try {
      for await (const object of this.inner.list(prefix, options)) {
        last = object.key;
        if (this.#note(object)) seen.add(object.key);
        yield object;
      }
      last = `${prefix}~`;
    } finally {
      if (SWEPT.test(prefix)) await this.#forget(prefix, last, seen);
    }
  }

  async newest(cluster: string, count: number, options: TransferOptions = {}): Promise<Newest> {
    const newest = await this.inner.newest(cluster, count, options);
    for (const object of newest.objects) this.#note(object);
    return newest;
  }

  async put(key: string, source: OpenSource, digest: FileDigest, options?: TransferOptions): Promise<PutOutcome> {
    this.#tags.delete(key);
    return this.inner.put(key, source, digest, options);
  }

  async remove(key: string): Promise<RemoveOutcome> {
    this.#tags.delete(key);
    const outcome = await this.inner.remove(key);
    if (CACHED.test(key)) await rm(this.#pathOf(key), { force: true }).catch(() => undefined);
    return outcome;
  }

  isLocked(key: string): Promise<boolean> {
    return this.inner.isLocked(key);
  }

  lockedUntil(key: string): Promise<Date | null | undefined> {
    return this.inner.lockedUntil?.(key) ?? Promise.resolve(null);
  }

  removePartials(cluster: string, before: Date): Promise<number> {
    return this.inner.removePartials(cluster, before);
  }

  #note({ key, tag }: StoredObject): boolean {
    if (tag === undefined || !CACHED.test(key)) return false;
    this.#tags.set(key, tag);
    return true;
  }

  async #read(key: string, tag: string): Promise<Buffer | null> {
    try {
      const content = await readFile(this.#pathOf(key));
      const head = headOf(tag);
      return content.subarray(0, head.length).equals(head) ? content.subarray(head.length) : null;
    } catch {
      return null;
    }
  }

  /** The same bytes, kept once they are complete; nothing is written where they are kept already. */
  async *#keeping(key: string, tag: string, stream: Readable): AsyncGenerator<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size <= LIMIT_BYTES) chunks.push(chunk);
      yield chunk;
    }
    if (size > LIMIT_BYTES) return;
    const content = Buffer.concat(chunks);
    if ((await this.#read(key, tag))?.equals(content)) return;
    const path = this.#pathOf(key);
    const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      // Not flushed: what is cut short by a crash is read again.
      await writeFile(temporary, Buffer.concat([headOf(tag), content]), { mode: 0o600, flag: 'wx' });
      await rename(temporary, path);
    } catch {
      // A full disk makes a listing slow, and nothing else.
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  /** What was listed before and is not there any more, in as much of the order as was listed now. */
  async #forget(prefix: string, last: string, seen: ReadonlySet<string>): Promise<void> {
    const names = await readdir(this.directory).catch(() => []);
    for (const name of names) {
      const key = name.replaceAll('+', '/');
      const isListed = key.startsWith(prefix) && key < last && !seen.has(key);
      if (isListed) await rm(join(this.directory, name), { force: true }).catch(() => undefined);
    }
  }

  #pathOf(key: string): string {
    return join(this.directory, key.replaceAll('/', '+'));
  }
}

function headOf(tag: string): Buffer {
  return Buffer.from(`${JSON.stringify(tag)}\n`);
}
