import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { parse } from 'protobufjs';

/** Vault's own message (sdk/plugin/pb/backend.proto), encoded by an independent implementation. */
const { root } = parse(`
  syntax = "proto3";
  message StorageEntry { string key = 1; bytes value = 2; bool seal_wrap = 3; }
`);
const StorageEntry = root.lookupType('StorageEntry');

export interface StorageEntryInput {
  key: string;
  value: Uint8Array;
  seal_wrap?: boolean;
}

export interface MemberInput {
  name: string;
  content: Uint8Array;
  type?: 'file' | 'symlink' | 'directory';
}

export interface SnapshotInput {
  entries?: StorageEntryInput[];
  /** Instead of what the entries encode to. */
  state?: Uint8Array;
  meta?: Record<string, unknown>;
  sums?: string;
  sealed?: Uint8Array;
}

export const SHAMIR_CONFIG =
  '{"type":"shamir","secret_shares":5,"secret_threshold":3,"pgp_keys":null,"nonce":"","backup":false,"stored_shares":1,"name":""}';

/** The keys that each unsealable snapshot has, and a few more. */
export const CORE_ENTRIES: StorageEntryInput[] = [
  { key: 'core/hsm/barrier-unseal-keys', value: Buffer.alloc(80, 1) },
  { key: 'core/keyring', value: Buffer.alloc(217, 2) },
  { key: 'core/seal-config', value: Buffer.from(SHAMIR_CONFIG) },
  { key: 'core/shamir-kek', value: Buffer.alloc(61, 3) },
  { key: 'logical/7163c756/one', value: Buffer.alloc(300, 4) },
  { key: 'logical/7163c756/two', value: Buffer.alloc(20, 5) },
  { key: 'sys/policy/default', value: Buffer.alloc(0) },
];

export function encodeEntries(entries: StorageEntryInput[]): Buffer {
  return Buffer.concat(entries.map((entry) => StorageEntry.encodeDelimited(StorageEntry.fromObject(entry)).finish()));
}

/** The members of a valid archive, in Vault's order, with what the input changes. */
export function snapshotMembers(input: SnapshotInput = {}): MemberInput[] {
  const state = input.state ?? encodeEntries(input.entries ?? CORE_ENTRIES);
  const meta = Buffer.from(
    `${JSON.stringify({
      Version: 1,
      ID: 'bolt-snapshot',
      Index: 37,
      Term: 3,
      Peers: null,
      Configuration: {
        Servers: [
          { Suffrage: 0, ID: 'vault-1', Address: '10.0.0.1:8201' },
          { Suffrage: 1, ID: 'vault-2', Address: '10.0.0.2:8201' },
        ],
      },
      ConfigurationIndex: 1,
      Size: state.length,
      ...input.meta,
    })}\n`,
  );
  const sums = input.sums ?? `${sha256(state)}  state.bin\n${sha256(meta)}  meta.json\n`;
  return [
    { name: 'meta.json', content: meta },
    { name: 'state.bin', content: state },
    { name: 'SHA256SUMS', content: Buffer.from(sums) },
    { name: 'SHA256SUMS.sealed', content: input.sealed ?? Buffer.alloc(187, 9) },
  ];
}

export async function tarOf(members: MemberInput[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, content, type = 'file' } of members) {
    // The same bytes each time: which bits of a deflated stream are redundant depends on them.
    archive.entry({ name, type, mode: 0o600, size: content.length, mtime: new Date(0) }, content);
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export async function archiveOf(members: MemberInput[]): Promise<Buffer> {
  return gzipSync(await tarOf(members));
}

export async function buildSnapshot(input: SnapshotInput = {}): Promise<Buffer> {
  return archiveOf(snapshotMembers(input));
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
