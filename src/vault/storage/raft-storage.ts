import { dirname, join } from 'node:path';
import { DrError, isDrError } from '../../contract/failures';
import type { RaftPeer, SealConfig } from '../../contract/generation';
import type { RaftStorage } from '../../contract/host';
import { readPlainFile } from '../../files/plain-file';
import { type BoltFile, openBolt } from './bolt';
import { parseSealConfig } from '../snapshot/snapshot-members';
import { numberInMap } from './msgpack';
import { lastOfWal } from './raft-wal';
import { integerOf, textOf, wireFields } from './protobuf';

/** raft.ServerSuffrage of hashicorp/raft, by its number. */
const SUFFRAGE = ['voter', 'nonvoter', 'staging'] as const;

/**
 * What the data directory of a node says of itself, with Vault running or stopped; only reads, and takes no lock.
 *
 * As physical/raft of Vault 1.21 lays it out: `vault.db` (fsm.go) has the storage entries in the bucket `data`, where the
 * seal configurations are plaintext JSON, and in the bucket `config` the protobuf messages `latest_indexes` (IndexValue)
 * and `latest_config` (ConfigurationValue; both in types.proto). `raft/raft.db` (raft-boltdb) has the log in the bucket
 * `logs`, by its index as a big-endian 64-bit number, each entry as MessagePack of hashicorp/raft's `Log`. Where there is none
 * and `raft_wal` is configured, `raft/wal/` has the log (raft.go). `node-id` (config.go) is written only when neither the configuration nor the environment
 * names the node.
 * @param database another name for `vault.db`
 * @returns null when there is no `vault.db`.
 * @throws DrError NodeUnsafe when the files can't be read or are damaged.
 */
export async function readRaftStorage(dataDir: string, database = 'vault.db'): Promise<RaftStorage | null> {
  const state = await inFile(join(dataDir, database), async (vault, path) => {
    const indexes = wireFields((await vault.get(['config'], 'latest_indexes')) ?? Buffer.alloc(0));
    const servers = (await vault.get(['config'], 'latest_config')) ?? Buffer.alloc(0);
    return {
      appliedTerm: integerOf(indexes, 1),
      appliedIndex: integerOf(indexes, 2),
      peers: peersOf(servers),
      seal: sealOf(await vault.get(['data'], 'core/seal-config'), path),
      recoveryConfig: sealOf(await vault.get(['data'], 'core/recovery-config'), path),
    };
  });
  if (!state) return null;
  return {
    ...state,
    nodeId: readNodeId(join(dataDir, 'node-id')),
    ...(await endOfLog(join(dataDir, 'raft'))),
  };
}

type LogEnd = Required<Pick<RaftStorage, 'lastLogIndex' | 'lastLogTerm' | 'logProblem'>>;

/**
 * Reports what could not be read from the log; the storage has been read anyway, and not every decision depends on the
 * log.
 */
async function endOfLog(directory: string): Promise<LogEnd> {
  const unknown = { lastLogIndex: null, lastLogTerm: null };
  try {
    return (
      (await inFile(join(directory, 'raft.db'), lastOfBolt)) ??
      (await inFile(join(directory, 'wal', 'wal-meta.db'), async (meta, path) => {
        const last = await lastOfWal(dirname(path), meta);
        return { ...unknown, ...last, logProblem: null };
      })) ?? { ...unknown, logProblem: `${directory} has no log: neither raft.db nor wal/wal-meta.db exists.` }
    );
  } catch (error) {
    if (!isDrError(error)) throw error;
    return { ...unknown, logProblem: error.message };
  }
}

async function lastOfBolt(log: BoltFile): Promise<LogEnd> {
  const last = await log.lastEntry(['logs']);
  return {
    lastLogIndex: last && Number(last.key.readBigUInt64BE()),
    lastLogTerm: last && numberInMap(last.value, 'Term'),
    logProblem: null,
  };
}

/** `ConfigurationValue { uint64 index = 1; repeated Server { int32 suffrage = 1; string id = 2; string address = 3 } = 2 }` */
function peersOf(configuration: Buffer): RaftPeer[] {
  return wireFields(configuration)
    .filter(({ number }) => number === 2)
    .map(({ value }) => wireFields(value as Buffer))
    .map((server) => ({
      id: textOf(server, 2),
      address: textOf(server, 3),
      suffrage: SUFFRAGE[integerOf(server, 1)] ?? 'staging',
    }));
}

function sealOf(value: Buffer | null, path: string): SealConfig | null {
  if (!value) return null;
  try {
    return parseSealConfig(value.toString('utf8'), path);
  } catch (cause) {
    throw unreadable(path, 'has an invalid seal configuration', cause);
  }
}

async function inFile<T>(path: string, work: (file: BoltFile, path: string) => Promise<T>): Promise<T | null> {
  let file: BoltFile | undefined;
  try {
    file = await openBolt(path);
    return await work(file, path);
  } catch (error) {
    if (isDrError(error)) throw error;
    if (!file && isMissing(error)) return null;
    throw unreadable(
      path,
      `can't be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`,
      error,
    );
  } finally {
    await file?.close();
  }
}

function readNodeId(path: string): string | null {
  try {
    return readPlainFile(path)?.trim() || null;
  } catch (error) {
    if (isDrError(error)) throw error;
    throw unreadable(path, `can't be read (${(error as NodeJS.ErrnoException).code ?? 'failed'})`, error);
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function unreadable(path: string, what: string, cause: unknown): DrError {
  return new DrError('NodeUnsafe', `${path} ${what}.`, {
    where: path,
    advice: "Check that the agent may read Vault's data directory, and check its disk.",
    cause,
  });
}
