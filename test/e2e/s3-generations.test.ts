import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
} from '@aws-sdk/client-s3';
import { digestOf } from '../../src/repository/digest';
import { DirectoryRepository } from '../../src/repository/directory';
import {
  fetchSnapshot,
  listGenerations,
  publishGeneration,
  replicateGeneration,
  verifyCopy,
} from '../../src/repository/generations';
import type { ChainLink, GenerationCopy } from '../../src/contract/generation';
import { verifyChain } from '../../src/repository/keep/chain';
import { meaningOf, readMarks } from '../../src/repository/keep/marks';
import { retain, viewRetention } from '../../src/repository/keep/retain';
import { applyRetention, planRetention } from '../../src/repository/keep/retention';
import type { S3Repository } from '../../src/repository/s3/s3';
import { ReadCopies } from '../../src/repository/read-copies';
import { fromBytes } from '../../src/repository/types';
import { keepLast, signingPair, stageSample } from '../support/generation';
import { allBelow, BYTES, S3Fixture } from '../support/s3-fixture';

const KEY = 'prod/20261123T040000Z-000000004711-0a1b2c3d/snapshot.snap.age';
const KEYS = signingPair();

const fixture = S3Fixture.use();

async function staged(capturedAt = '2026-11-23T04:00:00.000Z', snapshot: Buffer = BYTES) {
  return stageSample(await fixture.newDirectory(), KEYS, snapshot, { capturedAt });
}

describe('when the connection fails', () => {
  it('an upload whose answer was lost is recognised as done', async () => {
    const bucket = await fixture.newBucket('versioned');
    fixture.proxy.decide = (method) => (method === 'PUT' ? 'lose answer' : undefined);

    const outcome = await fixture.shakyRepositoryOn(bucket).put(KEY, fromBytes(BYTES), digestOf(BYTES));

    expect(outcome).toBe('already-there');
    expect(await fixture.versionsIn(bucket)).toEqual({ versions: 1, markers: 0 });
  });

  it.each([
    ['a server that is busy', { status: 503, code: 'SlowDown' } as const],
    ['another writer', { status: 409, code: 'ConditionalRequestConflict' } as const],
    ['a server that takes nothing', 'stall' as const],
  ])('an upload to %s is for later', async (_what, fault) => {
    const bucket = await fixture.newBucket();
    const warn = jest.spyOn(console, 'warn');
    fixture.proxy.decide = (method) => (method === 'PUT' ? fault : undefined);

    const put = fixture.shakyRepositoryOn(bucket).put(KEY, fromBytes(BYTES), digestOf(BYTES));

    await expect(put).rejects.toMatchObject({ code: 'RepositoryUnavailable', retryable: true });
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
    expect(fixture.proxy.seen.filter((line) => line.startsWith('PUT'))).toHaveLength(1);
  });

  it.each(['cut answer', 'stall answer'] as const)('a download with a %s leaves nothing behind', async (fault) => {
    const bucket = await fixture.newBucket();
    const { directory } = await staged();
    const copy = await publishGeneration(fixture.repositoryOn(bucket), directory);
    const target = await fixture.newDirectory();
    fixture.proxy.decide = (method, url) =>
      method === 'GET' && url.includes('snapshot.snap.age?') ? fault : undefined;

    const fetch = fetchSnapshot(fixture.shakyRepositoryOn(bucket), copy, join(target, 'snapshot'));

    await expect(fetch).rejects.toMatchObject({ code: 'RepositoryUnavailable', retryable: true });
    expect(await readdir(target)).toEqual([]);
  });

  it('a listing survives one answer of a busy server', async () => {
    const bucket = await fixture.newBucket();
    await fixture.repositoryOn(bucket).put(KEY, fromBytes(BYTES), digestOf(BYTES));
    let asked = 0;
    fixture.proxy.decide = (method) =>
      method === 'GET' && asked++ === 0 ? { status: 503, code: 'SlowDown' } : undefined;

    const objects = await allBelow(fixture.shakyRepositoryOn(bucket), 'prod/');

    expect(objects.map(({ key }) => key)).toEqual([KEY]);
  });

  it('a server that is not there is for later', async () => {
    const repository = fixture.repositoryOn('bucket', {
      endpoint: 'http://127.0.0.1:1',
      timeouts: { connectMs: 500, answerMs: 500, idleMs: 500 },
    });

    await expect(allBelow(repository, 'prod/')).rejects.toMatchObject({
      code: 'RepositoryUnavailable',
      retryable: true,
    });
  });

  it('an upload ends when its source breaks, with the error of the source', async () => {
    const broken = new Error('the disk of the source broke');
    const source = () =>
      Readable.from(
        (function* () {
          yield BYTES.subarray(0, 100_000);
          throw broken;
        })(),
      );

    const put = fixture.repositoryOn(await fixture.newBucket()).put(KEY, source, digestOf(BYTES));

    await expect(put).rejects.toBe(broken);
  });
});

describe('what was read a short time ago', () => {
  it.each([
    ['versioned', 1],
    ['plain', 2],
  ] as const)('of a bucket that is %s is read %i times', async (kind, times) => {
    const bucket = await fixture.newBucket(kind);
    const { directory } = await staged();
    const copy = await publishGeneration(fixture.repositoryOn(bucket), directory);
    const lately = new ReadCopies();
    const through = () => fixture.repositoryOn(bucket, { endpoint: fixture.proxy.endpoint });
    fixture.proxy.seen = [];

    await verifyCopy(through(), copy, {}, lately);
    await verifyCopy(through(), copy, {}, lately);

    const reads = fixture.proxy.seen.filter((line) => line.startsWith('GET') && line.includes('snapshot.snap.age?'));
    expect(reads).toHaveLength(times);
  });
});

describe('somebody with the backup credentials', () => {
  it('hides no generation with a plain delete or an overwrite', async () => {
    const bucket = await fixture.newBucket('locked');
    const repository = () => fixture.repositoryOn(bucket, { objectLock: { mode: 'COMPLIANCE', days: 1 } });
    const { directory, manifest } = await staged();
    const copy = await publishGeneration(repository(), directory);
    const at = (file: string) => ({ Bucket: bucket, Key: `vault/prod/${manifest.generation}/${file}` });

    await fixture.seaweed.client.send(new DeleteObjectCommand(at('manifest.json')));
    await fixture.seaweed.client.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [{ Key: at('RESTORE.md').Key }] } }),
    );
    await fixture.seaweed.client.send(new PutObjectCommand({ ...at('manifest.json.sig'), Body: 'forged' }));
    await fixture.seaweed.client.send(new PutObjectCommand({ ...at('snapshot.snap.age'), Body: 'ransom note' }));

    expect(await listGenerations(repository(), 'prod', KEYS.publicKeyPem)).toEqual({ copies: [copy], unreadable: [] });
    expect((await verifyCopy(repository(), copy)).check).toBe('hashed');
    expect(await publishGeneration(repository(), directory)).toEqual(copy);
  });
});

describe('generations', () => {
  it('are replicated from a directory to the bucket and back, and fetched', async () => {
    const { directory, manifest } = await staged();
    const bucket = await fixture.newBucket('locked');
    const local = new DirectoryRepository('local', await fixture.newDirectory());
    const home = new DirectoryRepository('home', await fixture.newDirectory());
    const target = join(await fixture.newDirectory(), 'fetched');
    const offsite = fixture.repositoryOn(bucket, {
      kmsKeyId: 'backup-key',
      objectLock: { mode: 'COMPLIANCE', days: 1 },
    });
    await publishGeneration(local, directory);
    const progress: number[] = [];

    const out = await replicateGeneration(local, offsite, 'prod', manifest.generation, KEYS.publicKeyPem, {
      onProgress: (bytes) => progress.push(bytes),
    });
    const back = await replicateGeneration(offsite, home, 'prod', manifest.generation, KEYS.publicKeyPem);
    await fetchSnapshot(offsite, out, target);

    expect([out.check, back.check]).toEqual(['hashed', 'hashed']);
    expect(back.manifestSha256).toBe(out.manifestSha256);
    expect(progress.at(-1)).toBe(BYTES.length);
    expect((await readFile(target)).equals(BYTES)).toBe(true);
  });

  it('that were damaged in the source do not get into the bucket', async () => {
    const { directory, manifest } = await staged();
    const place = await fixture.newDirectory();
    const local = new DirectoryRepository('local', place);
    await publishGeneration(local, directory);
    const file = join(place, 'prod', manifest.generation, 'snapshot.snap.age');
    const damaged = await readFile(file);
    damaged[1_000_000] = (damaged[1_000_000] ?? 0) ^ 1;
    await writeFile(file, damaged);
    const bucket = await fixture.newBucket('versioned');

    const replicate = replicateGeneration(
      local,
      fixture.repositoryOn(bucket),
      'prod',
      manifest.generation,
      KEYS.publicKeyPem,
    );

    await expect(replicate).rejects.toMatchObject({ code: 'CopyDamaged' });
    expect(await fixture.versionsIn(bucket)).toEqual({ versions: 0, markers: 0 });
  });

  it('are removed by retention unless they are locked or held', async () => {
    const bucket = await fixture.newBucket('locked');
    const now = new Date('2026-11-23T12:00:00Z');
    const plainly = fixture.repositoryOn(bucket);
    const locking = fixture.repositoryOn(bucket, { objectLock: { mode: 'COMPLIANCE', days: 1 } });
    const publish = async (day: number, repository: S3Repository) => {
      const { directory, manifest } = await staged(`2026-11-${day}T04:00:00.000Z`, randomBytes(1000));
      await publishGeneration(repository, directory);
      return manifest.generation;
    };
    const [free, locked, held] = [await publish(18, plainly), await publish(19, locking), await publish(20, plainly)];
    const newest = await publish(22, plainly);
    await fixture.seaweed.client.send(
      new PutObjectLegalHoldCommand({
        Bucket: bucket,
        Key: `vault/prod/${held}/snapshot.snap.age`,
        LegalHold: { Status: 'ON' },
      }),
    );
    const { copies } = await listGenerations(plainly, 'prod', KEYS.publicKeyPem);

    const report = await applyRetention(plainly, 'prod', planRetention(copies, keepLast(1), now), now);

    expect(report).toMatchObject({ kept: 3, removed: [free], keptLocked: [locked, held], failed: [], warnings: [] });
    const left = await listGenerations(fixture.repositoryOn(bucket), 'prod', KEYS.publicKeyPem);
    expect(left.copies.map(({ generation }) => generation)).toEqual([newest, held, locked]);
    expect(left.unreadable).toEqual([]);
  });

  it('leave a whole chain when retention removes them, though the lists of what is gone are locked', async () => {
    const bucket = await fixture.newBucket('locked');
    const plainly = fixture.repositoryOn(bucket);
    const locking = fixture.repositoryOn(bucket, { objectLock: { mode: 'COMPLIANCE', days: 1 } });
    let previous: ChainLink | null = null;
    const kept: number[] = [];

    for (const day of [18, 19, 20, 21]) {
      const capturedAt = `2026-11-${day}T04:00:00.000Z`;
      const made = await stageSample(await fixture.newDirectory(), KEYS, randomBytes(1000), { capturedAt, previous });
      previous = { generation: made.manifest.generation, manifestSha256: made.manifestSha256 };
      await publishGeneration(plainly, made.directory);
      const now = new Date(`2026-11-${day}T05:00:00.000Z`);
      const facts = { now, publicKeyPem: KEYS.publicKeyPem, verified: made.manifest.generation };
      const view = await viewRetention(locking, [], 'prod', keepLast(2), facts);
      kept.push((await retain(view, KEYS.privateKeyPem, now)).kept);
    }

    const { copies, unreadable } = await listGenerations(fixture.repositoryOn(bucket), 'prod', KEYS.publicKeyPem);
    const { marks } = await readMarks(fixture.repositoryOn(bucket), 'prod', KEYS.publicKeyPem);
    const { tombstones } = meaningOf(marks);
    expect(kept).toEqual([1, 2, 2, 2]);
    expect(verifyChain('prod', [{ repository: 'offsite', copies, unreadable, tombstones }])).toEqual([]);
    expect(await locking.isLocked((await allBelow(locking, 'prod/marks/'))[0]?.key ?? '')).toBe(true);
    expect(await allBelow(locking, 'prod/marks/')).toHaveLength(2);
  });

  it('are a repository of their own when the bucket is copied to a directory, object by object', async () => {
    const bucket = await fixture.newBucket('versioned');
    const { directory, manifest } = await staged();
    await publishGeneration(fixture.repositoryOn(bucket), directory);
    const mirror = await fixture.newDirectory();
    const { Contents = [] } = await fixture.seaweed.client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: 'vault/' }),
    );
    for (const { Key = '' } of Contents) {
      const { Body } = await fixture.seaweed.client.send(new GetObjectCommand({ Bucket: bucket, Key }));
      const path = join(mirror, Key.slice('vault/'.length));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, (await Body?.transformToByteArray()) ?? '');
    }

    const repository = new DirectoryRepository('mirror', mirror);
    const { copies, unreadable } = await listGenerations(repository, 'prod', KEYS.publicKeyPem);

    expect([copies.map(({ generation }) => generation), unreadable]).toEqual([[manifest.generation], []]);
    expect((await verifyCopy(repository, copies[0] as GenerationCopy)).check).toBe('hashed');
  });
});
