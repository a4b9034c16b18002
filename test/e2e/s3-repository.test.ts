import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { digestOf } from '../../src/repository/digest';
import { openRepository } from '../../src/repository/open';
import { fromBytes } from '../../src/repository/types';
import { allBelow, BYTES, contentOf, S3Fixture } from '../support/s3-fixture';

const KEY = 'prod/20261123T040000Z-000000004711-0a1b2c3d/snapshot.snap.age';
const DAY_MS = 24 * 60 * 60 * 1000;

const fixture = S3Fixture.use();

describe('put', () => {
  it('stores bytes, checksum, KMS encryption and lock in one request', async () => {
    const bucket = await fixture.newBucket('locked');
    const repository = fixture.repositoryOn(bucket, {
      endpoint: fixture.proxy.endpoint,
      kmsKeyId: 'backup-key',
      storageClass: 'STANDARD_IA',
      objectLock: { mode: 'COMPLIANCE', days: 35 },
    });

    const outcome = await repository.put(KEY, fromBytes(BYTES), digestOf(BYTES));

    const head = await fixture.seaweed.client.send(
      new HeadObjectCommand({ Bucket: bucket, Key: `vault/${KEY}`, ChecksumMode: 'ENABLED' }),
    );
    expect(outcome).toBe('written');
    expect(head).toMatchObject({
      ContentLength: BYTES.length,
      ChecksumSHA256: Buffer.from(digestOf(BYTES).sha256, 'hex').toString('base64'),
      ServerSideEncryption: 'aws:kms',
      StorageClass: 'STANDARD_IA',
      ObjectLockMode: 'COMPLIANCE',
    });
    expect(head.SSEKMSKeyId).toContain('backup-key');
    const lockedFor = (head.ObjectLockRetainUntilDate?.getTime() ?? 0) - Date.now();
    expect(lockedFor).toBeGreaterThanOrEqual(35 * DAY_MS - 5000);
    expect(lockedFor).toBeLessThanOrEqual(36 * DAY_MS);
    expect(fixture.proxy.seen.filter((line) => line.startsWith('PUT') || line.startsWith('POST'))).toHaveLength(1);
    expect((await contentOf(repository, KEY))?.equals(BYTES)).toBe(true);
  });

  it('takes the same bytes again as done, without sending them', async () => {
    const repository = fixture.repositoryOn(await fixture.newBucket());
    await repository.put(KEY, fromBytes(BYTES), digestOf(BYTES));

    const again = await repository.put(KEY, () => Promise.reject(new Error('was opened')), digestOf(BYTES));

    expect(again).toBe('already-there');
  });

  it('never overwrites other bytes', async () => {
    const repository = fixture.repositoryOn(await fixture.newBucket());
    const other = randomBytes(BYTES.length);
    await repository.put(KEY, fromBytes(BYTES), digestOf(BYTES));

    await expect(repository.put(KEY, fromBytes(other), digestOf(other))).rejects.toMatchObject({
      code: 'RepositoryConflict',
    });

    expect((await contentOf(repository, KEY))?.equals(BYTES)).toBe(true);
  });

  it.each([
    ['too short', BYTES.subarray(0, -1)],
    ['too long', Buffer.concat([BYTES, Buffer.of(0)])],
    ['changed', Buffer.concat([Buffer.of((BYTES[0] ?? 0) ^ 1), BYTES.subarray(1)])],
  ])('leaves nothing behind of a source that is %s', async (_how, source) => {
    const bucket = await fixture.newBucket('versioned');
    const repository = fixture.repositoryOn(bucket);

    await expect(repository.put(KEY, fromBytes(source), digestOf(BYTES))).rejects.toMatchObject({
      code: 'CopyDamaged',
    });

    expect(await fixture.versionsIn(bucket)).toEqual({ versions: 0, markers: 0 });
  });

  it('lets one of many writers at the same time win', async () => {
    const bucket = await fixture.newBucket('versioned');
    const writers = Array.from({ length: 6 }, (_, index) => (index % 2 === 0 ? BYTES : randomBytes(BYTES.length)));

    const results = await Promise.allSettled(
      writers.map((own) => fixture.repositoryOn(bucket).put(KEY, fromBytes(own), digestOf(own))),
    );

    const written = results.filter((result) => result.status === 'fulfilled' && result.value === 'written');
    expect(written).toHaveLength(1);
    expect(await fixture.versionsIn(bucket)).toEqual({ versions: 1, markers: 0 });
  });

  it('stops when it is aborted, with the reason of the signal', async () => {
    const bucket = await fixture.newBucket();
    const reason = new Error('cancelled by the operator');
    const abort = new AbortController();
    const slow = () =>
      Readable.from(
        (async function* () {
          for (let at = 0; at < BYTES.length; at += 1024) {
            yield BYTES.subarray(at, at + 1024);
            await sleep(5);
          }
        })(),
      );

    const put = fixture.repositoryOn(bucket).put(KEY, slow, digestOf(BYTES), { signal: abort.signal });
    setTimeout(() => abort.abort(reason), 300);

    await expect(put).rejects.toBe(reason);
    expect(await fixture.versionsIn(bucket)).toEqual({ versions: 0, markers: 0 });
  });

  it('refuses what no object can hold, before it sends anything', async () => {
    const repository = fixture.repositoryOn(await fixture.newBucket());
    const digest = { sha256: '0'.repeat(64), sizeBytes: 5 * 1024 ** 4 + 1 };

    await expect(repository.put(KEY, fromBytes(BYTES), digest)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('5 TiB'),
    });
  });

  it('says so when the bucket knows no Object Lock', async () => {
    const repository = fixture.repositoryOn(await fixture.newBucket(), { objectLock: { mode: 'GOVERNANCE', days: 1 } });

    await expect(repository.put(KEY, fromBytes(BYTES), digestOf(BYTES))).rejects.toMatchObject({
      code: 'InvalidConfiguration',
    });
  });
});

describe('what the operator has to know', () => {
  it.each([
    ['no such bucket', { bucket: 'no-such-bucket' }, 'InvalidConfiguration'],
    ['a wrong secret', { credentials: { accessKeyId: 'writer', secretAccessKey: 'wrong' } }, 'PermissionDenied'],
    ['an unknown access key', { credentials: { accessKeyId: 'nobody', secretAccessKey: 'wrong' } }, 'PermissionDenied'],
  ])('is said of %s, without a secret', async (_what, overrides, code) => {
    const repository = fixture.repositoryOn(await fixture.newBucket(), overrides);

    const attempts = await Promise.allSettled([
      allBelow(repository, 'prod/'),
      repository.put(KEY, fromBytes(BYTES), digestOf(BYTES)),
    ]);

    const said = { code, where: 'offsite', advice: expect.any(String), message: expect.not.stringContaining('wrong') };
    for (const attempt of attempts) {
      expect(attempt).toMatchObject({ status: 'rejected', reason: said });
    }
  });

  it('is said of credentials that may only read', async () => {
    const bucket = await fixture.newBucket();
    await fixture.repositoryOn(bucket).put(KEY, fromBytes(BYTES), digestOf(BYTES));
    const repository = fixture.repositoryOn(bucket, { credentials: fixture.seaweed.reader });

    const put = repository.put('prod/other', fromBytes(BYTES), digestOf(BYTES));

    await expect(put).rejects.toMatchObject({
      code: 'PermissionDenied',
      advice: expect.stringContaining('s3:PutObject'),
    });
    expect((await contentOf(repository, KEY))?.equals(BYTES)).toBe(true);
  });

  it('comes from a configuration whose credentials are read when it is opened', async () => {
    const bucket = await fixture.newBucket();
    process.env['TEST_S3_SECRET'] = fixture.seaweed.credentials.secretAccessKey;
    process.env['TEST_S3_ID'] = fixture.seaweed.credentials.accessKeyId;

    const repository = await openRepository('offsite', {
      type: 's3',
      bucket,
      prefix: '',
      region: 'us-east-1',
      endpoint: fixture.seaweed.endpoint,
      forcePathStyle: true,
      tags: {},
      multipartThreshold: 1024 ** 3,
      credentials: { accessKeyId: { env: 'TEST_S3_ID' }, secretAccessKey: { env: 'TEST_S3_SECRET' } },
    });

    expect(await repository.put(KEY, fromBytes(BYTES), digestOf(BYTES))).toBe('written');
  });
});

describe('list and remove', () => {
  it.each(['plain', 'versioned'] as const)('work on a %s bucket, and leave nothing behind', async (kind) => {
    const bucket = await fixture.newBucket(kind);
    const repository = fixture.repositoryOn(bucket);
    for (const key of ['prod/b/two', 'prod/a/one', 'prod-2/a/other']) {
      await repository.put(key, fromBytes(Buffer.from(key)), digestOf(Buffer.from(key)));
    }

    const listed = (await allBelow(repository, 'prod/')).map(({ key, sizeBytes }) => [key, sizeBytes]);
    const outcomes = [await repository.remove('prod/a/one'), await repository.remove('prod/a/one')];

    expect(listed).toEqual([
      ['prod/a/one', 10],
      ['prod/b/two', 10],
    ]);
    expect(outcomes).toEqual(['removed', 'absent']);
    expect(await fixture.versionsIn(bucket)).toEqual({ versions: 2, markers: 0 });
    expect(await repository.get('prod/a/one')).toBeNull();
  });

  it('continue over many pages', async () => {
    const bucket = await fixture.newBucket('versioned');
    const keys = Array.from({ length: 1100 }, (_, n) => `vault/prod/g/${String(n).padStart(4, '0')}`);
    for (let at = 0; at < keys.length; at += 50) {
      const put = (Key: string) =>
        fixture.seaweed.client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }));
      await Promise.all(keys.slice(at, at + 50).map(put));
    }

    const objects = await allBelow(fixture.repositoryOn(bucket), 'prod/');

    expect(objects.map(({ key }) => `vault/${key}`)).toEqual(keys);
  });

  it('work with a server that knows no versions', async () => {
    const bucket = await fixture.newBucket();
    // A kind of server that is about, but not one that can be started here: only its refusal is made.
    fixture.proxy.decide = (_method, url) =>
      url.includes('versions') ? { status: 501, code: 'NotImplemented' } : undefined;
    const repository = fixture.shakyRepositoryOn(bucket);

    const put = await repository.put(KEY, fromBytes(BYTES), digestOf(BYTES));

    expect(put).toBe('written');
    expect((await allBelow(repository, 'prod/')).map(({ key }) => key)).toEqual([KEY]);
    expect((await contentOf(repository, KEY))?.equals(BYTES)).toBe(true);
    expect(await repository.remove(KEY)).toBe('removed');
    expect(await fixture.versionsIn(bucket)).toEqual({ versions: 0, markers: 0 });
  });

  it('remove nothing of a key that has a locked version, also below a delete marker', async () => {
    const bucket = await fixture.newBucket('locked');
    const repository = fixture.repositoryOn(bucket, { objectLock: { mode: 'GOVERNANCE', days: 1 } });
    await repository.put(KEY, fromBytes(BYTES), digestOf(BYTES));
    await fixture.seaweed.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: `vault/${KEY}` }));

    const outcome = await repository.remove(KEY);

    expect(outcome).toBe('locked');
    expect(await repository.isLocked(KEY)).toBe(true);
    expect(await fixture.versionsIn(bucket)).toEqual({ versions: 1, markers: 1 });
  });
});
