import { closeSync, constants, fchmodSync, fchownSync, ftruncateSync, futimesSync, openSync, write } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DrError } from '../../contract/failures';
import { whileFlushing } from '../../files/files';
import { mayGiveAway } from '../../files/ownership';
import type { Owner, SafeDirectory } from '../../files/safe-directory';
import { type DataArchiveSummary, readDataArchive } from '../../vault/archive/data-archive';
import { ADVICE, type ArchiveMeta, type StorageKind } from '../../vault/archive/format';
import type { Attributes, Piece, Receiver } from '../../vault/archive/read-members';
import { readRaftStorage } from '../../vault/storage/raft-storage';
import { blankDataDirectory, inData } from '../data/data-directory';
import { putOnlyPeer } from '../data/peers';
import { entriesOf } from '../data/place';
import { MARKER } from '../data/notes';
import type { Attempt } from '../run/attempt';
import { chooseNodeId, type KnownIds } from './node-id';
import { isLeftOut } from './walk';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
const writeSome = promisify(write);

/** Without it Vault takes the directory for a blank one: so it gets its name last, when all else is verified and on the disk. */
const CRUCIAL = { raft: 'vault.db', file: 'core' } as const satisfies Record<StorageKind, string>;
const UNFINISHED = '.unpacking';
const GRAIN_BYTES = 64 * 1024;
const BLANK = Buffer.alloc(GRAIN_BYTES);
/** For Vault and its group at most. */
const MODE = 0o770;

export interface UnpackOptions {
  /** The run that made the directory; whatever it holds of this run is removed first. */
  run: string;
  attempt: Attempt;
  storage: StorageKind;
  /** Of this host. */
  ids: KnownIds;
  /** Of this node, `host:port`: as the only member of a Raft cluster. */
  clusterAddress: string;
  /** Bytes of the files so far, holes not counted; the same again and again while a disk takes its time to flush them. */
  onProgress?: (bytes: number) => void;
}

export interface Unpacked {
  summary: DataArchiveSummary;
  /** Of this node from now on; null of `storage "file"`. */
  nodeId: string | null;
}

/**
 * Unpacks the archive of a data directory into the one that this run has made, from blank: so an attempt that was killed is simply
 * repeated. All belongs to the owner of the directory. Until everything is verified and on the disk, Vault finds no data there. A Raft
 * node starts from it as the only member of its cluster, under its own id and address.
 *
 * Vault must be stopped, and proved to be.
 * @param source the archive in clear
 * @throws DrError SnapshotIncomplete | SnapshotCorrupt for an archive that is not whole or is another kind of storage's; NodeUnsafe when
 *   the directory isn't this run's; errors of the disk and of the source as they are.
 */
export async function unpackDataArchive(
  dataDir: string,
  source: AsyncIterable<Uint8Array>,
  options: UnpackOptions,
): Promise<Unpacked> {
  const { run, attempt, storage } = options;
  await blankDataDirectory(dataDir, run, attempt);
  return inData(dataDir, async (data) => {
    requireBlank(data);
    const unpacking = new Unpacking(data, options);
    let summary: DataArchiveSummary;
    try {
      summary = await readDataArchive(source, unpacking, attempt.signal);
      await unpacking.finish();
    } finally {
      unpacking.close();
    }
    if (storage === 'raft') await requireSame(data, summary.meta);
    const nodeId = storage === 'raft' ? await makeOwn(data, options) : null;
    const crucial = CRUCIAL[storage];
    await data.sync();
    attempt.assertCurrent();
    data.rename(`${crucial}${UNFINISHED}`, crucial);
    await data.sync();
    return { summary, nodeId };
  });
}

function requireBlank(data: SafeDirectory): void {
  const stranger = entriesOf(data).find((name) => name !== MARKER);
  if (stranger === undefined) return;
  const where = join(data.path, stranger);
  throw new DrError('NodeUnsafe', `${where} appeared while the directory was emptied, so nothing was unpacked.`, {
    where,
    advice: 'Something has started Vault, perhaps a service manager. Keep it stopped, then resume.',
  });
}

/** Before Vault can see the data. */
async function makeOwn(data: SafeDirectory, { attempt, ids, clusterAddress }: UnpackOptions): Promise<string> {
  const owner = data.stats();
  const { id, file } = chooseNodeId(ids);
  attempt.assertCurrent();
  if (file === null) data.unlink('node-id');
  else data.put('node-id', file, { owner });
  if (data.lstat('raft') === null) {
    const made = data.makeDirectory('raft');
    made.give(owner, 0o700);
    made.close();
  }
  await putOnlyPeer(data, { id, address: clusterAddress }, attempt);
  if (file !== null) await data.flush('node-id');
  return id;
}

/** Compares what was unpacked, as Vault's own database has it, with the archive's description. */
async function requireSame(data: SafeDirectory, { raft }: ArchiveMeta): Promise<void> {
  const storage = await readRaftStorage(data.path, `${CRUCIAL.raft}${UNFINISHED}`);
  const isSame =
    storage !== null &&
    raft !== null &&
    storage.appliedIndex === raft.index &&
    storage.appliedTerm === raft.term &&
    storage.lastLogIndex === raft.lastLogIndex &&
    JSON.stringify(storage.peers) === JSON.stringify(raft.peers);
  if (isSame) return;
  throw new DrError('SnapshotCorrupt', "The archive's meta.json does not match the database in it.", {
    where: data.path,
    advice: ADVICE.corrupt,
  });
}

interface OpenDirectory {
  directory: SafeDirectory;
  attributes: Attributes;
}

/** Writes what an archive holds, through handles: no name is ever resolved but in the directory it belongs to. */
class Unpacking implements Receiver {
  readonly #owner: Owner;
  /** Those that lead to where the archive is; they get their rights and times when nothing more comes in them. */
  #open: OpenDirectory[] = [];
  #written = 0;

  constructor(
    private readonly data: SafeDirectory,
    private readonly options: UnpackOptions,
  ) {
    const { uid, gid } = data.stats();
    this.#owner = { uid, gid };
  }

  meta({ storage }: ArchiveMeta): void {
    if (storage === this.options.storage) return;
    throw new DrError(
      'SnapshotCorrupt',
      `The archive is of storage "${storage}", and this node stores in "${this.options.storage}".`,
      { where: this.data.path, advice: 'Choose a backup of the same storage.' },
    );
  }

  async directory(path: readonly string[], attributes: Attributes): Promise<void> {
    const parent = await this.#parentOf(path);
    const name = this.#nameOf(path);
    this.options.attempt.assertCurrent();
    this.#open.push({ directory: parent.makeDirectory(name), attributes });
  }

  async file(
    path: readonly string[],
    { mode, mtimeMs }: Attributes,
    size: number,
    pieces: AsyncIterable<Piece>,
  ): Promise<void> {
    const parent = await this.#parentOf(path);
    const name = this.#nameOf(path);
    this.options.attempt.assertCurrent();
    const file = openSync(parent.at(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      for await (const piece of pieces) await this.#write(file, piece);
      ftruncateSync(file, size);
      if (mayGiveAway()) fchownSync(file, this.#owner.uid, this.#owner.gid);
      fchmodSync(file, mode & MODE);
      futimesSync(file, mtimeMs / 1_000, mtimeMs / 1_000);
    } finally {
      closeSync(file);
    }
    await whileFlushing(
      () => this.options.onProgress?.(this.#written),
      () => parent.flushContent(name),
    );
  }

  /** All directories have their rights and times, and are on the disk. */
  async finish(): Promise<void> {
    await this.#leaveTo(0);
  }

  close(): void {
    for (const { directory } of this.#open.splice(0)) directory.close();
  }

  async #parentOf(path: readonly string[]): Promise<SafeDirectory> {
    await this.#leaveTo(path.length - 1);
    return this.#open.at(-1)?.directory ?? this.data;
  }

  async #leaveTo(depth: number): Promise<void> {
    while (this.#open.length > depth) {
      const left = this.#open.pop();
      if (left === undefined) return;
      const { directory, attributes } = left;
      try {
        const { mode, mtimeMs } = attributes;
        directory.give(this.#owner, mode & MODE, { atimeMs: mtimeMs, mtimeMs });
        await directory.sync();
      } finally {
        directory.close();
      }
    }
  }

  /** vault-dr's own notes and those of file systems are never unpacked. */
  #nameOf(path: readonly string[]): string {
    const { storage } = this.options;
    const name = path.at(-1) ?? '';
    const isOwn = path.length === 1 && (isLeftOut('raft', path) || name.endsWith(UNFINISHED));
    if (isOwn) {
      throw new DrError('SnapshotCorrupt', `The archive has ${JSON.stringify(name)}, which is no file of Vault's.`, {
        advice: ADVICE.corrupt,
      });
    }
    return path.length === 1 && name === CRUCIAL[storage] ? `${name}${UNFINISHED}` : name;
  }

  /** Zeros stay holes. */
  async #write(file: number, { position, bytes }: Piece): Promise<void> {
    const { attempt, onProgress } = this.options;
    for (let at = 0; at < bytes.length;) {
      attempt.signal.throwIfAborted();
      const grain = bytes.subarray(at, at + GRAIN_BYTES - ((position + at) % GRAIN_BYTES));
      if (!grain.equals(BLANK.subarray(0, grain.length))) await writeAll(file, grain, position + at);
      at += grain.length;
    }
    this.#written += bytes.length;
    onProgress?.(this.#written);
  }
}

async function writeAll(file: number, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await writeSome(file, bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}
