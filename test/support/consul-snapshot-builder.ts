import { encode } from '@msgpack/msgpack';
import { archiveOf, type MemberInput, sha256, SHAMIR_CONFIG } from './snapshot-builder';

/** One record of Consul's `state.bin`: its type byte, and what comes behind it. */
export type ConsulRecord = [type: number, value: unknown];

export interface ConsulSnapshotInput {
  records?: ConsulRecord[];
  /** Instead of what the records encode to. */
  state?: Uint8Array;
  meta?: Record<string, unknown>;
  sums?: string;
}

/** As Consul 1.14 writes them (agent/consul/fsm); its fields are sorted by name. */
export const record = {
  kv: (key: string, value: Uint8Array | null, session = ''): ConsulRecord => [
    2,
    { CreateIndex: 20, Flags: 0, Key: key, LockIndex: 1, ModifyIndex: 20, Session: session, Value: value },
  ],
  node: (name: string): ConsulRecord => registration(name, null, null),
  service: (node: string, name: string): ConsulRecord =>
    registration(
      node,
      { Address: '', ID: `${name}-1`, Proxy: { Config: { Service: 'not this' } }, Service: name },
      null,
    ),
  check: (node: string): ConsulRecord => registration(node, null, { CheckID: 'serfHealth', Status: 'passing' }),
  token: (accessor: string): ConsulRecord => [
    17,
    { AccessorID: accessor, Policies: [{ ID: 'p', Name: 'vault' }], SecretID: 'secret-of-consul' },
  ],
  policy: (name: string): ConsulRecord => [19, { ID: name, Name: name, Rules: 'acl = "write"' }],
  session: (): ConsulRecord => [
    3,
    { ID: 'cbb211e4', LockDelay: 15_000_000_000, Name: 'Vault Lock', NodeChecks: ['serfHealth'] },
  ],
  connectRoot: (id: string, active: boolean): ConsulRecord => [
    13,
    { Active: active, ID: id, NotAfter: new Uint8Array(15), RootCert: '-----BEGIN CERTIFICATE-----' },
  ],
  configEntry: (kind: string): ConsulRecord => [
    22,
    Buffer.concat([encode(kind), encode({ Entry: { Kind: kind, Name: 'web' } })]),
  ],
  tombstone: (key: string): ConsulRecord => [5, { Key: key, Value: null }],
  coordinates: (): ConsulRecord => [6, [{ Coord: { Error: 0.2, Vec: [-0.1, 0.5] }, Node: 'consul-1' }]],
};

/** A Consul in which a Vault stores, and others do. */
export const CONSUL_RECORDS: ConsulRecord[] = [
  record.node('consul-1'),
  record.service('consul-1', 'consul'),
  record.service('consul-1', 'web'),
  record.check('consul-1'),
  record.coordinates(),
  record.session(),
  record.token('88ea38e9-a229-4397-9f38-9c2733d90c87'),
  record.token('00000000-0000-0000-0000-000000000002'),
  record.policy('vault-dr'),
  record.kv('app/settings', Buffer.from('on')),
  record.kv('vault/core/hsm/barrier-unseal-keys', Buffer.alloc(80, 1)),
  record.kv('vault/core/keyring', Buffer.alloc(217, 2)),
  record.kv('vault/core/lock', Buffer.from('4c20e617'), 'cbb211e4'),
  record.kv('vault/core/seal-config', Buffer.from(SHAMIR_CONFIG)),
  record.kv('vault/core/shamir-kek', Buffer.alloc(61, 3)),
  record.kv('vault/logical/7163c756/one', Buffer.alloc(300, 4)),
  record.kv('vault/logical/7163c756/empty', null),
  record.kv('vault/sys/expire/id/database/creds/app/1a2b', Buffer.alloc(20, 5)),
  record.tombstone('vault/core/seal-initialization-flag'),
  record.connectRoot('7e:55:1a', true),
  record.connectRoot('11:22:33', false),
  record.configEntry('service-intentions'),
  record.configEntry('service-defaults'),
];

function registration(node: string, service: unknown, check: unknown): ConsulRecord {
  return [
    0,
    { Address: '127.0.0.1', Check: check, Checks: null, ID: '50aae5fe', Node: node, NodeMeta: {}, Service: service },
  ];
}

export function encodeRecords(records: readonly ConsulRecord[]): Buffer {
  return Buffer.concat([
    encode({ LastIndex: 121 }),
    ...records.flatMap(([type, value]) => [Buffer.of(type), encode(value)]),
  ]);
}

/** The members of a valid archive, in Consul's order, with what the input changes. */
export function consulMembers(input: ConsulSnapshotInput = {}): MemberInput[] {
  const state = input.state ?? encodeRecords(input.records ?? CONSUL_RECORDS);
  const meta = Buffer.from(
    `${JSON.stringify({
      Version: 1,
      ID: '2-121-1795764972967',
      Index: 121,
      Term: 2,
      Peers: 'k68xMjcuMC4wLjE6MjA2MTY=',
      Configuration: { Servers: [{ Suffrage: 0, ID: '50aae5fe', Address: '10.0.0.1:8300' }] },
      ConfigurationIndex: 1,
      Size: state.length,
      ...input.meta,
    })}\n`,
  );
  return [
    { name: 'meta.json', content: meta },
    { name: 'state.bin', content: state },
    {
      name: 'SHA256SUMS',
      content: Buffer.from(input.sums ?? `${sha256(meta)}  meta.json\n${sha256(state)}  state.bin\n`),
    },
  ];
}

export async function buildConsulSnapshot(input: ConsulSnapshotInput = {}): Promise<Buffer> {
  return archiveOf(consulMembers(input));
}
