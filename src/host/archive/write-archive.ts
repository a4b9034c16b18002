import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { pipeline as pipelineOf, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { inDirectory, type SafeDirectory } from '../../files/safe-directory';
import {
  ARCHIVE_FORMAT,
  type ArchiveMeta,
  DATA,
  META,
  serializeMeta,
  type StorageKind,
  sumLine,
  SUMS,
} from '../../vault/archive/format';
import { hashZeros, sparseFields, sparseMap, sparsePlaceholder } from '../../vault/archive/sparse';
import { nameOfId } from '../config/accounts';
import { physicalPath } from '../data/physical-path';
import { whileLocked } from './bolt-locks';
import { contentOf, isSparse, segmentsOf } from './file-content';
import { readFacts } from './storage-facts';
import { changed, Fingerprint, type Found, walk } from './walk';

export interface ArchiveOptions {
  storage: StorageKind;
  /** As Vault's configuration names the node, if it does; otherwise its own `node-id` file. */
  nodeId?: string | null;
  signal: AbortSignal;
  /** Bytes of the files so far, holes counted; of `meta.bytes`. */
  onProgress?: (bytes: number) => void;
}

export interface DataArchive {
  meta: ArchiveMeta;
  /** Gzipped tar; to be read once. It fails, at its end at the latest, when anything has changed meanwhile. */
  body: Readable;
}

const DIGEST_BYTES = 32;
/** Vault's values are ciphertext and don't compress; more effort would only cost time. */
const GZIP_LEVEL = 1;
/** What six octal digits hold; larger numbers go into the pax header alone. */
const MAX_TAR_ID = 0o777777;

/**
 * Archives the data directory of a stopped node while the work lasts. A Raft directory is locked meanwhile as Vault itself locks it;
 * `storage "file"` has no lock, so there the caller has to prove that Vault is stopped, and any change fails the archive.
 *
 * Only reads. Killed anywhere, nothing is left but what the work has written.
 * @throws DrError NodeUnsafe when Vault runs on it, when something changes meanwhile (retryable), or at what is neither file nor
 *   directory; SnapshotCorrupt when nothing could be unsealed with it; the reason of the signal; whatever the work throws.
 */
export async function withDataArchive<T>(
  dataDir: string,
  options: ArchiveOptions,
  work: (archive: DataArchive) => Promise<T>,
): Promise<T> {
  const { storage, signal, nodeId = null } = options;
  return inDirectory(await physicalPath(dataDir), (data) => {
    const archive = async (): Promise<T> => {
      const { meta, fingerprint } = await readFacts(data, storage, signal, nodeId);
      const writing = new Writing(data, meta, fingerprint, options);
      const body = Readable.from(writing.bytes(), { objectMode: false });
      try {
        return await work({ meta, body });
      } finally {
        body.destroy();
        await writing.ended();
      }
    };
    return storage === 'raft' ? whileLocked(data, signal, archive) : archive();
  });
}

class Writing {
  readonly #tar = pack();
  readonly #sums = new SumTable();
  #running: Promise<void> = Promise.resolve();
  #bytes = 0;

  constructor(
    private readonly data: SafeDirectory,
    private readonly meta: ArchiveMeta,
    /** Of what `meta` was taken from. */
    private readonly fingerprint: string,
    private readonly options: ArchiveOptions,
  ) {}

  async *bytes(): AsyncGenerator<Buffer> {
    const gzip = createGzip({ level: GZIP_LEVEL });
    pipelineOf(this.#tar, gzip, () => undefined);
    this.#running = this.#write().then(
      () => this.#tar.finalize(),
      (error: Error) => void gzip.destroy(error),
    );
    try {
      yield* gzip as AsyncIterable<Buffer>;
    } finally {
      gzip.destroy();
    }
  }

  /** Resolves when reading has ended. */
  async ended(): Promise<void> {
    await this.#running;
  }

  async #write(): Promise<void> {
    const meta = serializeMeta(this.meta);
    // The first member identifies the archive before anything is unpacked.
    await this.#put({ ...ownFile(META, meta.length), pax: { comment: ARCHIVE_FORMAT } }, [meta]);
    this.#sums.add(createHash('sha256').update(meta).digest(), META);
    await this.#directory([], this.data.stats());

    const written = new Fingerprint();
    for await (const found of this.#walk()) {
      written.add(found);
      if (found.stats.isDirectory()) await this.#directory(found.path, found.stats);
      else await this.#file(found);
    }
    await this.#requireSame(written);
    const again = new Fingerprint();
    for await (const found of this.#walk()) again.add(found);
    await this.#requireSame(again);
    await this.#put(ownFile(SUMS, this.#sums.sizeBytes), this.#sumLines());
  }

  #walk(): AsyncGenerator<Found> {
    return walk(this.data, this.options.storage, this.options.signal);
  }

  async #requireSame(fingerprint: Fingerprint): Promise<void> {
    if (fingerprint.toString() !== this.fingerprint) throw changed(this.data.path, 'was changed');
  }

  async #directory(path: readonly string[], stats: Stats): Promise<void> {
    const name = `${memberName(path)}/`;
    await this.#put({ ...(await headerOf(name, stats)), type: 'directory', size: 0 }, []);
  }

  async #file({ path, stats: found, parent }: Found): Promise<void> {
    const { signal, onProgress } = this.options;
    const [name, last] = [memberName(path), path.at(-1) ?? ''];
    const where = join(parent.path, last);
    const file = parent.openPlain(last, constants.O_RDONLY);
    try {
      const stats = fstatSync(file);
      if (stats.ino !== found.ino || stats.size !== found.size) throw changed(where, 'was replaced');
      const hash = createHash('sha256');
      const before = this.#bytes;
      const report = (position: number) => onProgress?.((this.#bytes = before + position));
      const onTurn = () => {
        signal.throwIfAborted();
        onProgress?.(this.#bytes);
      };
      const skip = (bytes: number) => hashZeros(hash, bytes, onTurn);
      const sparse = isSparse(stats);
      const segments = sparse ? await segmentsOf(file, stats.size, onTurn) : [{ offset: 0, length: stats.size }];
      const map = sparse ? sparseMap(segments, stats.size) : Buffer.alloc(0);
      const size = segments.reduce((sum, { length }) => sum + length, map.length);
      const content = async function* (): AsyncGenerator<Buffer> {
        if (map.length > 0) yield map;
        let hashed = 0;
        for await (const { position, bytes } of contentOf(file, stats, segments, signal, where)) {
          await skip(position - hashed);
          hash.update(bytes);
          hashed = position + bytes.length;
          report(hashed);
          yield bytes;
        }
        await skip(stats.size - hashed);
        report(stats.size);
      };
      const header = await headerOf(name, stats);
      const fields = sparse ? { ...header.pax, ...sparseFields(name, stats.size) } : header.pax;
      await this.#put({ ...header, name: sparse ? sparsePlaceholder(name) : name, pax: fields, size }, content());
      this.#sums.add(hash.digest(), name);
    } finally {
      closeSync(file);
    }
  }

  /** Listed a last time, so that no list of names has to be kept. */
  async *#sumLines(): AsyncGenerator<Buffer> {
    let index = 0;
    yield Buffer.from(sumLine(this.#sums.at(index++), META));
    for await (const { path, stats } of this.#walk()) {
      if (stats.isFile()) yield Buffer.from(sumLine(this.#sums.at(index++), memberName(path)));
    }
  }

  async #put(
    header: Partial<Header> & { name: string },
    content: AsyncIterable<Buffer> | Iterable<Buffer>,
  ): Promise<void> {
    const entry = this.#tar.entry(header);
    if (header.type === 'directory') return;
    await pipeline(content, entry);
  }
}

/** The sums of the members in their order; the names are on the disk. */
class SumTable {
  #digests = Buffer.alloc(1024 * DIGEST_BYTES);
  #count = 0;
  /** Of the lines. */
  sizeBytes = 0;

  add(digest: Buffer, path: string): void {
    const at = this.#count++ * DIGEST_BYTES;
    if (at === this.#digests.length) this.#digests = Buffer.concat([this.#digests, Buffer.alloc(at)]);
    digest.copy(this.#digests, at);
    this.sizeBytes += Buffer.byteLength(sumLine(digest.toString('hex'), path));
  }

  at(index: number): string {
    return this.#digests.toString('hex', index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES);
  }
}

function memberName(path: readonly string[]): string {
  return [DATA, ...path].join('/');
}

function ownFile(name: string, size: number): Partial<Header> & { name: string } {
  return { name, size, mode: 0o600, mtime: new Date(), type: 'file' };
}

async function headerOf(
  name: string,
  { uid, gid, mode, mtimeMs }: Stats,
): Promise<Partial<Header> & { name: string } & { pax: Record<string, string> }> {
  const large = (id: number, field: string) => (id > MAX_TAR_ID ? { [field]: String(id) } : {});
  return {
    name,
    type: 'file',
    mode: mode & 0o777,
    uid: Math.min(uid, MAX_TAR_ID),
    gid: Math.min(gid, MAX_TAR_ID),
    uname: (await nameOfId('passwd', uid)).slice(0, 31),
    gname: (await nameOfId('group', gid)).slice(0, 31),
    mtime: new Date(mtimeMs),
    pax: { mtime: (mtimeMs / 1_000).toFixed(6), ...large(uid, 'uid'), ...large(gid, 'gid') },
  };
}
