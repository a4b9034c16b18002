import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { DrError } from '../../../../src/contract/failures';
import {
  readSnapshotArchive,
  SnapshotVerifier,
  type SnapshotSummary,
} from '../../../../src/vault/snapshot/snapshot-archive';
import {
  archiveOf,
  buildSnapshot,
  CORE_ENTRIES,
  encodeEntries,
  sha256,
  SHAMIR_CONFIG,
  snapshotMembers,
  tarOf,
} from '../../../support/snapshot-builder';
import { failureOf } from '../../../support/thrown';

const read = (bytes: Uint8Array) => readSnapshotArchive(Readable.from([bytes]));
const failureOfReading = (bytes: Uint8Array) => failureOf(read(bytes));

describe('a whole archive', () => {
  it('is summed up', async () => {
    const archive = await buildSnapshot();

    const summary = await read(archive);

    expect(summary).toEqual<SnapshotSummary>({
      archive: { sha256: sha256(archive), sizeBytes: archive.length },
      raft: {
        index: 37,
        term: 3,
        peers: [
          { id: 'vault-1', address: '10.0.0.1:8201', suffrage: 'voter' },
          { id: 'vault-2', address: '10.0.0.2:8201', suffrage: 'nonvoter' },
        ],
      },
      seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
      recoveryConfig: null,
      keys: {
        count: 7,
        bytes: CORE_ENTRIES.reduce((sum, { key, value }) => sum + key.length + value.length, 0),
        byPrefix: {
          'core/hsm': { count: 1, bytes: 108 },
          'core/keyring': { count: 1, bytes: 229 },
          'core/seal-config': { count: 1, bytes: 16 + SHAMIR_CONFIG.length },
          'core/shamir-kek': { count: 1, bytes: 76 },
          'logical/7163c756': { count: 2, bytes: 360 },
          'sys/policy': { count: 1, bytes: 18 },
        },
      },
      leases: { total: 0, byMount: {} },
      reach: { staticRoles: 0, unfinished: 0, auditDevices: 0, plugins: [] },
      newestVersion: null,
      ownSeals: [],
      requiredKeys: ['core/keyring', 'core/seal-config', 'core/hsm/barrier-unseal-keys', 'core/shamir-kek'],
    });
  });

  it('tells the seal of an auto-unseal cluster from its recovery keys', async () => {
    const entries = [
      { key: 'core/keyring', value: Buffer.alloc(9) },
      { key: 'core/hsm/barrier-unseal-keys', value: Buffer.alloc(80, 1) },
      { key: 'core/recovery-config', value: Buffer.from(SHAMIR_CONFIG) },
      { key: 'core/seal-config', value: Buffer.from('{"type":"transit","secret_shares":1,"secret_threshold":1}') },
    ];

    const summary = await read(await buildSnapshot({ entries }));

    expect(summary.seal).toEqual({ type: 'transit', secretShares: 1, secretThreshold: 1 });
    expect(summary.recoveryConfig).toEqual({ type: 'shamir', secretShares: 5, secretThreshold: 3 });
  });

  it('counts the namespaces that have a seal of their own', async () => {
    const [one, two] = ['5ee1a2e0-55ab-4c5c-9d8b-1f6a0c1f7d11', '9a0d2c61-7f0c-4f1e-8f43-c2f7d8a1b222'];
    const under = (...keys: string[]) => keys.map((key) => ({ key, value: Buffer.alloc(40, 7) }));
    const more = under(
      `namespaces/${one}/core/seal-config`,
      `namespaces/${one}/core/keyring`,
      `namespaces/${two}/sys/policy/default`,
      'logical/namespaces/x/core/seal-config',
    );

    const summary = await read(await buildSnapshot({ entries: [...CORE_ENTRIES, ...more] }));

    expect(summary.ownSeals).toEqual([one]);
  });

  it('says of a tar without its gzip what it is', async () => {
    const tar = await tarOf(snapshotMembers());

    expect(await failureOfReading(tar)).toMatchObject({ message: expect.stringContaining('`gzip FILE') });
  });

  it('may be uncompressed gzip, have its members in another order and be padded as GNU tar does', async () => {
    const [meta, state, sums, sealed] = snapshotMembers();
    const tar = await tarOf([sums, sealed, state, meta].flatMap((member) => member ?? []));

    const summary = await read(gzipSync(Buffer.concat([tar, Buffer.alloc(10_240)]), { level: 0 }));

    expect(summary.keys.count).toBe(7);
  });

  it('gives the same summary however it is chunked, and passes on the same bytes', async () => {
    const noise = Array.from({ length: 40 }, (_, index) => ({
      key: `logical/mount/${'k'.repeat(index * 7)}`,
      value: Buffer.alloc(index * 131, index),
    }));
    const archive = await buildSnapshot({ entries: [...CORE_ENTRIES, ...noise] });
    const expected = await read(archive);

    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1 }), async (sizes) => {
        const verifier = new SnapshotVerifier();
        const passedOn: Buffer[] = [];
        await pipeline(Readable.from(chunked(archive, sizes)), verifier, collectInto(passedOn));
        expect(verifier.summary).toEqual(expected);
        expect(Buffer.concat(passedOn).equals(archive)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('is read at the pace of its receiver', async () => {
    const big = { key: 'logical/mount/big', value: Buffer.alloc(8 * 1024 * 1024) };
    const archive = gzipSync(gunzipSync(await buildSnapshot({ entries: [...CORE_ENTRIES, big] })), { level: 0 });
    const verifier = new SnapshotVerifier();
    let accepted = 0;
    for (const chunk of chunked(archive, [65_536])) {
      accepted += chunk.length;
      if (!verifier.write(chunk)) break;
    }

    await new Promise((resolve) => setTimeout(resolve, 100));

    expect(verifier.writableNeedDrain).toBe(true);
    expect(accepted).toBeLessThan(1024 * 1024);
    verifier.destroy();
  });

  it('has no summary before its end', () => {
    const verifier = new SnapshotVerifier();

    expect(() => verifier.summary).toThrow(expect.objectContaining({ code: 'Internal' }));
    verifier.destroy();
  });
});

describe('a cut archive', () => {
  it('is refused as incomplete wherever it is cut', async () => {
    const archive = await buildSnapshot();

    for (let length = 0; length < archive.length; length++) {
      const failure = await failureOfReading(archive.subarray(0, length));
      expect({ length, code: failure.code }).toEqual({ length, code: 'SnapshotIncomplete' });
    }
  });

  it('is refused as incomplete when its tar is cut, though the gzip around it is whole', async () => {
    const tar = await tarOf(snapshotMembers());

    for (let length = 0; length < tar.length; length += 37) {
      const failure = await failureOfReading(gzipSync(tar.subarray(0, length)));
      expect({ length, code: failure.code }).toEqual({ length, code: 'SnapshotIncomplete' });
    }
  });

  it('is refused at the end of the stream, not before the receiver got what there is', async () => {
    const archive = await buildSnapshot();
    const passedOn: Buffer[] = [];

    const copying = pipeline(Readable.from([archive.subarray(0, -1)]), new SnapshotVerifier(), collectInto(passedOn));

    await expect(copying).rejects.toMatchObject({ code: 'SnapshotIncomplete' });
    expect(Buffer.concat(passedOn).equals(archive.subarray(0, -1))).toBe(true);
  });

  it.each(['meta.json', 'state.bin', 'SHA256SUMS', 'SHA256SUMS.sealed'])('is refused without %s', async (name) => {
    const archive = await archiveOf(snapshotMembers().filter((member) => member.name !== name));

    const failure = await failureOfReading(archive);

    expect(failure).toMatchObject({ code: 'SnapshotIncomplete', message: `The snapshot has no ${name}.` });
  });

  it('is refused when Vault could not seal the sums', async () => {
    const failure = await failureOfReading(await buildSnapshot({ sealed: Buffer.alloc(0) }));

    expect(failure).toMatchObject({
      code: 'SnapshotIncomplete',
      message: expect.stringContaining('empty SHA256SUMS.sealed'),
    });
  });

  it('is refused when its last entry is cut, though its sums are right', async () => {
    const failure = await failureOfReading(await buildSnapshot({ state: encodeEntries(CORE_ENTRIES).subarray(0, -3) }));

    expect(failure.code).toBe('SnapshotIncomplete');
  });
});

describe('a damaged archive', () => {
  it('is refused whichever bit is flipped, unless the content stays the same', async () => {
    const archive = await buildSnapshot();
    const content = gunzipSync(archive);

    const accepted: { index: number; sameContent: boolean }[] = [];
    const codes = new Set<string>();
    for (let index = 0; index < archive.length; index++) {
      const damaged = Buffer.from(archive);
      damaged.writeUInt8(damaged.readUInt8(index) ^ (1 << (index % 8)), index);
      await read(damaged).then(
        () => accepted.push({ index, sameContent: gunzipSync(damaged).equals(content) }),
        (error: DrError) => codes.add(error.code),
      );
    }

    expect([...codes].sort()).toEqual(['SnapshotCorrupt', 'SnapshotIncomplete']);
    // Fields of the gzip header such as its time say nothing about the content.
    expect(accepted.length).toBeLessThan(10);
    expect(accepted.filter(({ sameContent }) => !sameContent)).toEqual([]);
  });

  it('is refused by its own sums when gzip and tar are in order', async () => {
    const members = snapshotMembers();
    for (const name of ['meta.json', 'state.bin']) {
      const changed = members.map((member) =>
        member.name === name ? { ...member, content: oneBitOff(member.content) } : member,
      );

      const failure = await failureOfReading(await archiveOf(changed));

      expect(failure).toMatchObject({
        code: 'SnapshotCorrupt',
        message: `The snapshot's SHA256SUMS does not match ${name}.`,
      });
    }
  });

  it("can't be detected by its sealed checksums: only the seal can decrypt them", async () => {
    const archive = await buildSnapshot({ sealed: Buffer.from('not sealed by anybody') });

    await expect(read(archive)).resolves.toMatchObject({ keys: { count: 7 } });
  });

  it.each([
    ['a line end', (archive: Buffer) => Buffer.concat([archive, Buffer.from('\n')])],
    ['the line end of another system', (archive: Buffer) => Buffer.concat([archive, Buffer.from('\r\n')])],
    ['half a gzip magic', (archive: Buffer) => Buffer.concat([archive, Buffer.of(0x1f)])],
    ['a broken gzip member', (archive: Buffer) => Buffer.concat([archive, Buffer.from('1f8b08ff00', 'hex')])],
    ['junk', (archive: Buffer) => Buffer.concat([archive, Buffer.from('junk')])],
    ['zeros', (archive: Buffer) => Buffer.concat([archive, Buffer.alloc(512)])],
    ['an empty gzip member', (archive: Buffer) => Buffer.concat([archive, gzipSync('')])],
    ['another archive', (archive: Buffer) => Buffer.concat([archive, archive])],
    ['bytes behind the tar', (archive: Buffer) => gzipSync(Buffer.concat([gunzipSync(archive), Buffer.alloc(512, 1)]))],
  ])('is refused with %s behind its end, however it is cut into chunks', async (what, append) => {
    const archive = await buildSnapshot();
    const longer = append(archive);

    const chunks = [longer.subarray(0, archive.length), longer.subarray(archive.length)];
    const ways = [[longer], chunks, chunked(longer, [1])];
    for (const way of ways) {
      await expect(readSnapshotArchive(Readable.from(way))).rejects.toMatchObject({
        code: 'SnapshotCorrupt',
        message: what.startsWith('bytes') ? 'The snapshot has a damaged tar.' : 'The snapshot has trailing data.',
      });
    }
  });

  it.each([
    ['bytes', (archive: Buffer): Endless => [archive, () => Buffer.alloc(65_536)]],
    ['gzip', endlessGzip],
  ])('is refused soon when it is followed by %s without end', async (_what, make) => {
    const [archive, next] = make(await buildSnapshot());
    let sent = 0;
    async function* endless(): AsyncGenerator<Buffer> {
      yield archive;
      for (;;) {
        await setImmediate();
        const chunk = next();
        sent += chunk.length;
        yield chunk;
      }
    }

    await expect(readSnapshotArchive(endless())).rejects.toMatchObject({
      code: 'SnapshotCorrupt',
      message: 'The snapshot has trailing data.',
    });
    expect(sent).toBeLessThan(10_000_000);
  });

  it('is refused when an auto-unseal seal has no stored keys', async () => {
    const entries = [
      ...CORE_ENTRIES.filter(({ key }) => key !== 'core/hsm/barrier-unseal-keys' && key !== 'core/seal-config'),
      { key: 'core/seal-config', value: Buffer.from('{"type":"awskms","secret_shares":1,"secret_threshold":1}') },
    ];

    expect(await failureOfReading(await buildSnapshot({ entries }))).toMatchObject({
      code: 'SnapshotCorrupt',
      message: expect.stringContaining('no core/hsm/barrier-unseal-keys'),
    });
  });

  it('is refused with an unknown, a double or an unexpected kind of member', async () => {
    const members = snapshotMembers();
    const extra = { name: 'extra\n.txt', content: Buffer.from('?') };

    expect((await failureOfReading(await archiveOf([...members, extra]))).message).toContain(
      'unknown member "extra\\n.txt"',
    );
    expect((await failureOfReading(await archiveOf([...members, ...members.slice(0, 1)]))).message).toContain(
      'meta.json twice',
    );
    const folder = { name: 'state.bin', content: Buffer.alloc(0), type: 'directory' as const };
    expect((await failureOfReading(await archiveOf([folder]))).code).toBe('SnapshotCorrupt');
  });

  it.each(['core/keyring', 'core/seal-config'])('is refused without %s: nothing could be unsealed', async (key) => {
    const failure = await failureOfReading(
      await buildSnapshot({ entries: CORE_ENTRIES.filter((entry) => entry.key !== key) }),
    );

    expect(failure).toMatchObject({ code: 'SnapshotCorrupt', message: expect.stringContaining(key) });
  });

  it.each([
    ['sums that are no list', { sums: 'hello\n' }],
    ['sums of one file only', { sums: `${'0'.repeat(64)}  state.bin\n` }],
    ['a size that is not that of its state', { meta: { Size: 1 } }],
    ['an unknown suffrage', { meta: { Configuration: { Servers: [{ ID: 'a', Address: 'b', Suffrage: 7 }] } } }],
    ['an oversized member', { meta: { Peers: 'x'.repeat(70_000) } }],
    ['entries that are no protobuf', { state: Buffer.alloc(40, 0xff) }],
    [
      'a seal configuration that is no JSON',
      { entries: [...CORE_ENTRIES.slice(0, 2), { key: 'core/seal-config', value: Buffer.from('{') }] },
    ],
  ])('is refused with %s', async (_what, input) => {
    expect((await failureOfReading(await buildSnapshot(input))).code).toBe('SnapshotCorrupt');
  });
});

describe('a body that is no archive', () => {
  it("shows Vault's error, whatever its chunks", async () => {
    const body = Buffer.from('{"errors":["1 error occurred:\\n\\t* permission denied\\n\\n"]}\n');

    for (const chunks of [[body], chunked(body, [1])]) {
      await expect(readSnapshotArchive(Readable.from(chunks))).rejects.toMatchObject({
        code: 'SnapshotCorrupt',
        message: 'Vault sent an error instead of a snapshot: 1 error occurred: * permission denied.',
      });
    }
  });

  it.each([
    ['text', Buffer.from('hvs.secret-looking-text')],
    ['other JSON', Buffer.from('{"auth":{"client_token":"secret"}}')],
    ['unprintable errors', Buffer.from('{"errors":["\\u001b[2Jsecret"]}')],
    ['a long page', Buffer.alloc(100_000, '<html>secret')],
  ])('shows nothing of %s', async (_what, body) => {
    const failure = await failureOfReading(body);

    expect(failure).toMatchObject({ code: 'SnapshotCorrupt', message: 'The snapshot is not a gzip archive.' });
  });
});

describe('what goes wrong around it', () => {
  it('hands on an error of the source as it is', async () => {
    const archive = await buildSnapshot();
    async function* failing(): AsyncGenerator<Buffer> {
      yield archive.subarray(0, 300);
      await Promise.resolve();
      throw new DrError('VaultUnavailable', 'the connection broke');
    }

    await expect(readSnapshotArchive(failing())).rejects.toMatchObject({ code: 'VaultUnavailable' });
  });

  it('lets go of everything when it is destroyed half-way', async () => {
    const verifier = new SnapshotVerifier();
    verifier.write((await buildSnapshot()).subarray(0, 300));

    verifier.destroy();

    await once(verifier, 'close');
    expect(verifier.errored).toBeNull();
  });
});

/** In the last byte but four: inside the last value of the state, inside the braces of the metadata. */
function oneBitOff(content: Uint8Array): Buffer {
  const changed = Buffer.from(content);
  changed.writeUInt8(changed.readUInt8(changed.length - 5) ^ 1, changed.length - 5);
  return changed;
}

type Endless = [archive: Buffer, next: () => Buffer];

/** The tar of the archive in a deflate stream that does not end but continues with zeros. */
function endlessGzip(archive: Buffer): Endless {
  const header = archive.subarray(0, 10);
  const stored = (bytes: Buffer) => {
    const head = Buffer.alloc(5);
    head.writeUInt16LE(bytes.length, 1);
    head.writeUInt16LE(~bytes.length & 0xffff, 3);
    return Buffer.concat([head, bytes]);
  };
  const tar = gunzipSync(archive);
  const zeros = stored(Buffer.alloc(65_535));
  return [Buffer.concat([header, stored(tar)]), () => zeros];
}

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
