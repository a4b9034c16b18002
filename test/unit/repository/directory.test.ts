import { randomBytes } from 'node:crypto';
import type Fs from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownIdentity } from '../../../src/files/process-identity';
import { digestOf } from '../../../src/repository/digest';
import { DirectoryRepository } from '../../../src/repository/directory';
import { spyOnFlushes } from '../../support/flushes';
import { fromBytes, fromFile, readSmall, type StoredObject } from '../../../src/repository/types';

const KEY = 'prod/20261123T040000Z-000000004711-0a1b2c3d/snapshot.snap';
const BYTES = randomBytes(300_000);

let root: string;
let repository: DirectoryRepository;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'repository-'));
  repository = new DirectoryRepository('local', root);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function all(prefix: string): Promise<StoredObject[]> {
  const found: StoredObject[] = [];
  for await (const object of repository.list(prefix)) found.push(object);
  return found;
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

describe('put', () => {
  it('writes the bytes for the owner only, and get reads them', async () => {
    const progress: number[] = [];

    const outcome = await repository.put(KEY, fromBytes(BYTES), digestOf(BYTES), {
      onProgress: (bytes) => progress.push(bytes),
    });

    const stream = await repository.get(KEY);
    expect(outcome).toBe('written');
    expect(stream && (await buffer(stream)).equals(BYTES)).toBe(true);
    expect(progress.at(-1)).toBe(BYTES.length);
    expect((await stat(join(root, KEY))).mode & 0o777).toBe(0o600);
    expect((await stat(join(root, KEY, '..'))).mode & 0o777).toBe(0o700);
    expect(await filesBelow(root)).toEqual(['snapshot.snap']);
  });

  it('reports progress, while the disk takes its time with the file and its directories', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    const flushes = await spyOnFlushes();
    flushes.mockImplementation(() => jest.advanceTimersByTimeAsync(10_000));
    const progress: number[] = [];

    await repository.put(KEY, fromBytes(BYTES), digestOf(BYTES), { onProgress: (bytes) => progress.push(bytes) });
    flushes.mockRestore();
    jest.useRealTimers();

    expect(progress.filter((bytes) => bytes === BYTES.length).length).toBeGreaterThan(4 * (10 / 2 - 1));
  });

  it('takes the same bytes again as done, without opening the source', async () => {
    await repository.put(KEY, fromBytes(BYTES), digestOf(BYTES));

    const outcome = await repository.put(KEY, () => Promise.reject(new Error('was opened')), digestOf(BYTES));

    expect(outcome).toBe('already-there');
  });

  it('never overwrites other bytes', async () => {
    const other = randomBytes(300_000);
    await repository.put(KEY, fromBytes(BYTES), digestOf(BYTES));

    await expect(repository.put(KEY, fromBytes(other), digestOf(other))).rejects.toMatchObject({
      code: 'RepositoryConflict',
    });

    expect((await readFile(join(root, KEY))).equals(BYTES)).toBe(true);
  });

  it.each([
    ['too short', BYTES.subarray(0, -1)],
    ['too long', Buffer.concat([BYTES, Buffer.of(0)])],
    ['empty', Buffer.alloc(0)],
    ['changed', Buffer.concat([Buffer.of((BYTES[0] ?? 0) ^ 1), BYTES.subarray(1)])],
  ])('leaves nothing behind of a source that is %s', async (_how, source) => {
    const put = repository.put(KEY, fromBytes(source), digestOf(BYTES));

    await expect(put).rejects.toMatchObject({ code: 'CopyDamaged' });
    expect(await filesBelow(root)).toEqual([]);
    expect(await repository.get(KEY)).toBeNull();
  });

  it('lets one of many writers at the same time win', async () => {
    const writers = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? BYTES : randomBytes(300_000)));

    const results = await Promise.allSettled(writers.map((own) => repository.put(KEY, fromBytes(own), digestOf(own))));

    const written = results.flatMap((result, index) =>
      result.status === 'fulfilled' && result.value === 'written' ? [index] : [],
    );
    expect(written).toHaveLength(1);
    expect((await readFile(join(root, KEY))).equals(writers[written[0] ?? -1] ?? Buffer.alloc(0))).toBe(true);
    expect(await filesBelow(root)).toEqual(['snapshot.snap']);
  });

  it('stops when it is aborted, with the reason of the signal, and leaves nothing behind', async () => {
    const reason = new Error('cancelled by the operator');
    const abort = new AbortController();
    const endless = () =>
      Readable.from(
        (async function* () {
          for (;;) {
            yield Buffer.alloc(10);
            await sleep(5);
          }
        })(),
      );

    const put = repository.put(KEY, endless, { ...digestOf(BYTES), sizeBytes: 1e9 }, { signal: abort.signal });
    setTimeout(() => abort.abort(reason), 50);

    await expect(put).rejects.toBe(reason);
    expect(await filesBelow(root)).toEqual([]);
  });

  it('leaves nothing behind when it is aborted while its file is still being made', async () => {
    // As on a machine or a disk that is busy.
    const fs = jest.requireActual<typeof Fs>('node:fs');
    const open = Reflect.get(fs, 'open') as (...args: unknown[]) => void;
    const slow = (...args: unknown[]) => void (args[1] === 'wx' ? setTimeout(() => open(...args), 300) : open(...args));
    const spy = jest.spyOn(fs, 'open').mockImplementation(slow);
    const stalls = () => new Readable({ read() {} });

    const put = repository.put(KEY, stalls, digestOf(BYTES), { signal: AbortSignal.timeout(100) });

    await expect(put).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(spy).toHaveBeenCalledWith(expect.stringContaining('.partial-'), 'wx', 0o600, expect.anything());
    spy.mockRestore();
    await sleep(400);
    expect(await filesBelow(root)).toEqual([]);
  });

  it('says that a staged file is gone', async () => {
    const put = repository.put(KEY, fromFile(join(root, 'nowhere')), digestOf(BYTES));

    await expect(put).rejects.toMatchObject({ code: 'StagingLost' });
  });

  it('says that the disk is full', async () => {
    // A full disk can't be made without the rights to mount one: this source fails as a full disk does.
    const full = () =>
      new Readable({
        read() {
          this.destroy(
            Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' }),
          );
        },
      });

    await expect(repository.put(KEY, full, digestOf(BYTES))).rejects.toMatchObject({
      code: 'DiskFull',
      retryable: true,
    });
  });

  it.each(['../escape', '/etc/passwd', 'prod//x', 'prod/./x', 'prod/.hidden', 'prod/a\nb', ''])(
    'refuses the key %j',
    async (key) => {
      await expect(repository.put(key, fromBytes(BYTES), digestOf(BYTES))).rejects.toMatchObject({
        code: 'InvalidInput',
      });
    },
  );
});

describe('a directory that is not there', () => {
  it('is not made, so that nothing is written below a mount point without its disk', async () => {
    const missing = new DirectoryRepository('local', join(root, 'not-mounted'));

    const outcomes = await Promise.allSettled([
      missing.put(KEY, fromBytes(BYTES), digestOf(BYTES)),
      missing.get(KEY),
      missing.remove(KEY),
      missing.list('prod/').next(),
      missing.removePartials('prod', new Date()),
    ]);

    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'RepositoryUnavailable', retryable: true } });
    }
    expect(await readdir(root)).toEqual([]);
  });
});

describe('list, get and remove', () => {
  it('show what was published, by key, below the prefix only', async () => {
    for (const key of ['prod/b/two', 'prod/a/one', 'prod-2/a/other']) {
      await repository.put(key, fromBytes(BYTES), digestOf(BYTES));
    }
    await writeFile(join(root, 'prod/a/.partial-0815'), 'half');

    const objects = await all('prod/');

    expect(objects.map(({ key, sizeBytes }) => [key, sizeBytes])).toEqual([
      ['prod/a/one', BYTES.length],
      ['prod/b/two', BYTES.length],
    ]);
    expect(await all('staging/')).toEqual([]);
  });

  it.each([
    '../',
    '../../',
    '..',
    '.',
    '',
    '/',
    '/etc/',
    'prod/../../',
    'prod//',
    './prod/',
    'prod/./',
    '.hidden/',
    'a\0/',
  ])('lead nowhere but below the root: %j', async (prefix) => {
    const refused = { name: 'DrError', code: 'InvalidInput' };

    await expect(all(prefix)).rejects.toMatchObject(refused);
    await expect(repository.removePartials(prefix, new Date())).rejects.toMatchObject(refused);
    await expect(repository.get(prefix)).rejects.toMatchObject(refused);
    await expect(repository.remove(prefix)).rejects.toMatchObject(refused);
  });

  it('give null for what is not there and refuse small files that are large', async () => {
    await repository.put(KEY, fromBytes(BYTES), digestOf(BYTES));

    expect(await repository.get('prod/none')).toBeNull();
    expect(await readSmall(repository, 'prod/none', 10)).toBeNull();
    await expect(readSmall(repository, KEY, BYTES.length - 1)).rejects.toMatchObject({ code: 'CopyDamaged' });
    expect((await readSmall(repository, KEY, BYTES.length))?.equals(BYTES)).toBe(true);
  });

  it('remove a file once, and its directory with the last one', async () => {
    await repository.put(KEY, fromBytes(BYTES), digestOf(BYTES));

    const outcomes = [await repository.remove(KEY), await repository.remove(KEY)];

    expect(outcomes).toEqual(['removed', 'absent']);
    expect(await readdir(join(root, 'prod'))).toEqual([]);
  });

  it('sweep only partial files that are old', async () => {
    await repository.put(KEY, fromBytes(BYTES), digestOf(BYTES));
    const directory = join(root, KEY, '..');
    await writeFile(join(directory, '.partial-old'), 'half');
    await writeFile(join(directory, '.partial-new'), 'half');
    await utimes(join(directory, '.partial-old'), new Date(0), new Date(0));
    await utimes(join(root, KEY), new Date(0), new Date(0));

    const swept = await repository.removePartials('prod', new Date(Date.now() - 60_000));

    expect(swept).toBe(1);
    expect((await readdir(directory)).sort()).toEqual(['.partial-new', 'snapshot.snap']);
  });

  it('sweep at once what a writer has left that was killed, and nothing of one that lives or is elsewhere', async () => {
    const own = (await ownIdentity()) ?? '';
    const dead = own.replace(/\d+$/, '1');
    const names = {
      dead: `.partial-${dead}.1`,
      alive: `.partial-${own}.2`,
      elsewhere: '.partial-0123456789abcdef-1-1.3',
    };
    const directory = join(root, KEY, '..');
    const other = join(root, 'prod', 'marks');
    for (const place of [directory, other]) {
      await mkdir(place, { recursive: true });
      for (const name of Object.values(names)) await writeFile(join(place, name), 'half');
    }

    await repository.put(KEY, fromBytes(BYTES), digestOf(BYTES));
    const afterPut = await Promise.all([readdir(directory), readdir(other)]);
    const swept = await repository.removePartials('prod', new Date(0));

    const left = [names.alive, names.elsewhere].toSorted();
    expect(afterPut[0]?.toSorted()).toEqual([...left, 'snapshot.snap']);
    expect(afterPut[1]).toHaveLength(3);
    expect(swept).toBe(1);
    expect((await readdir(other)).toSorted()).toEqual(left);
  });

  it('sweep nowhere but in the cluster, as the disk may have directories that are not for vault-dr to enter', async () => {
    // Root may enter them all, so what would be removed there shows whether it did.
    for (const place of ['prod/marks', 'prod-2/marks', 'lost+found/marks', 'backups']) {
      await mkdir(join(root, place), { recursive: true });
      await writeFile(join(root, place, '.partial-old'), 'half');
    }

    expect(await repository.removePartials('prod', new Date(Date.now() + 60_000))).toBe(1);
    expect(await readdir(join(root, 'prod/marks'))).toEqual([]);
    expect(await repository.removePartials('staging', new Date(Date.now() + 60_000))).toBe(0);
  });

  it('report a directory in the place of a file instead of reading it', async () => {
    await mkdir(join(root, KEY), { recursive: true });

    const read = repository.get(KEY).then((stream) => stream && buffer(stream));

    await expect(read).rejects.toMatchObject({ code: 'RepositoryUnavailable' });
  });

  it('keep working when the repository was moved with plain tools', async () => {
    await repository.put(KEY, fromBytes(BYTES), digestOf(BYTES));
    const moved = `${root}-moved`;
    await rename(root, moved);
    await chmod(moved, 0o755);

    const stream = await new DirectoryRepository('moved', `${moved}/`).get(KEY);

    expect(stream && (await buffer(stream)).equals(BYTES)).toBe(true);
    rmSync(moved, { recursive: true });
  });
});
