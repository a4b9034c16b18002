import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  createWriteStream,
  openSync,
  closeSync,
  mkdirSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { link, mkdir, open, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { toDiskError } from '../../../../src/files/disk-error';
import { type ArchiveOptions, withDataArchive } from '../../../../src/host/archive/write-archive';
import { writeSnapshotFile } from '../../../../src/repository/snapshot-file';
import { DataArchiveVerifier, readDataArchive } from '../../../../src/vault/archive/data-archive';
import { buildRaftData, PEERS } from '../../../support/data-directory';
import { CORE_ENTRIES, sha256 } from '../../../support/snapshot-builder';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const dataDir = () => inTest('data');
const options = (more: Partial<ArchiveOptions> = {}): ArchiveOptions => ({
  storage: 'raft',
  signal: new AbortController().signal,
  ...more,
});

beforeEach(() => mkdir(dataDir(), { mode: 0o750 }));

async function bytesOf(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const archived = (more: Partial<ArchiveOptions> = {}): Promise<Buffer> =>
  withDataArchive(dataDir(), options(more), ({ body }) => bytesOf(body));

describe('a Raft data directory', () => {
  it('comes back from its archive by tar alone, and stands its own sums', async () => {
    await buildRaftData(dataDir());
    await writeFile(inTest('archive.tgz'), await archived());
    await mkdir(inTest('out'));

    execFileSync('tar', ['-xzpf', inTest('archive.tgz'), '-C', inTest('out')]);

    execFileSync('sha256sum', ['-c', '--quiet', 'SHA256SUMS'], { cwd: inTest('out') });
    expect((await readdir(inTest('out'))).toSorted()).toEqual(['SHA256SUMS', 'data', 'meta.json']);
    execFileSync('diff', ['-r', dataDir(), inTest('out', 'data')]);
    for (const name of ['vault.db', 'raft', 'node-id', 'raft/raft.db']) {
      const [before, after] = await Promise.all([stat(inTest('data', name)), stat(inTest('out', 'data', name))]);
      expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid]);
      expect(Math.abs(after.mtimeMs - before.mtimeMs)).toBeLessThan(1);
    }
    expect((await stat(inTest('out', 'data'))).mode & 0o777).toBe(0o750);
  });

  it.each([false, true])('is summed up as its own database has it (raft_wal: %s)', async (wal) => {
    await buildRaftData(dataDir(), { wal });
    const archive = await archived();

    const summary = await readDataArchive(Readable.from([archive]));

    expect(summary).toMatchObject({
      archive: { sha256: sha256(archive), sizeBytes: archive.length },
      raft: { index: 37, term: 3, peers: PEERS.map((peer) => ({ ...peer, suffrage: 'voter' })) },
      seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
      recoveryConfig: null,
      keys: {
        count: CORE_ENTRIES.length,
        bytes: CORE_ENTRIES.reduce((sum, { key, value }) => sum + key.length + value.length, 0),
      },
      requiredKeys: ['core/keyring', 'core/seal-config', 'core/hsm/barrier-unseal-keys', 'core/shamir-kek'],
      meta: {
        storage: 'raft',
        nodeId: 'a1b2c3d4-0000-4000-8000-000000000001',
        raft: { lastLogIndex: 2, lastLogTerm: wal ? 4 : 2 },
        files: wal ? 4 : 3,
        directories: wal ? 3 : 2,
      },
    });
  });
});

describe('a data directory with large holes', () => {
  const MIB = 1024 * 1024;

  it('is archived without them, and comes back with them, by GNU tar alone', async () => {
    await buildRaftData(dataDir(), { apparentBytes: 200 * MIB });
    const database = await open(inTest('data', 'vault.db'), 'r+');
    await database.write(Buffer.alloc(3 * MIB + 5, 7), 0, 3 * MIB + 5, 70 * MIB + 11);
    await database.write(Buffer.from('the end'), 0, 7, 200 * MIB - 7);
    await database.close();
    const allocated = async (path: string) => (await stat(path)).blocks * 512;
    expect(await allocated(inTest('data', 'vault.db'))).toBeLessThan(5 * MIB);

    const archive = await archived();
    expect(archive.length).toBeLessThan(100_000);
    await writeFile(inTest('archive.tgz'), archive);
    await mkdir(inTest('out'));
    execFileSync('tar', ['-xzpf', inTest('archive.tgz'), '-C', inTest('out')]);

    const unpacked = inTest('out', 'data', 'vault.db');
    expect((await stat(unpacked)).size).toBe(200 * MIB);
    expect(await allocated(unpacked)).toBeLessThan(5 * MIB);
    execFileSync('sha256sum', ['-c', '--quiet', 'SHA256SUMS'], { cwd: inTest('out') });
    expect(await readDataArchive(Readable.from([archive]))).toMatchObject({ raft: { index: 37 } });
  }, 60_000);

  it('may be nothing but a hole', async () => {
    await buildRaftData(dataDir());
    await writeFile(inTest('data', 'hole'), '');
    await truncate(inTest('data', 'hole'), 100 * MIB);

    const summary = await readDataArchive(Readable.from([await archived()]));

    expect(summary.meta.bytes).toBeGreaterThan(100 * MIB);
  });
});

describe('what is not archived', () => {
  it('is what vault-dr and file systems keep there', async () => {
    await buildRaftData(dataDir());
    for (const name of ['.vault-dr-run', '.vault-dr-install']) await writeFile(inTest('data', name), 'x');
    for (const name of ['.pre-restore-01a20752', 'lost+found']) await mkdir(inTest('data', name));

    const { meta } = await readDataArchive(Readable.from([await archived()]));

    expect(meta.leftOut).toEqual(['.pre-restore-01a20752', '.vault-dr-install', '.vault-dr-run', 'lost+found']);
    expect(meta.files).toBe(3);
  });

  it.each<[string, (path: string) => Promise<unknown> | void]>([
    ['a symbolic link', (path) => symlink('/etc', path)],
    ['a file with several hard links', (path) => link(inTest('data', 'node-id'), path)],
    ['a named pipe', (path) => void execFileSync('mkfifo', [path])],
  ])('%s is refused', async (kind, make) => {
    await buildRaftData(dataDir());
    await make(inTest('data', 'raft', 'odd'));

    await expect(archived()).rejects.toMatchObject({
      code: 'NodeUnsafe',
      message: expect.stringContaining(kind),
    });
  });

  it('is a directory in which no cluster was ever created', async () => {
    await expect(archived()).rejects.toMatchObject({
      code: 'NodeUnsafe',
      message: expect.stringContaining('no vault.db'),
    });
    await expect(archived({ storage: 'file' })).rejects.toMatchObject({
      code: 'NodeUnsafe',
      message: expect.stringContaining('core/_seal-config'),
    });
    await buildRaftData(dataDir(), { entries: [] });
    await expect(archived()).rejects.toMatchObject({ code: 'NodeUnsafe', message: expect.stringContaining('seal') });
  });

  it('is data that nobody could unseal', async () => {
    await buildRaftData(dataDir(), { entries: CORE_ENTRIES.filter(({ key }) => key !== 'core/keyring') });

    await expect(archived()).rejects.toMatchObject({ code: 'SnapshotCorrupt' });
  });
});

describe('names', () => {
  it('of any kind come back, by tar and by the sums', async () => {
    await buildRaftData(dataDir());
    const names = [
      'mit Leerzeichen',
      'schlüssel-🔑',
      'zeile\n',
      'back\\slash',
      `${'lang'.repeat(60)}`,
      "'",
      '*',
      '-rf',
    ];
    for (const name of names) {
      await mkdir(inTest('data', 'raft', name, 'unter'), { recursive: true });
      await writeFile(inTest('data', 'raft', name, 'unter', name), name);
    }
    const archive = await archived();
    await writeFile(inTest('archive.tgz'), archive);
    await mkdir(inTest('out'));

    execFileSync('tar', ['-xzpf', inTest('archive.tgz'), '-C', inTest('out')]);

    execFileSync('sha256sum', ['-c', '--quiet', 'SHA256SUMS'], { cwd: inTest('out') });
    execFileSync('diff', ['-r', dataDir(), inTest('out', 'data')]);
    expect((await readDataArchive(Readable.from([archive]))).meta.files).toBe(3 + names.length);
  });
});

describe('a running Vault', () => {
  /** As bbolt locks its file. */
  async function whileHeld<T>(path: string, work: () => Promise<T>): Promise<T> {
    const holder = spawn('flock', ['-x', path, 'sh', '-c', 'echo held; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    try {
      return await work();
    } finally {
      holder.stdin.end();
      await once(holder, 'close');
    }
  }

  it.each(['vault.db', 'raft/raft.db'])('is refused by its lock on %s', async (name) => {
    await buildRaftData(dataDir());

    await whileHeld(inTest('data', name), async () => {
      await expect(archived()).rejects.toMatchObject({
        code: 'NodeUnsafe',
        message: `${inTest('data', name)} is locked by another process: Vault runs on this data directory.`,
      });
    });
    await expect(archived()).resolves.toBeInstanceOf(Buffer);
  });

  it('that was killed is waited for, as its lock may outlive it for a moment', async () => {
    await buildRaftData(dataDir());
    const holder = spawn('flock', ['-x', inTest('data', 'vault.db'), 'sh', '-c', 'echo held; exec sleep 0.4']);
    await once(holder.stdout, 'data');

    await expect(archived()).resolves.toBeInstanceOf(Buffer);
  });

  it('can’t open its database while it is archived, and can afterwards', async () => {
    await buildRaftData(dataDir(), { wal: true });
    const attempt = (name: string) => {
      try {
        execFileSync('flock', ['-x', '-n', inTest('data', name), 'true']);
        return 'opened';
      } catch {
        return 'refused';
      }
    };

    const meanwhile = await withDataArchive(dataDir(), options(), async ({ body }) => {
      const state = ['vault.db', 'raft/wal/wal-meta.db'].map(attempt);
      await bytesOf(body);
      return state;
    });

    expect(meanwhile).toEqual(['refused', 'refused']);
    expect(attempt('vault.db')).toBe('opened');
  });
});

describe('a change while it is archived', () => {
  /** Once the body is being read. */
  const changes: [string, () => void][] = [
    ['a file that grows', () => appendFileSync(inTest('data', 'vault.db'), 'x')],
    ['a file that shrinks', () => truncateSync(inTest('data', 'vault.db'), 4096)],
    [
      'a byte that changes, though the time is put back',
      () => {
        const path = inTest('data', 'raft', 'raft.db');
        const fd = openSync(path, 'r+');
        writeFileSync(fd, 'y');
        closeSync(fd);
        utimesSync(path, 1, 1);
      },
    ],
    ['a new file', () => writeFileSync(inTest('data', 'raft', 'new'), 'x')],
    ['a file that vanishes', () => rmSync(inTest('data', 'node-id'))],
    [
      'a file that is replaced',
      () => {
        writeFileSync(inTest('data', 'node-id.new'), 'a1b2c3d4-0000-4000-8000-000000000001');
        renameSync(inTest('data', 'node-id.new'), inTest('data', 'node-id'));
      },
    ],
    ['a new directory', () => mkdirSync(inTest('data', 'raft', 'snapshots', 'later'))],
  ];
  it.each(changes)('fails the archive: %s', async (_what, change) => {
    await buildRaftData(dataDir());

    const archiving = withDataArchive(dataDir(), options(), ({ body }) => {
      change();
      return bytesOf(body);
    });

    await expect(archiving).rejects.toMatchObject({ code: 'NodeUnsafe', retryable: true });
  });

  it('fails it also after the last file was read, before its end', async () => {
    await buildRaftData(dataDir());
    let last = 0;
    const total = await withDataArchive(dataDir(), options(), async ({ body, meta }) => {
      await bytesOf(body);
      return meta.bytes;
    });

    const archiving = withDataArchive(
      dataDir(),
      options({
        onProgress: (bytes) => {
          if (bytes === total && last !== total) appendFileSync(inTest('data', 'node-id'), 'x');
          last = bytes;
        },
      }),
      ({ body }) => bytesOf(body),
    );

    await expect(archiving).rejects.toMatchObject({ code: 'NodeUnsafe', retryable: true });
    expect(last).toBe(total);
  });
});

describe('what it is written to', () => {
  const encryption = { method: 'none', recipients: [] } as never;

  it('is a file of the backup, as a snapshot is', async () => {
    await buildRaftData(dataDir());
    await mkdir(inTest('staging'));
    const verifier = new DataArchiveVerifier();

    const stored = await withDataArchive(dataDir(), options(), ({ body }) =>
      writeSnapshotFile(inTest('staging'), body, verifier, encryption),
    );

    const content = await readFile(join(inTest('staging'), stored.file));
    expect(stored).toMatchObject({ sha256: sha256(content), sizeBytes: content.length });
    expect(verifier.summary).toMatchObject({ archive: { sha256: stored.sha256 }, raft: { index: 37 } });
  });

  it('may fail, and then nothing is read any more and the lock is free', async () => {
    await buildRaftData(dataDir());
    await writeFile(inTest('data', 'raft', 'large'), Buffer.alloc(8 * 1024 * 1024, 1));

    const archiving = withDataArchive(dataDir(), options(), ({ body }) =>
      // The device that is always full.
      pipeline(body, new DataArchiveVerifier(), createWriteStream('/dev/full')),
    );

    const error: unknown = await archiving.catch((reason: unknown) => toDiskError(reason, '/dev'));
    expect(error).toMatchObject({ code: 'DiskFull' });

    execFileSync('flock', ['-x', '-n', inTest('data', 'vault.db'), 'true']);
    await expect(archived()).resolves.toBeInstanceOf(Buffer);
  });

  it('is given up by its signal', async () => {
    await buildRaftData(dataDir());
    const controller = new AbortController();

    const archiving = archived({
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('cancelled')),
    });

    await expect(archiving).rejects.toThrow('cancelled');
  });
});
