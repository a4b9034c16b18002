import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, existsSync, readlinkSync } from 'node:fs';
import { chmod, type FileHandle, mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { unpackDataArchive, type UnpackOptions } from '../../../../src/host/archive/unpack-archive';
import { withDataArchive } from '../../../../src/host/archive/write-archive';
import {
  blankDataDirectory,
  describeDataDirectory,
  setAsideDataDirectory,
} from '../../../../src/host/data/data-directory';
import { AttemptGate } from '../../../../src/host/run/attempt';
import type { StorageKind } from '../../../../src/vault/archive/format';
import { readRaftStorage } from '../../../../src/vault/storage/raft-storage';
import { buildFileData, buildRaftData, PEERS, type RaftDataInput } from '../../../support/data-directory';
import { spyOnFlushes } from '../../../support/flushes';
import { archiveOfMembers, membersOf } from '../../../support/tar-members';
import { useDirectory } from '../../../support/temporary';

const RUN = '01a20752-189b-7247-a8d0-708bed2469e6';
const MIB = 1024 * 1024;
/** Root can give files away; everybody else has but himself. */
const OWNER = process.getuid?.() === 0 ? 12_345 : (process.getuid?.() ?? 0);

const inTest = useDirectory();
const gate = new AttemptGate('vault-1');
const source = () => inTest('source');
const dataDir = () => inTest('vault', 'data');

const options = (more: Partial<UnpackOptions> = {}): UnpackOptions => ({
  run: RUN,
  attempt: gate.begin(new AbortController().signal),
  storage: 'raft',
  ids: { configured: 'vault-9', previous: null },
  clusterAddress: '10.9.9.9:8201',
  ...more,
});

/** As a run finds the host: data of before, which it has set aside. */
beforeEach(async () => {
  await mkdir(dataDir(), { recursive: true });
  await chmod(dataDir(), 0o750);
  chownSync(dataDir(), OWNER, process.getgid?.() ?? 0);
  await writeFile(join(dataDir(), 'vault.db'), 'old');
  await setAsideDataDirectory(dataDir(), RUN, gate.begin(new AbortController().signal));
});

async function archived(storage: StorageKind = 'raft', input: RaftDataInput = {}): Promise<Buffer> {
  await mkdir(source());
  if (storage === 'raft') await buildRaftData(source(), input);
  else await buildFileData(source());
  return archiveOfSource(storage);
}

function archiveOfSource(storage: StorageKind): Promise<Buffer> {
  return withDataArchive(source(), { storage, signal: new AbortController().signal }, async ({ body }) => {
    const chunks: Buffer[] = [];
    for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  });
}

const unpack = (archive: Buffer, more: Partial<UnpackOptions> = {}) =>
  unpackDataArchive(dataDir(), Readable.from([archive]), options(more));

const entries = async () => (await readdir(dataDir())).toSorted();
const isVaults = () => existsSync(join(dataDir(), 'vault.db'));

describe('an unpacked Raft data directory', () => {
  it.each([false, true])('holds what was archived, for the owner of the directory (raft_wal: %s)', async (wal) => {
    const archive = await archived('raft', { wal });

    const { nodeId, summary } = await unpack(archive);

    expect(nodeId).toBe('vault-9');
    expect(summary.raft.index).toBe(37);
    expect(await entries()).toEqual(['.vault-dr-run', 'raft', 'vault.db']);
    const log = wal ? 'raft/wal/wal-meta.db' : 'raft/raft.db';
    for (const name of ['vault.db', log]) {
      expect(await readFile(join(dataDir(), name))).toEqual(await readFile(join(source(), name)));
      const [before, after] = [await stat(join(source(), name)), await stat(join(dataDir(), name))];
      expect([after.uid, after.mode & 0o777]).toEqual([OWNER, 0o600]);
      expect(Math.abs(after.mtimeMs - before.mtimeMs)).toBeLessThan(1);
    }
    const raft = await stat(join(dataDir(), 'raft'));
    expect([raft.uid, raft.mode & 0o777]).toEqual([OWNER, 0o700]);
    expect(await readRaftStorage(dataDir())).toMatchObject({ appliedIndex: 37, peers: PEERS, lastLogIndex: 2 });
  });

  it('starts as the only member, under the id and address of this node', async () => {
    await unpack(await archived());

    const peers = await readFile(join(dataDir(), 'raft', 'peers.json'), 'utf8');
    expect(JSON.parse(peers)).toEqual([{ id: 'vault-9', address: '10.9.9.9:8201', non_voter: false }]);
    expect((await stat(join(dataDir(), 'raft', 'peers.json'))).uid).toBe(OWNER);
  });

  it('keeps the id that this host had, not the one of the node that was archived', async () => {
    const { nodeId } = await unpack(await archived(), { ids: { configured: null, previous: 'id-of-this-host' } });

    expect(nodeId).toBe('id-of-this-host');
    expect(await readFile(join(dataDir(), 'node-id'), 'utf8')).toBe('id-of-this-host');
    expect((await stat(join(dataDir(), 'node-id'))).uid).toBe(OWNER);
  });

  it('has holes where the archived one had some', async () => {
    await mkdir(source());
    await buildRaftData(source(), { apparentBytes: 150 * MIB });
    await writeFile(join(source(), 'raft', 'zeros'), Buffer.alloc(3 * MIB));
    await writeFile(join(source(), 'raft', 'hole'), '');
    await truncate(join(source(), 'raft', 'hole'), 40 * MIB);

    await unpack(await archiveOfSource('raft'));

    const allocated = async (name: string) => (await stat(join(dataDir(), name))).blocks * 512;
    expect(await allocated('vault.db')).toBeLessThan(MIB);
    expect(await allocated('raft/zeros')).toBeLessThan(MIB / 8);
    execFileSync('cmp', [join(source(), 'vault.db'), join(dataDir(), 'vault.db')]);
    execFileSync('cmp', [join(source(), 'raft', 'zeros'), join(dataDir(), 'raft', 'zeros')]);
    expect((await stat(join(dataDir(), 'raft', 'hole'))).size).toBe(40 * MIB);
  });

  it('is any tree of files, whatever is in it', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 0, max: 200_000 }).map((size) => new Uint8Array(size)),
      fc.tuple(fc.integer({ min: 0, max: 200_000 }), fc.uint8Array({ maxLength: 50 })).map(([size, end]) => {
        return Uint8Array.from([...new Uint8Array(size), ...end]);
      }),
    );
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter((text) => !/[/\0]/.test(text) && !['.', '..', 'raft.db', 'peers.json'].includes(text));
    const tree = fc.dictionary(name, bytes, { maxKeys: 6, noNullPrototype: true });

    await fc.assert(
      fc.asyncProperty(tree, async (files) => {
        execFileSync('rm', ['-rf', source()]);
        await mkdir(source());
        await buildRaftData(source());
        for (const [file, content] of Object.entries(files)) await writeFile(join(source(), 'raft', file), content);

        await unpack(await archiveOfSource('raft'));

        const compare = ['-r', '-x', 'peers.json', join(source(), 'raft'), join(dataDir(), 'raft')];
        expect(spawnSync('diff', compare).status).toBe(0);
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});

describe('an unpacked directory of storage "file"', () => {
  it('holds the keys, and none of the locks', async () => {
    expect(await unpack(await archived('file'), { storage: 'file' })).toMatchObject({ nodeId: null });

    expect((await readdir(join(dataDir(), 'core'))).toSorted()).toEqual([
      '_keyring',
      '_seal-config',
      '_shamir-kek',
      'hsm',
    ]);
    expect(await entries()).toEqual(['.vault-dr-run', 'core', 'logical', 'sys']);
    expect((await stat(join(dataDir(), 'core', '_keyring'))).uid).toBe(OWNER);
  });
});

describe('an archive that is not whole', () => {
  it('leaves nothing that Vault would take for data, wherever it is cut', async () => {
    const archive = await archived();

    for (let length = 0; length < archive.length; length += 101) {
      await expect(unpack(archive.subarray(0, length))).rejects.toMatchObject({ code: 'SnapshotIncomplete' });
      expect(isVaults()).toBe(false);
    }
    await unpack(archive);
    expect(isVaults()).toBe(true);
    expect(await entries()).toEqual(['.vault-dr-run', 'raft', 'vault.db']);
  });

  it('is refused when its meta.json does not match the database in it', async () => {
    const members = await membersOf(await archived());
    await mkdir(inTest('other'));
    await buildRaftData(inTest('other'), { index: 99 });
    const changed = await readFile(inTest('other', 'vault.db'));
    const sum = (content: Buffer) => createHash('sha256').update(content).digest('hex');
    const original = members.find(({ header }) => header.name === 'data/vault.db')?.content ?? Buffer.alloc(0);
    const forged = members.map((member) => {
      if (member.header.name === 'data/vault.db') return { ...member, content: changed };
      if (member.header.name !== 'SHA256SUMS') return member;
      return { ...member, content: Buffer.from(member.content.toString().replace(sum(original), sum(changed))) };
    });

    await expect(unpack(await archiveOfMembers(forged))).rejects.toMatchObject({
      code: 'SnapshotCorrupt',
      message: "The archive's meta.json does not match the database in it.",
    });
    expect(isVaults()).toBe(false);
  });

  it('is refused for another kind of storage', async () => {
    await expect(unpack(await archived('file'))).rejects.toMatchObject({
      code: 'SnapshotCorrupt',
      message: 'The archive is of storage "file", and this node stores in "raft".',
    });
  });

  it.each(['.vault-dr-run', '.pre-restore-01a20752', 'vault.db.unpacking'])(
    'is refused with %s in it',
    async (name) => {
      const members = await membersOf(await archived());
      const odd = { header: { name: `data/${name}` }, content: Buffer.from('x') };
      const at = members.findIndex(
        ({ header }) => header.name === (name.startsWith('.') ? 'data/node-id' : 'SHA256SUMS'),
      );
      const counted = members.map((member) => {
        if (member.header.name !== 'meta.json') return member;
        const meta = JSON.parse(member.content.toString()) as { files: number; bytes: number };
        return {
          ...member,
          content: Buffer.from(JSON.stringify({ ...meta, files: meta.files + 1, bytes: meta.bytes + 1 })),
        };
      });

      await expect(unpack(await archiveOfMembers(counted.toSpliced(at, 0, odd)))).rejects.toMatchObject({
        code: 'SnapshotCorrupt',
        message: expect.stringContaining('no file of Vault'),
      });
      expect(await readFile(join(dataDir(), '.vault-dr-run'), 'utf8')).toBe(`${RUN}\n`);
    },
  );
});

describe('an attempt', () => {
  it('starts over from blank, whatever one that was killed has left', async () => {
    await writeFile(join(dataDir(), 'vault.db.unpacking'), 'half');
    await mkdir(join(dataDir(), 'raft', 'snapshots'), { recursive: true });

    await unpack(await archived());

    expect(await entries()).toEqual(['.vault-dr-run', 'raft', 'vault.db']);
    expect(await readdir(inTest('vault'))).toHaveLength(2);
  });

  it('may be repeated when all was done', async () => {
    const archive = await archived();
    await unpack(archive, { ids: { configured: null, previous: 'same' } });

    expect(await unpack(archive, { ids: { configured: null, previous: 'same' } })).toMatchObject({ nodeId: 'same' });
  });

  it('that was overtaken writes nothing more, and not into the directory of the one that came after', async () => {
    const archive = await archived();
    const early = options();
    let later: Promise<unknown> = Promise.resolve();
    async function* slow(): AsyncGenerator<Buffer> {
      yield archive.subarray(0, archive.length / 2);
      // The later one begins in between.
      later = unpack(archive);
      await later;
      yield archive.subarray(archive.length / 2);
    }

    await expect(unpackDataArchive(dataDir(), slow(), early)).rejects.toMatchObject({ code: 'NodeFenced' });
    await later;

    expect(await entries()).toEqual(['.vault-dr-run', 'raft', 'vault.db']);
    execFileSync('cmp', [join(source(), 'vault.db'), join(dataDir(), 'vault.db')]);
  });

  it('leaves a directory alone that is not of its run', async () => {
    const archive = await archived();

    await expect(unpack(archive, { run: RUN.replace(/6$/, '7') })).rejects.toMatchObject({ code: 'NodeUnsafe' });

    expect((await describeDataDirectory(dataDir())).empty).toBe(true);
  });

  it('has all on the disk before Vault can find it', async () => {
    const archive = await archived();
    const flushed: { path: string; isVaults: boolean }[] = [];
    const spy = await spyOnFlushes();
    spy.mockImplementation(function (this: FileHandle) {
      flushed.push({ path: readlinkSync(`/proc/self/fd/${this.fd}`), isVaults: isVaults() });
      return Promise.resolve();
    });
    await unpack(archive).finally(() => spy.mockRestore());

    const before = flushed.filter(({ isVaults: found }) => !found).map(({ path }) => relative(dataDir(), path));
    expect(before).toEqual(
      expect.arrayContaining(['vault.db.unpacking', 'raft/raft.db', 'raft', 'raft/peers.json', 'raft/snapshots', '']),
    );
    expect(flushed.at(-1)).toEqual({ path: dataDir(), isVaults: true });
  });

  it('says how far it is', async () => {
    const seen: number[] = [];

    await unpack(await archived(), { onProgress: (bytes) => seen.push(bytes) });

    expect(seen.at(-1)).toBeGreaterThan(20_000);
    expect(seen).toEqual(seen.toSorted((left, right) => left - right));
  });

  it('ends when its disk fails', async () => {
    const archive = await archived();
    async function* failing(): AsyncGenerator<Buffer> {
      yield archive.subarray(0, 200);
      await Promise.resolve();
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    }

    await expect(unpackDataArchive(dataDir(), failing(), options())).rejects.toMatchObject({ code: 'EIO' });
    await blankDataDirectory(dataDir(), RUN, options().attempt);
    expect((await describeDataDirectory(dataDir())).empty).toBe(true);
  });
});
