import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '../../../../src/repository/digest';
import { DirectoryRepository } from '../../../../src/repository/directory';
import {
  newestFiles,
  publishGeneration,
  readNewest,
  replicateGeneration,
} from '../../../../src/repository/generations';
import { fromBytes } from '../../../../src/repository/types';
import { signingPair, stageSample } from '../../../support/generation';
import { MemoryS3 } from '../../../support/memory-s3';

const KEYS = signingPair();
const SNAPSHOT = Buffer.from('snapshot');

let root: string;
let store: MemoryS3;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 's3-requests-'));
  store = await MemoryS3.start();
});
afterEach(async () => {
  await store.stop();
  rmSync(root, { recursive: true, force: true });
});

async function staged(capturedAt = '2026-11-23T04:00:00.000Z') {
  return stageSample(join(root, 'staging'), KEYS, SNAPSHOT, { capturedAt });
}

describe('a small backup', () => {
  it('is written with one look before, one after, and each file written and read once', async () => {
    const { directory } = await staged();

    const copy = await publishGeneration(store.repository(), directory, { readBack: true });

    expect(copy.check).toBe('hashed');
    expect(store.counted()).toEqual({ list: 2, put: 5, get: 5, all: 12 });
  });

  it('costs the same when it is copied to the bucket', async () => {
    const { directory, manifest } = await staged();
    await mkdir(join(root, 'local'));
    const local = new DirectoryRepository('local', join(root, 'local'));
    await publishGeneration(local, directory);

    await replicateGeneration(local, store.repository(), 'prod', manifest.generation, KEYS.publicKeyPem);

    expect(store.counted()).toEqual({ list: 2, put: 5, get: 5, all: 12 });
  });

  it('is looked at, and read, and not written again when it is there', async () => {
    const { directory } = await staged();
    await publishGeneration(store.repository(), directory, { readBack: true });
    store.counted();

    await publishGeneration(store.repository(), directory, { readBack: true });

    expect(store.counted()).toEqual({ list: 2, head: 5, get: 5, all: 12 });
  });

  it('is checked for the lock that it has to have as it is read', async () => {
    const locking = { objectLock: { mode: 'COMPLIANCE', days: 3 } } as const;
    const { directory } = await staged();

    await publishGeneration(store.repository(locking), directory, { readBack: true });

    expect(store.counted()).toEqual({ list: 2, put: 5, get: 5, all: 12 });
    const other = await staged('2026-11-24T04:00:00.000Z');
    // A server that ignores the lock.
    const ignoring = store.repository(locking);
    jest.spyOn(store, 'store').mockImplementation(function (this: MemoryS3, key, bytes) {
      return MemoryS3.prototype.store.call(this, key, bytes);
    });
    await expect(publishGeneration(ignoring, other.directory, { readBack: true })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('not locked'),
    });
  });
});

describe('somebody who writes the same keys meanwhile', () => {
  const foreign = Buffer.from('of somebody else');

  it.each([
    ['between the look and the write', 'put'],
    ['and hides it at once', 'hidden'],
  ])('is noticed %s', async (_when, how) => {
    const { directory, manifest } = await staged();
    const key = `prod/${manifest.generation}/SHA256SUMS`;
    store.before = (asked, at) => {
      if (asked !== 'put' || at !== key || store.versionsOf(key) > 0) return;
      store.store(key, foreign);
      if (how === 'hidden') store.hide(key);
    };

    const publishing = publishGeneration(store.repository(), directory, { readBack: true });

    await expect(publishing).rejects.toMatchObject({ code: how === 'hidden' ? 'CopyDamaged' : 'RepositoryConflict' });
  });

  it('is noticed in a bucket that heeds no condition', async () => {
    await store.stop();
    store = await MemoryS3.start({ condition: false });
    const { directory, manifest } = await staged();
    const key = `prod/${manifest.generation}/SHA256SUMS`;
    store.before = (asked, at) => {
      if (asked === 'put' && at === key && store.versionsOf(key) === 0) store.store(key, foreign);
    };

    const publishing = publishGeneration(store.repository(), directory, { readBack: true });

    await expect(publishing).rejects.toMatchObject({ code: 'CopyDamaged' });
  });

  it('overwrites nothing, and is not overwritten, in a bucket with neither conditions nor versions', async () => {
    await store.stop();
    store = await MemoryS3.start({ condition: false, versions: false });
    const { directory, manifest } = await staged();
    store.store(`prod/${manifest.generation}/SHA256SUMS`, foreign);

    const publishing = publishGeneration(store.repository(), directory, { readBack: true });

    await expect(publishing).rejects.toMatchObject({ code: 'RepositoryConflict' });
  });
});

describe('a bucket that loses what it took', () => {
  it('is for later, and never a backup', async () => {
    const { directory, manifest } = await staged();
    const lost = `prod/${manifest.generation}/RESTORE.md`;
    const keep = store.store.bind(store);
    jest.spyOn(store, 'store').mockImplementation((key, bytes, headers, at) => {
      return keep(key === lost ? 'elsewhere' : key, bytes, headers, at);
    });

    const publishing = publishGeneration(store.repository(), directory, { readBack: true });

    await expect(publishing).rejects.toMatchObject({ code: 'RepositoryUnavailable', retryable: true });
  });
});

describe('an object whose name nobody else can have taken', () => {
  const bytes = Buffer.from('head of a trail');

  it('takes one request where the answer proves it, and one more for a lock', async () => {
    await store.repository().put('prod/audit/one', fromBytes(bytes), digestOf(bytes), { absent: true });
    const without = store.counted();
    const locking = store.repository({ objectLock: { mode: 'GOVERNANCE', days: 1 } });
    await locking.put('prod/audit/two', fromBytes(bytes), digestOf(bytes), { absent: true });

    expect([without, store.counted()]).toEqual([
      { put: 1, all: 1 },
      { put: 1, head: 1, all: 2 },
    ]);
  });

  it('is there already for an attempt that is repeated', async () => {
    const put = () => store.repository().put('prod/audit/one', fromBytes(bytes), digestOf(bytes), { absent: true });

    expect([await put(), await put()]).toEqual(['written', 'already-there']);
    expect(store.versionsOf('prod/audit/one')).toBe(1);
  });
});

describe('the newest backups of many', () => {
  const HOUR_MS = 60 * 60 * 1000;

  /** Six objects each, as with one bundle; and what else a cluster has. */
  function fill(count: number, everyMs: (index: number) => number): string[] {
    const ids: string[] = [];
    let at = Date.now();
    for (let index = 0; index < count; index++) {
      const stamp = new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
      const id = `${stamp}-${String(count - index).padStart(12, '0')}-0a1b2c3d`;
      ids.push(id);
      for (const file of ['RESTORE.md', 'SHA256SUMS', 'config-a.tar', 'manifest.json', 'manifest.json.sig', 's.snap']) {
        store.store(`prod/${id}/${file}`, SNAPSHOT);
      }
      store.store(`prod/audit/${stamp}-${index}.json`, SNAPSHOT);
      at -= everyMs(index);
    }
    return ids;
  }

  it.each([
    [20, 1],
    [150, 1],
    [1_000, 3],
    [5_000, 3],
  ])('of %d that are made every hour are found in %d requests at most', async (count, most) => {
    const ids = fill(count, () => HOUR_MS);

    const { found, complete } = await newestFiles(store.repository(), 'prod', 50);

    expect(found.map(({ generation }) => generation).toReversed()).toEqual(ids.slice(0, 50));
    expect(complete).toBe(count <= 50);
    expect(store.counted().all).toBeLessThanOrEqual(most);
  });

  it.each([
    ['made daily, and every minute since last week', (index: number) => (index < 800 ? HOUR_MS / 60 : 24 * HOUR_MS)],
    ['made every minute, and daily since', (index: number) => (index < 40 ? 24 * HOUR_MS : HOUR_MS / 60)],
    ['made at random', (index: number) => ((index * 7919) % 101) * HOUR_MS],
    ['made all within one second', () => 0],
  ])('are the right ones where they are %s', async (_how, everyMs) => {
    fill(1_500, everyMs);
    const all = store.keys().flatMap((key) => /^prod\/(\d[^/]+)\/manifest.json$/.exec(key)?.[1] ?? []);

    const { found } = await newestFiles(store.repository(), 'prod', 50);

    expect(found.map(({ generation }) => generation)).toEqual([...new Set(all)].sort().slice(-50));
    expect(store.counted().all).toBeLessThanOrEqual(20);
  });

  it('are found though the last backup was made years ago', async () => {
    fill(1_000, (index) => (index === 0 ? 3 * 365 * 24 * HOUR_MS : HOUR_MS));

    const { found } = await newestFiles(store.repository(), 'prod', 2);

    // The whole list is read where no guess helps.
    expect(found).toHaveLength(2);
    expect(store.counted().all).toBeLessThanOrEqual(14);
  });

  it('tell the one that can be read without a list of all', async () => {
    // Newer than the others, of which no one can be read.
    const { directory } = await staged(new Date(Date.now() + HOUR_MS).toISOString());
    fill(500, () => HOUR_MS);
    await publishGeneration(store.repository(), directory);
    store.counted();

    const newest = await readNewest(store.repository(), 'prod', KEYS.publicKeyPem);

    expect(newest?.generation).toBe((await staged(newest?.manifest.capturedAt)).manifest.generation);
    expect(store.counted().all).toBeLessThanOrEqual(6);
  });
});
