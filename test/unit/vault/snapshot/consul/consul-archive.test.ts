import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { DrError } from '../../../../../src/contract/failures';
import {
  ConsulSnapshotVerifier,
  type ConsulSnapshotSummary,
  readConsulArchive,
} from '../../../../../src/vault/snapshot/consul/consul-archive';
import { readSnapshotArchive } from '../../../../../src/vault/snapshot/snapshot-archive';
import {
  buildConsulSnapshot,
  CONSUL_RECORDS,
  consulMembers,
  encodeRecords,
  record,
} from '../../../../support/consul-snapshot-builder';
import { archiveOf, buildSnapshot, sha256, tarOf } from '../../../../support/snapshot-builder';
import { failureOf } from '../../../../support/thrown';

const TOKEN = '88ea38e9-a229-4397-9f38-9c2733d90c87';
const QUESTION = { prefix: 'vault/', accessors: [TOKEN, '11111111-2222-3333-4444-555555555555'] };

const read = (bytes: Uint8Array, question = QUESTION) => readConsulArchive(Readable.from([bytes]), question);

describe('a whole snapshot of Consul', () => {
  it("is summed up: Vault's keys as in a snapshot of Vault, and what else is in it", async () => {
    const archive = await buildConsulSnapshot();

    const summary = await read(archive);

    expect(summary).toEqual<ConsulSnapshotSummary>({
      archive: { sha256: sha256(archive), sizeBytes: archive.length },
      raft: { index: 121, term: 2, peers: [{ id: '50aae5fe', address: '10.0.0.1:8300', suffrage: 'voter' }] },
      seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
      recoveryConfig: null,
      requiredKeys: ['core/keyring', 'core/seal-config', 'core/hsm/barrier-unseal-keys', 'core/shamir-kek'],
      keys: expect.objectContaining({
        count: 8,
        byPrefix: expect.objectContaining({
          'core/keyring': { count: 1, bytes: 229 },
          'logical/7163c756': { count: 2, bytes: 20 + 300 + 22 },
        }) as Record<string, never>,
      }) as ConsulSnapshotSummary['keys'],
      leases: { total: 1, byMount: { database: 1 } },
      reach: { staticRoles: 0, unfinished: 0, auditDevices: 0, plugins: [] },
      newestVersion: null,
      ownSeals: [],
      consul: {
        lock: 'held',
        others: {
          nodes: 1,
          services: 1,
          sessions: 1,
          aclTokens: 2,
          aclPolicies: 1,
          kv: 1,
          connectRoots: 2,
          intentions: 1,
          configEntries: 1,
        },
        elsewhere: { app: { count: 1, bytes: 14 } },
        services: { web: 1 },
        connectRoot: '7e:55:1a',
        accessors: [TOKEN],
      },
    });
    expect(JSON.stringify(summary)).not.toContain('secret-of-consul');
  });

  it('gives the same summary however it is chunked, and passes on the same bytes', async () => {
    const archive = await buildConsulSnapshot();
    const expected = await read(archive);

    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1 }), async (sizes) => {
        const verifier = new ConsulSnapshotVerifier(QUESTION);
        const passedOn: Buffer[] = [];
        await pipeline(Readable.from(chunked(archive, sizes)), verifier, collectInto(passedOn));
        expect(verifier.summary).toEqual(expected);
        expect(Buffer.concat(passedOn).equals(archive)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ['held', 'cbb211e4', 'held'],
    ['released', '', 'free'],
  ])('tells a lock that is %s', async (_what, session, lock) => {
    const records = [...CONSUL_RECORDS, record.kv('vault/core/lock', Buffer.from('4c20'), session)];

    expect((await read(await buildConsulSnapshot({ records }))).consul.lock).toBe(lock);
  });

  it('takes nobody else for the Vault that was asked for', async () => {
    const records = CONSUL_RECORDS.map(([type, value]): [number, unknown] => {
      const { Key: key } = value as { Key?: string };
      return key === undefined
        ? [type, value]
        : [type, { ...(value as object), Key: key.replace('vault/', 'team/vault/') }];
    });

    const failure = await failureOf(read(await buildConsulSnapshot({ records })));

    expect(failure).toMatchObject({
      code: 'InvalidConfiguration',
      message: 'The snapshot of Consul has no key below vault/. A Vault stores below team/vault/.',
      advice: expect.stringContaining('consul.path') as string,
    });
    expect(
      (await read(await buildConsulSnapshot({ records }), { ...QUESTION, prefix: 'team/vault/' })).keys.count,
    ).toBe(8);
  });

  it('counts in bounded space, and shows no name that could be anything', async () => {
    const many = Array.from({ length: 300 }, (_, index) => record.kv(`app-${index}/x`, Buffer.alloc(1)));
    const odd = [
      record.kv('\u001b[2J/x', Buffer.alloc(1)),
      record.service('consul-1', '\u001b[2J'),
      record.connectRoot('\u001b[2J', true),
      record.kv('\u001b[2J/core/keyring', Buffer.alloc(1)),
    ];

    const { consul } = await read(await buildConsulSnapshot({ records: [...CONSUL_RECORDS, ...many, ...odd] }));

    expect(Object.keys(consul.elsewhere)).toHaveLength(101);
    expect(Object.values(consul.elsewhere).reduce((sum, { count }) => sum + count, 0)).toBe(303);
    expect(consul.services).toEqual({ web: 1, '(other)': 1 });
    expect(JSON.stringify(consul)).not.toContain('\\u001b');
  });

  it('counts records of Enterprise, which the free Consul does not restore', async () => {
    const { consul } = await read(await buildConsulSnapshot({ records: [...CONSUL_RECORDS, [65, { Name: 'team' }]] }));

    expect(consul.others['enterprise']).toBe(1);
  });
});

describe('a snapshot of the other kind', () => {
  it('is named where Consul is expected', async () => {
    expect(await failureOf(read(await buildSnapshot()))).toMatchObject({
      code: 'SnapshotCorrupt',
      retryable: false,
      message: "The archive is a snapshot of Vault's Raft storage, not of Consul.",
      advice: expect.stringContaining('method: raft') as string,
    });
  });

  it('is named where Raft is expected, in chunks of any size', async () => {
    const archive = await buildConsulSnapshot();

    for (const size of [1, 7, archive.length]) {
      const reading = readSnapshotArchive(Readable.from(chunked(archive, [size])));
      expect(await failureOf(reading)).toMatchObject({
        code: 'SnapshotCorrupt',
        retryable: false,
        message: "The archive is a snapshot of Consul, not of Vault's Raft storage.",
        advice: expect.stringContaining('method: consul') as string,
      });
    }
  });
});

describe('a cut snapshot of Consul', () => {
  it('is refused as incomplete wherever it is cut', async () => {
    const archive = await buildConsulSnapshot();

    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: archive.length - 1 }), async (length) => {
        expect((await failureOf(read(archive.subarray(0, length)))).code).toBe('SnapshotIncomplete');
      }),
      { numRuns: 300 },
    );
  });

  it('is refused as incomplete when its tar is cut, though the gzip around it is whole', async () => {
    const tar = await tarOf(consulMembers());

    for (let length = 0; length < tar.length; length += 37) {
      const failure = await failureOf(read(gzipSync(tar.subarray(0, length))));
      expect({ length, code: failure.code }).toEqual({ length, code: 'SnapshotIncomplete' });
    }
  });

  it.each(['meta.json', 'state.bin', 'SHA256SUMS'])('is refused without %s', async (name) => {
    const archive = await archiveOf(consulMembers().filter((member) => member.name !== name));

    expect(await failureOf(read(archive))).toMatchObject({
      code: 'SnapshotIncomplete',
      message: `The snapshot has no ${name}.`,
    });
  });

  it('is refused when its last record is cut, though its sums are right', async () => {
    const whole = encodeRecords(CONSUL_RECORDS);
    const last = encodeRecords(CONSUL_RECORDS.slice(0, -1)).length;

    // A cut right behind the record before it leaves a state that is whole.
    for (let length = last + 1; length < whole.length; length++) {
      const archive = await buildConsulSnapshot({ state: whole.subarray(0, length) });
      expect({ length, code: (await failureOf(read(archive))).code }).toEqual({ length, code: 'SnapshotIncomplete' });
    }
  });

  it('is refused when its state is empty', async () => {
    expect(await failureOf(read(await buildConsulSnapshot({ state: Buffer.alloc(0) })))).toMatchObject({
      code: 'SnapshotIncomplete',
    });
  });
});

describe('a damaged snapshot of Consul', () => {
  it('is refused whichever bit is flipped, unless the content stays the same', async () => {
    const archive = await buildConsulSnapshot();
    const content = gunzipSync(archive);

    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: archive.length * 8 - 1 }), async (bit) => {
        const damaged = Buffer.from(archive);
        damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        const outcome = await read(damaged).then(
          // Fields of the gzip header such as its time say nothing about the content.
          () => (gunzipSync(damaged).equals(content) ? 'the same content' : 'accepted'),
          (error: DrError) => error.code,
        );
        expect(['SnapshotCorrupt', 'SnapshotIncomplete', 'the same content']).toContain(outcome);
      }),
      { numRuns: 500 },
    );
  });

  it('is refused whichever bit of its members is flipped, though gzip and tar are in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('meta.json', 'state.bin'), fc.nat(), async (name, any) => {
        const members = consulMembers().map((member) => {
          if (member.name !== name) return member;
          const content = Buffer.from(member.content);
          const bit = any % (content.length * 8);
          content.writeUInt8(content.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
          return { ...member, content };
        });
        const { code } = await failureOf(read(await archiveOf(members)));
        expect(['SnapshotCorrupt', 'SnapshotIncomplete']).toContain(code);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['a line end', (archive: Buffer) => Buffer.concat([archive, Buffer.from('\n')])],
    ['zeros', (archive: Buffer) => Buffer.concat([archive, Buffer.alloc(512)])],
    ['another archive', (archive: Buffer) => Buffer.concat([archive, archive])],
  ])('is refused with %s behind its end', async (_what, append) => {
    expect(await failureOf(read(append(await buildConsulSnapshot())))).toMatchObject({
      code: 'SnapshotCorrupt',
      message: 'The snapshot has trailing data.',
    });
  });

  it('is refused with a member that Consul does not write', async () => {
    const members = [...consulMembers(), { name: 'SHA256SUMS.sealed', content: Buffer.alloc(10) }];

    expect((await failureOf(read(await archiveOf(members)))).message).toContain('unknown member "SHA256SUMS.sealed"');
  });

  it.each([
    ['sums that are no list', { sums: 'hello\n' }],
    ['a size that is not that of its state', { meta: { Size: 1 } }],
    ['another header', { state: Buffer.concat([Buffer.of(0x80), encodeRecords(CONSUL_RECORDS).subarray(11)]) }],
    ['a type that is none', { state: Buffer.concat([encodeRecords(CONSUL_RECORDS), Buffer.of(0x85, 0x80)]) }],
    ['a value that is none', { state: Buffer.concat([encodeRecords(CONSUL_RECORDS), Buffer.of(2, 0xc1)]) }],
    [
      'records nested without end',
      { state: Buffer.concat([encodeRecords([]), Buffer.of(2), Buffer.alloc(5_000, 0x91)]) },
    ],
    ['a key that is a number', { records: [...CONSUL_RECORDS, [2, { Key: 7, Value: null }] as [number, unknown]] }],
    [
      'no keyring',
      { records: CONSUL_RECORDS.filter(([, value]) => (value as { Key?: string }).Key !== 'vault/core/keyring') },
    ],
    [
      'a seal configuration that is no JSON',
      { records: [...CONSUL_RECORDS, record.kv('vault/core/seal-config', Buffer.from('{'))] },
    ],
    [
      'a seal configuration without end',
      { records: [...CONSUL_RECORDS, record.kv('vault/core/seal-config', Buffer.alloc(70_000))] },
    ],
  ])('is refused with %s', async (_what, input) => {
    expect((await failureOf(read(await buildConsulSnapshot(input)))).code).toBe('SnapshotCorrupt');
  });

  it.each([
    ['a text', Buffer.of(0xdb, 0xff, 0xff, 0xff, 0xff)],
    ['bytes', Buffer.of(0xc6, 0xff, 0xff, 0xff, 0xff)],
    ['a list', Buffer.of(0xdd, 0xff, 0xff, 0xff, 0xff)],
    ['a map', Buffer.of(0xdf, 0xff, 0xff, 0xff, 0xff)],
  ])('takes no memory for %s that says of itself to be of gigabytes', async (_what, head) => {
    const state = Buffer.concat([encodeRecords([]), Buffer.of(2), head, Buffer.alloc(1_000)]);
    const before = process.memoryUsage().rss;

    expect((await failureOf(read(await buildConsulSnapshot({ state })))).code).toBe('SnapshotIncomplete');

    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
  });
});

function chunked(bytes: Buffer, sizes: number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

function collectInto(chunks: Buffer[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
}
