import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutBucketLifecycleConfigurationCommand } from '@aws-sdk/client-s3';
import { repositoryCommand } from '../../src/cli/verbs/prove';
import type { CheckReport } from '../../src/repository/check/capability';
import { checkBucket } from '../../src/repository/check/check-s3';
import type { S3Settings } from '../../src/repository/s3/s3-client';
import { S3Fixture } from '../support/s3-fixture';

const fixture = S3Fixture.use();
const LOCK_SECONDS = 4;

async function check(bucket: string, overrides: Partial<S3Settings> = {}): Promise<CheckReport> {
  const settings = fixture.settingsOn(bucket, {
    endpoint: fixture.proxy.endpoint,
    timeouts: { connectMs: 1000, answerMs: 5000, idleMs: 5000 },
    ...overrides,
  });
  return checkBucket('offsite', settings, LOCK_SECONDS);
}

/** Verdict by capability. */
const verdicts = ({ capabilities }: CheckReport) =>
  Object.fromEntries(capabilities.map(({ capability, verdict }) => [capability, verdict]));
const foundOf = ({ capabilities }: CheckReport, name: string) =>
  capabilities.find(({ capability }) => capability === name)?.found;

it('a bucket that does all that is promised is all right, and nothing is left in it', async () => {
  const bucket = await fixture.newBucket('locked');

  const report = await check(bucket, { kmsKeyId: 'backup-key', objectLock: { mode: 'COMPLIANCE', days: 30 } });

  expect(verdicts(report)).toEqual({
    'write and read': 'ok',
    clock: 'ok',
    'as a backup is written': 'ok',
    'wrong bytes': 'ok',
    'write once': 'ok',
    versions: 'ok',
    'uploads in parts': 'ok',
    'encryption by the bucket': 'ok',
    'delete for good': 'ok',
    'lock: delete': 'ok',
    'lock: shorten': 'ok',
    'lock: bypass': 'ok',
    'lifecycle rules': 'ok',
  });
  expect(report.leftovers).toEqual([]);
  expect(await fixture.versionsIn(bucket)).toEqual({ versions: 0, markers: 0 });
});

it('GOVERNANCE promises nothing against credentials that may bypass it', async () => {
  const report = await check(await fixture.newBucket('locked'), { objectLock: { mode: 'GOVERNANCE', days: 30 } });

  expect(verdicts(report)).toMatchObject({ 'lock: delete': 'ok', 'lock: shorten': 'ok', 'lock: bypass': 'broken' });
});

it('where a bypass is refused, the check waits for the end of its lock and then cleans up', async () => {
  const bucket = await fixture.newBucket('locked');
  // The server has nobody who may write and not bypass, so the second delete is refused on its way.
  let deletes = 0;
  fixture.proxy.decide = (method, url) =>
    method === 'DELETE' && url.includes('/locked?') && ++deletes === 2
      ? { status: 403, code: 'AccessDenied' }
      : undefined;

  const report = await check(bucket, { objectLock: { mode: 'GOVERNANCE', days: 30 } });

  expect(verdicts(report)).toMatchObject({ 'lock: bypass': 'ok' });
  expect(deletes).toBe(3);
  expect(report.leftovers).toEqual([]);
  expect(await fixture.versionsIn(bucket)).toEqual({ versions: 0, markers: 0 });
});

it('a bucket that can neither lock nor keep versions breaks a lock, and is weaker without one', async () => {
  const bucket = await fixture.newBucket('plain');

  const promised = verdicts(await check(bucket, { objectLock: { mode: 'COMPLIANCE', days: 30 } }));
  const plain = verdicts(await check(bucket));

  expect(promised).toMatchObject({ lock: 'broken', versions: 'broken', 'write once': 'ok' });
  expect(plain).toMatchObject({ lock: 'weaker', versions: 'weaker', 'encryption by the bucket': 'weaker' });
  expect(Object.values(plain)).not.toContain('broken');
});

it('credentials that may only read can keep nothing there', async () => {
  const bucket = await fixture.newBucket('plain');

  const report = await check(bucket, { credentials: fixture.seaweed.reader });

  expect(verdicts(report)).toEqual({ 'write and read': 'broken' });
  expect(foundOf(report, 'write and read')).toBe('refused: 403 AccessDenied');
});

it('a storage class and tags are tried as they are configured, and credentials that may set no tags are found', async () => {
  const bucket = await fixture.newBucket('versioned');
  const wanted = { storageClass: 'STANDARD_IA', tags: { team: 'platform', 'cost centre': 'a&b' } };
  const asked: unknown[] = [];
  fixture.proxy.decide = (method, _url, headers) => {
    if (method === 'PUT') asked.push(headers['x-amz-storage-class'], headers['x-amz-tagging']);
    return undefined;
  };
  const good = await check(bucket, wanted);
  // As S3 answers to whoever lacks s3:PutObjectTagging.
  fixture.proxy.decide = (_method, _url, headers) =>
    headers['x-amz-tagging'] === undefined ? undefined : { status: 403, code: 'AccessDenied' };

  const refused = await check(bucket, wanted);

  expect([...new Set(asked)].filter((header) => header !== undefined)).toEqual([
    'STANDARD_IA',
    'team=platform&cost%20centre=a%26b',
  ]);
  expect(verdicts(good)).toMatchObject({ 'write and read': 'ok', 'storage class': 'ok', tags: 'ok' });
  expect(verdicts(refused)).toMatchObject({ 'write and read': 'ok', 'storage class': 'ok', tags: 'broken' });
  expect(foundOf(refused, 'tags')).toBe('refused: 403 AccessDenied');
  expect(refused.leftovers).toEqual([]);
});

it('a rule that deletes generations is found', async () => {
  const bucket = await fixture.newBucket('versioned');
  const Rules = [{ ID: 'tidy', Status: 'Enabled' as const, Filter: { Prefix: 'vault/' }, Expiration: { Days: 7 } }];
  await fixture.seaweed.client.send(
    new PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration: { Rules } }),
  );

  const report = await check(bucket);

  expect(verdicts(report)['lifecycle rules']).toBe('broken');
  expect(foundOf(report, 'lifecycle rules')).toBe("hides: rule 'tidy' after 7 days");
});

it("distinguishes what a server can't do from what it refuses to show", async () => {
  const bucket = await fixture.newBucket('versioned');
  // Kinds of servers that are about, but not to be started here: their answers are made.
  fixture.proxy.decide = (method, url) => {
    if (method === 'POST' && url.includes('uploads')) return { status: 501, code: 'NotImplemented' };
    if (method === 'GET' && url.includes('lifecycle')) return { status: 403, code: 'AccessDenied' };
    if (method === 'DELETE' && url.includes('/deletion')) return { status: 403, code: 'AccessDenied' };
    return undefined;
  };

  const report = await check(bucket);

  expect(verdicts(report)).toMatchObject({
    'uploads in parts': 'weaker',
    'lifecycle rules': 'unknown',
    'delete for good': 'weaker',
  });
  expect(report.leftovers).toEqual([expect.stringMatching(/^vault\/vault-dr-check\/.*\/deletion: 403 AccessDenied$/)]);
});

it('vault-dr repository check says it as a table and as JSON, and ends with 6 when a promise does not hold', async () => {
  const bucket = await fixture.newBucket('plain');
  const directory = await fixture.newDirectory();
  const file = join(directory, 'vault-dr.yaml');
  process.env['TEST_S3_SECRET'] = fixture.seaweed.credentials.secretAccessKey;
  const offsite = (lock: string) => `
    type: s3
    bucket: ${bucket}
    endpoint: ${fixture.seaweed.endpoint}
    forcePathStyle: true
    credentials: { accessKeyId: { env: TEST_S3_ID }, secretAccessKey: { env: TEST_S3_SECRET } }
    ${lock}`;
  process.env['TEST_S3_ID'] = fixture.seaweed.credentials.accessKeyId;
  await writeFile(
    file,
    `clusters: {}
repositories:
  plain: ${offsite('')}
  locked: ${offsite('objectLock: { mode: COMPLIANCE, days: 30 }')}
signing: { publicKeyFile: /none }
`,
  );
  const before = process.exitCode;
  const run = async (...args: string[]) => {
    process.exitCode = undefined;
    let out = '';
    const stdout = jest.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += String(text))));
    const stderr = jest.spyOn(process.stderr, 'write').mockImplementation(() => true);
    await repositoryCommand().parseAsync(['check', ...args, '--config', file], { from: 'user' });
    stdout.mockRestore();
    stderr.mockRestore();
    return { out, exitCode: process.exitCode };
  };

  const plain = await run('plain');
  const locked = await run('locked', '--json');
  process.exitCode = before;

  expect(plain.out).toMatch(/ lock +weaker +refused: 400 InvalidRequest +these credentials can delete/);
  expect(plain.exitCode).toBeUndefined();
  expect(verdicts(JSON.parse(locked.out) as CheckReport)).toMatchObject({ lock: 'broken' });
  expect(locked.exitCode).toBe(6);
});
