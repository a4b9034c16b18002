import { chmod, mkdir, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'protobufjs';
import { boltFile, boltPage, bucketAt, type Element, inlineBucket } from './bolt-builder';
import { CORE_ENTRIES, type StorageEntryInput } from './snapshot-builder';
import { walBatch, walEntry, walFileName, walHeader, walMeta } from './wal-builder';

/** Vault's own messages (physical/raft/types.proto), encoded by an independent implementation. */
const { root } = parse(`
  syntax = "proto3";
  message IndexValue { uint64 term = 1; uint64 index = 2; }
  message Server { int32 suffrage = 1; string id = 2; string address = 3; }
  message ConfigurationValue { uint64 index = 1; repeated Server servers = 2; }
`);

export interface RaftDataInput {
  entries?: StorageEntryInput[];
  index?: number;
  term?: number;
  peers?: { id: string; address: string; suffrage?: number }[];
  nodeId?: string | null;
  /** `raft/wal/` in place of `raft/raft.db`. */
  wal?: boolean;
  /** Size of `vault.db`, the rest of which is a hole. */
  apparentBytes?: number;
}

export const PEERS = [
  { id: 'vault-1', address: '10.0.0.1:8201' },
  { id: 'vault-2', address: '10.0.0.2:8201' },
  { id: 'vault-3', address: '10.0.0.3:8201' },
];

/** As Vault wrote it: index 2, term 2. */
const LOG_ENTRY = Buffer.from(
  '86aa417070656e6465644174a875da4d7c6b06bd17a444617461c0aa457874656e73696f6e73c0a5496e64657802a45465726d02a45479706501',
  'hex',
);

/** A Raft data directory, as a stopped Vault leaves it. */
export async function buildRaftData(directory: string, input: RaftDataInput = {}): Promise<void> {
  const { entries = CORE_ENTRIES, nodeId = 'a1b2c3d4-0000-4000-8000-000000000001', apparentBytes } = input;
  await mkdir(join(directory, 'raft', 'snapshots'), { recursive: true, mode: 0o700 });
  await writeFile(join(directory, 'vault.db'), vaultDatabase({ ...input, entries }), { mode: 0o600 });
  if (apparentBytes !== undefined) await truncate(join(directory, 'vault.db'), apparentBytes);
  if (input.wal === true) await buildWal(join(directory, 'raft', 'wal'));
  else await writeFile(join(directory, 'raft', 'raft.db'), logDatabase(), { mode: 0o600 });
  if (nodeId !== null) await writeFile(join(directory, 'node-id'), nodeId, { mode: 0o600 });
  await chmod(join(directory, 'raft'), 0o700);
  await utimes(join(directory, 'vault.db'), 1_700_000_000.25, 1_700_000_001.125);
}

export function vaultDatabase(input: RaftDataInput): Buffer {
  const { entries = CORE_ENTRIES, index = 37, term = 3, peers = PEERS } = input;
  const config = [
    { key: 'latest_config', value: encoded('ConfigurationValue', { index: 1, servers: peers }) },
    { key: 'latest_indexes', value: encoded('IndexValue', { term, index }) },
  ];
  const data = entries.map(({ key, value }) => ({ key, value: Buffer.from(value) }));
  return boltFile([
    boltPage(2, [
      { key: 'config', value: inlineBucket(config), bucket: true },
      { key: 'data', value: bucketAt(3), bucket: true },
    ]),
    boltPage(3, data.toSorted(byKey)),
  ]);
}

function logDatabase(): Buffer {
  const logs: Element[] = [{ key: Buffer.from([0, 0, 0, 0, 0, 0, 0, 2]), value: LOG_ENTRY }];
  return boltFile([boltPage(2, [{ key: 'logs', value: inlineBucket(logs), bucket: true }])]);
}

async function buildWal(directory: string): Promise<void> {
  const segment = { id: 0, base: 1 };
  await mkdir(directory, { mode: 0o755 });
  await writeFile(join(directory, 'wal-meta.db'), walMeta([segment]), { mode: 0o600 });
  await writeFile(
    join(directory, walFileName(segment)),
    walBatch([walEntry(1, 1), walEntry(2, 4)], walHeader(segment)),
  );
}

/** A directory of `storage "file"`, with the locks of Vault. */
export async function buildFileData(directory: string, entries: StorageEntryInput[] = CORE_ENTRIES): Promise<void> {
  const locks = ['core/lock', 'core/migration', 'core/lock/deeper'].map((key) => ({ key, value: Buffer.from('x') }));
  for (const { key, value } of [...entries, ...locks]) {
    const names = key.split('/');
    const folder = join(directory, ...names.slice(0, -1));
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const content = `${JSON.stringify({ Value: Buffer.from(value).toString('base64') })}\n`;
    await writeFile(join(folder, `_${names.at(-1)}`), content, { mode: 0o600 });
  }
}

function encoded(name: string, value: object): Buffer {
  const type = root.lookupType(name);
  return Buffer.from(type.encode(type.fromObject(value)).finish());
}

function byKey(left: { key: string }, right: { key: string }): number {
  return Buffer.compare(Buffer.from(left.key), Buffer.from(right.key));
}
