import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type DrError } from '../../../../src/contract/failures';
import { withDataArchive } from '../../../../src/host/archive/write-archive';
import { DataArchiveVerifier, readDataArchive } from '../../../../src/vault/archive/data-archive';
import { type ArchiveMeta, META, SUMS } from '../../../../src/vault/archive/format';
import { readSnapshotArchive } from '../../../../src/vault/snapshot/snapshot-archive';
import { buildFileData, buildRaftData, type RaftDataInput } from '../../../support/data-directory';
import { buildSnapshot, CORE_ENTRIES } from '../../../support/snapshot-builder';
import { archiveOfMembers, membersOf, type TarMember } from '../../../support/tar-members';
import { useDirectory } from '../../../support/temporary';
import { failureOf } from '../../../support/thrown';

const inTest = useDirectory();

async function archived(input: RaftDataInput = {}): Promise<Buffer> {
  await mkdir(inTest('data'));
  await buildRaftData(inTest('data'), input);
  return archiveOf('raft');
}

function archiveOf(storage: 'raft' | 'file'): Promise<Buffer> {
  const options = { storage, signal: new AbortController().signal };
  return withDataArchive(inTest('data'), options, async ({ body }) => {
    const chunks: Buffer[] = [];
    for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  });
}

const read = (bytes: Uint8Array) => readDataArchive(Readable.from([bytes]));
const failureOfReading = (bytes: Uint8Array) => failureOf(read(bytes));

/** With the sums that its members have, as somebody would make them who can write archives. */
async function forged(members: readonly TarMember[]): Promise<Buffer> {
  const summed = members.filter(({ header }) => header.name !== SUMS && (header.type ?? 'file') === 'file');
  const lines = summed.map(({ header, content }) => `${sha256(content)}  ${header.name}\n`);
  const sums = { header: { name: SUMS }, content: Buffer.from(lines.join('')) };
  return archiveOfMembers([...members.filter(({ header }) => header.name !== SUMS), sums]);
}

function withMeta(members: readonly TarMember[], change: (meta: ArchiveMeta) => object): TarMember[] {
  return members.map((member) => {
    if (member.header.name !== META) return member;
    const meta = JSON.parse(member.content.toString()) as ArchiveMeta;
    return { ...member, content: Buffer.from(JSON.stringify({ ...meta, ...change(meta) })) };
  });
}

/** More entries, and a `meta.json` that counts them. */
function withMore(members: readonly TarMember[], more: readonly TarMember[]): TarMember[] {
  const files = more.filter(({ header }) => header.type !== 'directory');
  const bytes = files.reduce((sum, { content }) => sum + content.length, 0);
  const counted = withMeta(members, (meta) => ({
    files: meta.files + files.length,
    directories: meta.directories + more.length - files.length,
    bytes: meta.bytes + bytes,
  }));
  return [...counted.filter(({ header }) => header.name !== SUMS), ...more];
}

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');
const file = (name: string, content = 'x'): TarMember => ({ header: { name }, content: Buffer.from(content) });
const directory = (name: string): TarMember => ({ header: { name, type: 'directory' }, content: Buffer.alloc(0) });

describe('a whole archive', () => {
  it('gives the same summary however it is chunked, and passes on the same bytes', async () => {
    const archive = await archived();
    const expected = await read(archive);

    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1 }), async (sizes) => {
        const verifier = new DataArchiveVerifier();
        const passedOn: Buffer[] = [];
        const collect = new Writable({ write: (chunk: Buffer, _encoding, done) => done((passedOn.push(chunk), null)) });
        await pipeline(Readable.from(chunked(archive, sizes)), verifier, collect);
        expect(verifier.summary).toEqual(expected);
        expect(Buffer.concat(passedOn).equals(archive)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('is accepted when somebody else has put it together, with the right sums', async () => {
    const members = withMore(await membersOf(await archived()), [file('data/vault.db.old')]);

    expect(await read(await forged(members))).toMatchObject({ meta: { files: 4 } });
  });
});

describe('a cut archive', () => {
  it('is incomplete wherever it is cut', async () => {
    const archive = await archived();

    for (let length = 0; length < archive.length; length += 7) {
      const failure = await failureOfReading(archive.subarray(0, length));
      expect({ length, code: failure.code }).toEqual({ length, code: 'SnapshotIncomplete' });
    }
  });

  it('is incomplete when its tar is cut between two members, though the gzip around it is whole', async () => {
    const tar = gunzipSync(await archived());

    for (let length = 0; length < tar.length - 512; length += 512) {
      const failure = await failureOfReading(gzipSync(tar.subarray(0, length)));
      expect({ length, code: failure.code }).toEqual({ length, code: 'SnapshotIncomplete' });
    }
  });

  it.each([META, SUMS, 'data/vault.db'])('is refused without %s', async (name) => {
    const members = (await membersOf(await archived())).filter(({ header }) => header.name !== name);

    expect((await failureOfReading(await archiveOfMembers(members))).code).toMatch(/^Snapshot(Incomplete|Corrupt)$/);
  });
});

describe('a damaged archive', () => {
  it('is refused whichever bit is flipped, unless the content stays the same', async () => {
    const archive = await archived();
    const content = gunzipSync(archive);

    let accepted = 0;
    for (let index = 0; index < archive.length; index += 3) {
      const damaged = Buffer.from(archive);
      damaged.writeUInt8(damaged.readUInt8(index) ^ (1 << (index % 8)), index);
      await read(damaged).then(
        () => {
          accepted++;
          expect(gunzipSync(damaged).equals(content)).toBe(true);
        },
        (error: DrError) => expect(error.code).toMatch(/^Snapshot(Incomplete|Corrupt)$/),
      );
    }
    // Fields of the gzip header say nothing; and a run of zeros may be repeated from any distance.
    expect(accepted).toBeLessThan(archive.length / 3 / 10);
  });

  it('is refused by its own sums, by the name of the file, when gzip and tar are in order', async () => {
    const members = (await membersOf(await archived())).map((member) => {
      if (member.header.name !== 'data/raft/raft.db') return member;
      const content = Buffer.from(member.content);
      content.writeUInt8(content.readUInt8(5000) ^ 1, 5000);
      return { ...member, content };
    });

    expect(await failureOfReading(await archiveOfMembers(members))).toMatchObject({
      code: 'SnapshotCorrupt',
      message: 'The archive has a SHA256SUMS that does not match "data/raft/raft.db".',
    });
  });

  it.each([
    ['a line end', (archive: Buffer) => Buffer.concat([archive, Buffer.from('\n')]), 'has trailing data'],
    ['another archive', (archive: Buffer) => Buffer.concat([archive, archive]), 'has trailing data'],
    [
      'bytes behind the tar',
      (archive: Buffer) => gzipSync(Buffer.concat([gunzipSync(archive), Buffer.alloc(512, 1)])),
      'has a damaged tar',
    ],
    [
      'zeros behind the tar',
      (archive: Buffer) => gzipSync(Buffer.concat([gunzipSync(archive), Buffer.alloc(200_000)])),
      'has trailing data',
    ],
  ])('is refused with %s behind its end', async (_what, append, how) => {
    expect(await failureOfReading(append(await archived()))).toMatchObject({
      code: 'SnapshotCorrupt',
      message: `The archive ${how}.`,
    });
  });

  it.each<[string, (meta: ArchiveMeta) => object]>([
    ['more files', ({ files }) => ({ files: files - 1 })],
    ['fewer files', ({ files }) => ({ files: files + 1 })],
    ['other bytes', ({ bytes }) => ({ bytes: bytes + 1 })],
    ['other directories', ({ directories }) => ({ directories: directories + 1 })],
    ['no keyring', () => ({ requiredKeys: ['core/seal-config'] })],
    [
      'an auto-unseal seal without its keys',
      ({ seal, requiredKeys }) => ({
        seal: { ...seal, type: 'awskms' },
        requiredKeys: requiredKeys.filter((key) => !key.includes('hsm')),
      }),
    ],
    ['no Raft state', () => ({ raft: null })],
    ['a million files and more', () => ({ files: 2_000_000 })],
  ])('is refused when its meta.json says something else: %s', async (_what, change) => {
    const members = withMeta(await membersOf(await archived()), change);

    expect((await failureOfReading(await forged(members))).code).toBe('SnapshotCorrupt');
  });
});

describe('an archive of another kind', () => {
  it('names a Raft snapshot that is offered here, and the reverse', async () => {
    expect(await failureOfReading(await buildSnapshot())).toMatchObject({
      code: 'SnapshotCorrupt',
      message: 'The archive is a snapshot of Raft or Consul, not a copy of a data directory.',
    });
    await expect(readSnapshotArchive(Readable.from([await archived()]))).rejects.toMatchObject({
      code: 'SnapshotCorrupt',
      message: 'The archive is a copy of a data directory, not a Raft snapshot.',
    });
  });

  it('names one of a newer format', async () => {
    const members = withMeta(await membersOf(await archived()), () => ({ format: 'vault-dr/data-archive/v2' }));

    expect((await failureOfReading(await forged(members))).message).toContain(
      'a format that this version does not know',
    );
  });

  it.each([
    ['text', Buffer.from('hvs.secret-looking-text')],
    ['a gzipped file', gzipSync('hello')],
    ['a tar without gzip', Buffer.alloc(2048, 'ustar')],
  ])('is no archive: %s', async (_what, bytes) => {
    expect(String(await failureOfReading(bytes))).not.toContain('secret');
  });
});

describe('a hostile archive', () => {
  const names = [
    '../data/x',
    'data/../../etc/cron.d/x',
    'data/zz/../../x',
    '/etc/passwd',
    'data//x',
    'data/./x',
    'data/zz/missing/parent',
    'data/vault.db/below-a-file',
    'data/node-id',
    'data/a-out-of-order',
    'other/x',
    `data/${'n'.repeat(300)}`,
  ];
  it.each(names)('is refused for the name %s', async (name) => {
    const members = await membersOf(await archived());

    expect((await failureOfReading(await forged(withMore(members, [file(name)])))).code).toBe('SnapshotCorrupt');
  });

  it.each(['symlink', 'link', 'character-device', 'block-device', 'fifo'] as const)(
    'is refused for a %s',
    async (type) => {
      const odd: TarMember = { header: { name: 'data/zz', type, linkname: '/etc' }, content: Buffer.alloc(0) };
      const members = withMore(await membersOf(await archived()), [odd]);

      expect(await failureOfReading(await forged(members))).toMatchObject({
        code: 'SnapshotCorrupt',
        message: expect.stringContaining('neither a file nor a directory'),
      });
    },
  );

  it('is refused for directories without end', async () => {
    const deep = Array.from({ length: 60 }, (_, depth) =>
      directory(
        `data/${Array(depth + 1)
          .fill('z')
          .join('/')}/`,
      ),
    );

    expect((await failureOfReading(await forged(withMore(await membersOf(await archived()), deep)))).message).toContain(
      'directories deep',
    );
  });

  it.each<[string, Record<string, string>, string]>([
    ['an unknown version', { 'GNU.sparse.major': '0' }, ''],
    ['a map without an end', {}, '9'.repeat(600)],
    ['a map of too many segments', {}, '99999999\n'],
    ['segments that overlap', {}, '2\n0\n512\n0\n512\n'],
    ['a segment beyond its end', {}, '1\n8192\n512\n'],
    ['segments that are no blocks', {}, '2\n0\n5\n512\n512\n'],
    ['less data than its map says', {}, '1\n0\n1024\n'],
    ['a size beyond any file', { 'GNU.sparse.realsize': '9007199254740991' }, '0\n'],
    ['a name that leads elsewhere', { 'GNU.sparse.name': 'data/../x' }, '0\n'],
  ])('is refused for a sparse file with %s', async (_what, fields, map) => {
    const sparse: TarMember = {
      header: {
        name: 'data/GNUSparseFile.0/zz',
        pax: {
          'GNU.sparse.major': '1',
          'GNU.sparse.minor': '0',
          'GNU.sparse.name': 'data/zz',
          'GNU.sparse.realsize': '4096',
          ...fields,
        },
      },
      content: Buffer.from(map.padEnd(Math.ceil(map.length / 512) * 512, '\0')),
    };
    const members = withMeta(withMore(await membersOf(await archived()), [sparse]), (meta) => ({
      bytes: meta.bytes + 4096,
    }));

    expect((await failureOfReading(await forged(members))).code).toBe('SnapshotCorrupt');
  });

  it('ends when nobody reads it any more, however large its holes are', async () => {
    const map = Buffer.from('0\n'.padEnd(512, '\0'));
    const pax = {
      'GNU.sparse.major': '1',
      'GNU.sparse.minor': '0',
      'GNU.sparse.name': 'data/zz',
      'GNU.sparse.realsize': String(2 ** 45),
    };
    const sparse: TarMember = { header: { name: 'data/GNUSparseFile.0/zz', pax }, content: map };
    const archive = await forged(
      withMeta(withMore(await membersOf(await archived()), [sparse]), () => ({ bytes: 2 ** 46 })),
    );

    const reading = readDataArchive(Readable.from([archive]), {}, AbortSignal.timeout(200));

    await expect(reading).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

describe('the archive of storage "file"', () => {
  it('has no Raft state, and the counts of its keys', async () => {
    await mkdir(inTest('data'));
    await buildFileData(inTest('data'));
    await writeFile(inTest('data', 'stray'), 'no key');

    const summary = await read(await archiveOf('file'));

    expect(summary).toMatchObject({
      raft: { index: 0, term: 0, peers: [] },
      seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
      keys: { count: 7, byPrefix: { 'logical/7163c756': { count: 2 } } },
      meta: {
        storage: 'file',
        raft: null,
        nodeId: null,
        leftOut: ['core/_lock', 'core/_migration', 'core/lock'],
        files: 8,
      },
    });
    // What is known of the values is the size of their base64.
    const bytes = CORE_ENTRIES.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
    expect(Math.abs(summary.keys.bytes - bytes)).toBeLessThan(7 * 3);
  });
});

function* chunked(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
