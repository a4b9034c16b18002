import { join } from 'node:path';
import { DrError } from '../../contract/failures';
import type { SealConfig } from '../../contract/generation';
import type { SafeDirectory } from '../../files/safe-directory';
import { requireUnsealable } from '../../vault/archive/data-archive';
import { ARCHIVE_FORMAT, type ArchiveMeta, type StorageKind } from '../../vault/archive/format';
import { KeyTally, RECOVERY_CONFIG, SEAL_CONFIG, WATCHED } from '../../vault/snapshot/key-tally';
import { parseSealConfig } from '../../vault/snapshot/snapshot-members';
import { openBolt } from '../../vault/storage/bolt';
import { readRaftStorage } from '../../vault/storage/raft-storage';
import { Fingerprint, walk } from './walk';

const MAX_LEFT_OUT = 100;
/** `{"Value":"` and `"}` with a line end, around the base64 of a value. */
const FRAME_BYTES = 13;

/** An archive's description of itself, and what proves that nothing has changed since. */
export interface StorageFacts {
  meta: ArchiveMeta;
  fingerprint: string;
}

/**
 * Reads a data directory's own description from its database, and counts its keys.
 * @throws DrError NodeUnsafe when it can't be archived; SnapshotCorrupt when nothing could be unsealed with it.
 */
export async function readFacts(
  data: SafeDirectory,
  storage: StorageKind,
  signal: AbortSignal,
  configuredId: string | null = null,
): Promise<StorageFacts> {
  const tally = new KeyTally(WATCHED);
  const fingerprint = new Fingerprint();
  const leftOut: string[] = [];
  const counted = { files: 0, directories: 0, bytes: 0 };
  const note = (path: string) => leftOut.length < MAX_LEFT_OUT && leftOut.push(path);
  for await (const found of walk(data, storage, signal, note)) {
    fingerprint.add(found);
    const { stats, path } = found;
    if (stats.isDirectory()) {
      counted.directories++;
      continue;
    }
    counted.files++;
    counted.bytes += stats.size;
    const key = storage === 'file' ? keyOf(path) : null;
    if (key !== null) tally.note(key, valueBytesOf(stats.size));
  }
  const { nodeId, ...own } = await (storage === 'raft' ? readRaft(data, tally) : readFileStorage(data));
  const meta: ArchiveMeta = {
    format: ARCHIVE_FORMAT,
    storage,
    nodeId: storage === 'raft' ? (configuredId ?? nodeId) : null,
    ...own,
    requiredKeys: WATCHED.filter((key) => tally.present.has(key)),
    ...tally.summary(),
    ...counted,
    leftOut,
  };
  requireUnsealable(meta);
  return { meta, fingerprint: fingerprint.toString() };
}

type Own = Pick<ArchiveMeta, 'nodeId' | 'raft' | 'seal' | 'recoveryConfig'>;

async function readRaft(data: SafeDirectory, tally: KeyTally): Promise<Own> {
  const storage = await readRaftStorage(data.path);
  if (storage === null) throw noCluster(data, 'has no vault.db');
  const { seal, recoveryConfig, nodeId, appliedIndex, appliedTerm, lastLogIndex, lastLogTerm = null, peers } = storage;
  if (seal === null) throw noCluster(data, 'has no seal configuration: no cluster was ever created in it');
  const database = await openBolt(join(data.path, 'vault.db'));
  try {
    await database.each(['data'], (key, valueBytes) => tally.note(key.toString('utf8'), valueBytes));
  } finally {
    await database.close();
  }
  const raft = { index: appliedIndex, term: appliedTerm, lastLogIndex, lastLogTerm, peers };
  return { nodeId, raft, seal, recoveryConfig };
}

async function readFileStorage(data: SafeDirectory): Promise<Own> {
  const seal = await sealIn(data, SEAL_CONFIG);
  if (seal === null) throw noCluster(data, 'has no core/_seal-config: it is not the directory of a `storage "file"`');
  return { nodeId: null, raft: null, seal, recoveryConfig: await sealIn(data, RECOVERY_CONFIG) };
}

/** `storage "file"` keeps the key `a/b` in the file `a/_b`. @returns null for what is no key. */
function keyOf(path: readonly string[]): string | null {
  const name = path.at(-1) ?? '';
  return name.startsWith('_') ? [...path.slice(0, -1), name.slice(1)].join('/') : null;
}

/** To within three bytes, from the size of the file. */
function valueBytesOf(fileBytes: number): number {
  return Math.max(0, Math.floor(((fileBytes - FRAME_BYTES) * 3) / 4));
}

async function sealIn(data: SafeDirectory, key: string): Promise<SealConfig | null> {
  const [folder = '', name = ''] = key.split('/');
  if (data.lstat(folder) === null) return null;
  const directory = data.child(folder);
  try {
    const text = directory.read(`_${name}`);
    if (text === null) return null;
    const { Value: value } = JSON.parse(text) as { Value?: unknown };
    return parseSealConfig(Buffer.from(String(value), 'base64').toString('utf8'), key);
  } catch (cause) {
    throw new DrError('NodeUnsafe', `${data.path}/${folder}/_${name} has an invalid seal configuration.`, {
      where: data.path,
      advice: 'Check the disk of this node.',
      cause,
    });
  } finally {
    directory.close();
  }
}

function noCluster(data: SafeDirectory, what: string): DrError {
  return new DrError('NodeUnsafe', `${data.path} ${what}, so it was not archived.`, {
    where: data.path,
    advice: "Check `dataDir` of this node against the storage stanza of Vault's configuration.",
  });
}
