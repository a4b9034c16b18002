import { randomBytes } from 'node:crypto';
import {
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  CreateMultipartUploadCommand,
} from '@aws-sdk/client-s3';
import { digestOf } from '../../src/repository/digest';
import { publishGeneration, verifyCopy } from '../../src/repository/generations';
import type { S3Repository } from '../../src/repository/s3/s3';
import type { S3Settings } from '../../src/repository/s3/s3-client';
import { fromBytes, type TransferOptions } from '../../src/repository/types';
import { signingPair, stageSample } from '../support/generation';
import { waitFor } from '../../src/lab/processes';
import { rejectionOf } from '../support/thrown';
import { contentOf, S3Fixture } from '../support/s3-fixture';

const MIB = 1024 ** 2;
const KEY = 'prod/20261123T040000Z-000000004711-0a1b2c3d/snapshot.snap.age';
/** Three parts: 5, 5 and 2 MiB. */
const BYTES = randomBytes(12 * MIB);
const DIGEST = digestOf(BYTES);
const TIMEOUTS = { connectMs: 1000, answerMs: 3000, idleMs: 2000 };

const fixture = S3Fixture.use();

/** Through the proxy, in parts from 5 MiB on. */
function repositoryOn(bucket: string, overrides: Partial<S3Settings> = {}): S3Repository {
  return fixture.repositoryOn(bucket, {
    endpoint: fixture.proxy.endpoint,
    timeouts: TIMEOUTS,
    multipartThreshold: 5 * MIB,
    ...overrides,
  });
}

async function pendingIn(bucket: string): Promise<string[]> {
  const { Uploads = [] } = await fixture.seaweed.client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return Uploads.map(({ UploadId = '' }) => UploadId);
}

/** They go side by side, in any order. */
const sentParts = () =>
  fixture.proxy.seen
    .flatMap((line) => (line.startsWith('PUT') ? (/partNumber=(\d+)/.exec(line)?.[1] ?? []) : []))
    .toSorted((left, right) => Number(left) - Number(right));

const headOf = (bucket: string) =>
  fixture.seaweed.client.send(new HeadObjectCommand({ Bucket: bucket, Key: `vault/${KEY}`, ChecksumMode: 'ENABLED' }));

describe('an object above the threshold', () => {
  it('goes in parts with their checksums, with encryption, lock and tags, and is read back whole', async () => {
    const bucket = await fixture.newBucket('locked');
    const repository = repositoryOn(bucket, {
      kmsKeyId: 'backup-key',
      objectLock: { mode: 'COMPLIANCE', days: 35 },
      tags: { team: 'platform', 'cost center': 'a&b' },
    });
    const progress: number[] = [];

    const outcome = await repository.put(KEY, fromBytes(BYTES), DIGEST, {
      onProgress: (bytes) => progress.push(bytes),
    });

    const head = await headOf(bucket);
    const { TagSet } = await fixture.seaweed.client.send(
      new GetObjectTaggingCommand({ Bucket: bucket, Key: `vault/${KEY}` }),
    );
    expect(outcome).toBe('written');
    expect(head).toMatchObject({
      ContentLength: BYTES.length,
      ChecksumSHA256: expect.stringMatching(/-3$/),
      ServerSideEncryption: 'aws:kms',
      ObjectLockMode: 'COMPLIANCE',
    });
    expect(TagSet?.toSorted((a, b) => ((a.Key ?? '') < (b.Key ?? '') ? -1 : 1))).toEqual([
      { Key: 'cost center', Value: 'a&b' },
      { Key: 'team', Value: 'platform' },
    ]);
    expect(sentParts()).toEqual(['1', '2', '3']);
    expect(progress.at(-1)).toBe(BYTES.length);
    expect(progress.toSorted((a, b) => a - b)).toEqual(progress);
    expect((await contentOf(repository, KEY))?.equals(BYTES)).toBe(true);
    expect(await pendingIn(bucket)).toEqual([]);
  });

  it('is taken as done when it is there, after it was read', async () => {
    const repository = repositoryOn(await fixture.newBucket());
    await repository.put(KEY, fromBytes(BYTES), DIGEST);
    fixture.proxy.seen = [];

    const again = await repository.put(KEY, () => Promise.reject(new Error('was opened')), DIGEST);

    expect(again).toBe('already-there');
    expect(fixture.proxy.seen.some((line) => line.startsWith('GET') && line.includes('snapshot.snap.age'))).toBe(true);
  });

  it('never overwrites other bytes', async () => {
    const bucket = await fixture.newBucket();
    const other = randomBytes(BYTES.length);
    await repositoryOn(bucket).put(KEY, fromBytes(BYTES), DIGEST);

    const put = repositoryOn(bucket).put(KEY, fromBytes(other), digestOf(other));

    await expect(put).rejects.toMatchObject({ code: 'RepositoryConflict' });
    expect((await contentOf(repositoryOn(bucket), KEY))?.equals(BYTES)).toBe(true);
  });

  // Mostly one of the two is refused. SeaweedFS asks whether the key is there before it makes the object, so that two which
  // end in the same instant may both pass (seen once); S3 itself lets one through.
  it('is whole after two attempts at the same time, and stored by no third one', async () => {
    const bucket = await fixture.newBucket('versioned');

    const outcomes = await Promise.allSettled(
      [1, 2].map(() => repositoryOn(bucket).put(KEY, fromBytes(BYTES), DIGEST)),
    );
    const { versions } = await fixture.versionsIn(bucket);
    const after = await repositoryOn(bucket).put(KEY, fromBytes(BYTES), DIGEST);

    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    expect([1, 2]).toContain(versions);
    expect(after).toBe('already-there');
    expect((await fixture.versionsIn(bucket)).versions).toBe(versions);
    expect((await contentOf(repositoryOn(bucket), KEY))?.equals(BYTES)).toBe(true);
  });

  it.each([
    ['too short', BYTES.subarray(0, -1)],
    ['changed in its last part', Buffer.concat([BYTES.subarray(0, -1), Buffer.of((BYTES.at(-1) ?? 0) ^ 1)])],
  ])('leaves nothing behind of a source that is %s', async (_how, source) => {
    const bucket = await fixture.newBucket('versioned');

    const put = repositoryOn(bucket).put(KEY, fromBytes(source), DIGEST);

    await expect(put).rejects.toMatchObject({ code: 'CopyDamaged' });
    expect(await fixture.versionsIn(bucket)).toEqual({ versions: 0, markers: 0 });
    expect(await pendingIn(bucket)).toEqual([]);
  });

  it('is a generation like any other', async () => {
    const keys = signingPair();
    const { directory } = await stageSample(await fixture.newDirectory(), keys, BYTES);
    const repository = repositoryOn(await fixture.newBucket('locked'));

    const copy = await publishGeneration(repository, directory);

    expect((await verifyCopy(repository, copy)).check).toBe('hashed');
  });
});

describe('an upload in parts that was cut short', () => {
  /** The second part is answered by nothing at all. */
  const stallSecondPart = () => {
    fixture.proxy.decide = (method, url) => (method === 'PUT' && url.includes('partNumber=2') ? 'stall' : undefined);
  };

  it('ends in time and is taken up by the next attempt, which sends what is missing only', async () => {
    const bucket = await fixture.newBucket('locked');
    const resume = { uploadId: undefined, onUpload: jest.fn() };
    stallSecondPart();
    const abort = AbortSignal.timeout(3000);

    const cut = repositoryOn(bucket).put(KEY, fromBytes(BYTES), DIGEST, { signal: abort, resume });

    await expect(cut).rejects.toMatchObject({ name: 'TimeoutError' });
    const [pending, ...others] = await pendingIn(bucket);
    fixture.proxy.decide = () => undefined;
    fixture.proxy.seen = [];
    const outcome = await repositoryOn(bucket).put(KEY, fromBytes(BYTES), DIGEST);
    expect(outcome).toBe('written');
    expect(others).toEqual([]);
    expect(resume.onUpload).toHaveBeenCalledWith(pending);
    expect(sentParts()).toEqual(['2']);
    expect((await contentOf(repositoryOn(bucket), KEY))?.equals(BYTES)).toBe(true);
    expect(await pendingIn(bucket)).toEqual([]);
  });

  it('is found by its id where nobody may list uploads', async () => {
    const bucket = await fixture.newBucket();
    let uploadId: string | undefined;
    stallSecondPart();
    const first: TransferOptions = {
      signal: AbortSignal.timeout(3000),
      resume: { uploadId: undefined, onUpload: (id) => (uploadId = id) },
    };
    await expect(repositoryOn(bucket).put(KEY, fromBytes(BYTES), DIGEST, first)).rejects.toThrow(
      'aborted due to timeout',
    );
    // SeaweedFS has no such right of its own to take away.
    fixture.proxy.decide = (method, url) =>
      method === 'GET' && url.includes('uploads') ? { status: 403, code: 'AccessDenied' } : undefined;
    fixture.proxy.seen = [];

    const outcome = await repositoryOn(bucket).put(KEY, fromBytes(BYTES), DIGEST, {
      resume: { uploadId, onUpload: () => undefined },
    });

    expect(outcome).toBe('written');
    expect(sentParts()).toEqual(['2']);
  });

  it('is aborted when a part is refused, once no other one is under way', async () => {
    fixture.proxy.decide = (method, url) =>
      method === 'PUT' && url.includes('partNumber=2') ? { status: 403, code: 'AccessDenied' } : undefined;
    const bucket = await fixture.newBucket('versioned');

    const put = repositoryOn(bucket).put(KEY, fromBytes(BYTES), DIGEST);

    await expect(put).rejects.toMatchObject({ code: 'PermissionDenied' });
    expect(await pendingIn(bucket)).toEqual([]);
    expect(await fixture.versionsIn(bucket)).toEqual({ versions: 0, markers: 0 });
  });

  it('has as many parts under way as its memory has room for, and no more', async () => {
    const many = randomBytes(60 * MIB);
    fixture.proxy.decide = (method, url) => (method === 'PUT' && url.includes('partNumber=') ? 'stall' : undefined);
    const stopped = new AbortController();

    const put = repositoryOn(await fixture.newBucket()).put(KEY, fromBytes(many), digestOf(many), {
      signal: stopped.signal,
    });
    const ended = rejectionOf(put);
    await waitFor('six parts', async () => sentParts().length >= 6, { timeoutMs: 20_000, everyMs: 50 });
    stopped.abort(new Error('enough'));

    expect((await ended).message).toBe('enough');
    expect(sentParts()).toEqual(['1', '2', '3', '4', '5', '6']);
  });

  it('repeats a part by itself when the server is busy for a moment', async () => {
    let refused = 0;
    fixture.proxy.decide = (method, url) =>
      method === 'PUT' && url.includes('partNumber=2') && refused++ === 0
        ? { status: 503, code: 'SlowDown' }
        : undefined;

    const outcome = await repositoryOn(await fixture.newBucket()).put(KEY, fromBytes(BYTES), DIGEST);

    expect(outcome).toBe('written');
    expect(sentParts()).toEqual(['1', '2', '2', '3']);
  });

  it('gives a stalled server up, also without anybody who cancels', async () => {
    fixture.proxy.decide = (method, url) => (method === 'PUT' && url.includes('partNumber=1') ? 'stall' : undefined);
    const bucket = await fixture.newBucket();

    const put = repositoryOn(bucket, { timeouts: { ...TIMEOUTS, idleMs: 700 } }).put(KEY, fromBytes(BYTES), DIGEST);

    await expect(put).rejects.toMatchObject({ code: 'RepositoryUnavailable', retryable: true });
    expect(sentParts()).toEqual(['1', '1', '1', '2', '3']);
    expect(await pendingIn(bucket)).toHaveLength(1);
  });

  it('is recognised as done when the answer to the completion was lost', async () => {
    const bucket = await fixture.newBucket('versioned');
    fixture.proxy.decide = (method, url) =>
      method === 'POST' && url.includes('uploadId=') ? 'lose answer' : undefined;

    const outcome = await repositoryOn(bucket).put(KEY, fromBytes(BYTES), DIGEST);

    expect(outcome).toBe('already-there');
    expect(await fixture.versionsIn(bucket)).toEqual({ versions: 1, markers: 0 });
  });

  it('is swept when it is old, and what is not of a generation is left alone', async () => {
    const bucket = await fixture.newBucket();
    const begin = (Key: string) =>
      fixture.seaweed.client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
    await begin(`vault/${KEY}`);
    const foreign = (await begin('vault/prod/notes/readme')).UploadId;
    const elsewhere = (await begin(KEY)).UploadId;
    const repository = repositoryOn(bucket);

    const early = await repository.removePartials('prod', new Date(Date.now() - 60_000));
    const late = await repository.removePartials('prod', new Date(Date.now() + 60_000));

    expect([early, late]).toEqual([0, 1]);
    expect(new Set(await pendingIn(bucket))).toEqual(new Set([foreign, elsewhere]));
  });
});
