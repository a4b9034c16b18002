import { createHash, randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { DrError, isDrError } from '../../contract/failures';
import { digestOf } from '../digest';
import { ANSWERS, type Asked, refusalOf } from '../s3/answers';
import { S3Repository } from '../s3/s3';
import { fromBytes, readSmall } from '../types';
import { type Capability, type CheckReport, clockRow, row, type Verdict } from './capability';
import { probeLock } from './check-s3-lock';
import { lifecycleEffects } from './lifecycle';
import { protectionOf } from '../s3/protection';
import type { Probe, Refused } from './probe';
import { createS3Client, type S3Settings } from '../s3/s3-client';
import { s3Code, s3Status } from '../s3/s3-errors';

const SCRATCH = 'vault-dr-check/';
const MIB = 1024 ** 2;
/** S3's minimum for every part except the last. */
const LEAST_PART = 5 * MIB;
/** Names for people. */
const NAMES: Partial<Record<Asked, string>> = {
  condition: 'If-None-Match',
  checksum: 'a checksum',
  versions: 'versions',
};
const BODY = Buffer.from('vault-dr repository check\n');

/** @param lockSeconds lock of the test object; the check waits for its end to remove it. */
export async function checkBucket(repository: string, settings: S3Settings, lockSeconds = 20): Promise<CheckReport> {
  let offsetMs = 0;
  const client = createS3Client(settings, 2, (serverTime) => {
    offsetMs = serverTime.getTime() - Date.now();
  });
  const probe = newProbe(client, settings, () => new Date(Date.now() + offsetMs));
  const report: CheckReport = { repository, kind: 's3', capabilities: [], leftovers: [] };
  try {
    const access = await probeAccess(probe);
    report.capabilities.push(access);
    if (access.verdict === 'broken') return report;
    // The header has whole seconds.
    report.capabilities.push(clockRow(Math.sign(offsetMs) * Math.max(0, Math.abs(offsetMs) - 1000)));
    report.capabilities.push(await probeWholeWrite(probe));
    const versions = await probeVersions(probe);
    const versioned = versions.kept;
    report.capabilities.push(await probeChecksum(probe));
    report.capabilities.push(await probeWriteOnce(probe, versioned));
    report.capabilities.push(versions.row);
    report.capabilities.push(await probeMultipart(probe));
    report.capabilities.push(await probeEncryption(probe));
    report.capabilities.push(...(await probeClassAndTags(probe)));
    const deletion = await probeDeletion(probe);
    report.capabilities.push(deletion.row);
    report.capabilities.push(...(await probeLock(probe, lockSeconds, deletion.possible)));
    report.capabilities.push(await probeLifecycle(probe, versioned));
    return report;
  } finally {
    report.leftovers = await cleanUp(probe);
    client.destroy();
  }
}

function newProbe(client: S3Client, settings: S3Settings, now: () => Date): Probe {
  const place = `${settings.prefix}${SCRATCH}${randomBytes(4).toString('hex')}`;
  const object = (name: string) => ({ Bucket: settings.bucket, Key: `${place}/${name}` });
  const stored = new Set<string>();
  const leftOut = new Set<Asked>();
  return {
    client,
    settings,
    now,
    object,
    stored,
    leftOut,
    async put(name, overrides = {}) {
      const sha256 = createHash('sha256').update(BODY).digest('base64');
      const checksum = leftOut.has('checksum') ? {} : { ChecksumSHA256: sha256 };
      const input = { ...object(name), Body: BODY, ContentLength: BODY.length, ...checksum, ...overrides };
      const { VersionId } = await client.send(new PutObjectCommand(input));
      stored.add(input.Key);
      return VersionId;
    },
    async putWhole(name, bytes, threshold) {
      stored.add(object(name).Key);
      // The lock is tested separately: this object would stay for as long as the configuration says.
      const { objectLock: _none, ...unlocked } = settings;
      const repository = new S3Repository('check', { ...unlocked, prefix: `${place}/`, multipartThreshold: threshold });
      try {
        await repository.put(name, fromBytes(bytes), digestOf(bytes));
        const read = await readSmall(repository, name, bytes.length);
        if (!read?.equals(bytes)) throw new DrError('CopyDamaged', 'The data read differs from the data written.');
      } finally {
        for (const asked of repository.leftOut) leftOut.add(asked);
      }
    },
    async refusal(work) {
      try {
        await work();
        return undefined;
      } catch (error) {
        const thrown = isDrError(error) ? (error.cause ?? error) : error;
        const text = isDrError(thrown) ? thrown.message : [s3Status(thrown) ?? 'no answer', s3Code(thrown)].join(' ');
        const kind = isDrError(error) && !error.retryable ? 'refused' : refusalOf(error);
        return { text, kind, status: isDrError(thrown) ? undefined : s3Status(thrown) };
      }
    },
  };
}

/** Plain data only; everything else has its own row. */
async function probeAccess(probe: Probe): Promise<Capability> {
  const name = 'write and read';
  const refused = await refusalOfPutAndGet(probe, 'access', { ChecksumSHA256: undefined });
  return refused === undefined
    ? row(name, 'can write and read', 'ok', 'backups can be stored here')
    : refusedRow(name, refused, 'broken', 'backups cannot be stored here');
}

/** The calls that write a backup: the promises of all rows below, combined. */
async function probeWholeWrite(probe: Probe): Promise<Capability> {
  const name = 'as a backup is written';
  const refused = await probe.refusal(() => probe.putWhole('whole', BODY, MIB));
  if (refused !== undefined) return refusedRow(name, refused, 'broken', 'backups cannot be written here');
  const without = [...probe.leftOut].map((asked) => NAMES[asked] ?? asked);
  return without.length === 0
    ? row(name, 'written, and read back', 'ok', 'in one request')
    : row(
        name,
        `written, without ${without.join(' and ')}`,
        'weaker',
        'checked for before each write, and read back afterwards',
      );
}

async function refusalOfPutAndGet(
  { client, object, put, refusal }: Probe,
  name: string,
  overrides: Partial<PutObjectCommandInput> = {},
): Promise<Refused | undefined> {
  return refusal(async () => {
    await put(name, overrides);
    await (await client.send(new GetObjectCommand(object(name)))).Body?.transformToByteArray();
  });
}

/** A temporary refusal is not a broken promise. */
function refusedRow(name: string, { text, kind }: Refused, verdict: Verdict, promise: string): Capability {
  return kind === 'later'
    ? row(name, `refused: ${text}`, 'unknown', 'may be temporary: run the check again')
    : row(name, `refused: ${text}`, verdict, promise);
}

/** Whether a write succeeds without the feature. */
function verdictWithout(asked: Asked, refused: Refused | undefined): 'weaker' | 'broken' {
  const kind = refused?.kind === 'later' ? 'refused' : (refused?.kind ?? 'ignored');
  return ANSWERS[asked][kind] === 'without' ? 'weaker' : 'broken';
}

async function probeVersions(probe: Probe): Promise<{ kept: boolean; row: Capability }> {
  const { client, settings, object, put, refusal } = probe;
  const name = 'versions';
  let count = 0;
  const refused = await refusal(async () => {
    await put('versions');
    await put('versions');
    const { Key: Prefix } = object('versions');
    const listed = await client.send(new ListObjectVersionsCommand({ Bucket: settings.bucket, Prefix }));
    count = listed.Versions?.length ?? 0;
  });
  if (refused !== undefined) {
    const verdict = verdictWithout('versions', refused);
    const promise =
      verdict === 'weaker'
        ? 'deleted or overwritten objects are lost or hidden'
        : 'each write checks the key first, and is refused';
    return { kept: false, row: refusedRow(name, refused, verdict, promise) };
  }
  if (count > 1) {
    return { kept: true, row: row(name, 'kept', 'ok', 'neither a plain delete nor an overwrite hides a backup') };
  }
  const promise = 'anyone with these credentials can overwrite and delete what is not locked';
  return { kept: false, row: row(name, 'not kept', settings.objectLock ? 'broken' : 'weaker', promise) };
}

async function probeChecksum({ leftOut, put, refusal }: Probe): Promise<Capability> {
  const name = 'wrong bytes';
  const promise = 'detected when read back, not refused at once';
  if (leftOut.has('checksum')) return row(name, 'stored: no support for SHA-256', 'weaker', promise);
  const wrong = createHash('sha256').update('other bytes').digest('base64');
  const refused = await refusal(() => put('checksum', { ChecksumSHA256: wrong }));
  return refused === undefined
    ? row(name, 'stored', verdictWithout('checksum', undefined), promise)
    : refusedRow(name, refused, 'ok', 'damaged uploads are never stored');
}

async function probeWriteOnce({ put, refusal }: Probe, versioned: boolean): Promise<Capability> {
  const name = 'write once';
  const refused = await refusal(() => put('access', { IfNoneMatch: '*' }));
  if (refused?.status === 412) return row(name, `refused: ${refused.text}`, 'ok', 'objects are never overwritten');
  const verdict = verdictWithout('condition', refused);
  const promise =
    verdict === 'broken'
      ? 'every write requests it, and is refused'
      : versioned
        ? 'the first version is used; a second one takes up space'
        : 'checked for before each write; of two simultaneous writes the later one wins: enable versioning';
  return refused === undefined
    ? row(name, 'an existing key was overwritten', verdict, promise)
    : refusedRow(name, refused, verdict, promise);
}

async function probeMultipart(probe: Probe): Promise<Capability> {
  const { client, settings, object, refusal, putWhole } = probe;
  const name = 'uploads in parts';
  const limit = `${settings.multipartThreshold / MIB} MiB`;
  const whole = await refusal(() => putWhole('parts', Buffer.alloc(LEAST_PART + 1, BODY), LEAST_PART));
  if (whole !== undefined) {
    const promise = `backups larger than ${limit} are refused: raise multipartThreshold (5GiB at most)`;
    return refusedRow(name, whole, 'weaker', promise);
  }
  const place = object('multipart');
  const begun: { UploadId?: string } = {};
  const refused = await refusal(async () => {
    begun.UploadId = (await client.send(new CreateMultipartUploadCommand(place))).UploadId;
    const part = { ...place, UploadId: begun.UploadId, PartNumber: 1, Body: BODY, ContentLength: BODY.length };
    await client.send(new UploadPartCommand(part));
    await client.send(new ListPartsCommand({ ...place, UploadId: begun.UploadId }));
    await client.send(new ListMultipartUploadsCommand({ Bucket: place.Bucket, Prefix: place.Key }));
  });
  if (begun.UploadId !== undefined) {
    await refusal(() => client.send(new AbortMultipartUploadCommand({ ...place, UploadId: begun.UploadId })));
  }
  return refused === undefined
    ? row(name, 'can start, list and abort', 'ok', `an upload larger than ${limit} resumes where it was interrupted`)
    : refusedRow(name, refused, 'weaker', `an upload larger than ${limit} starts over when it is interrupted`);
}

async function probeEncryption({ client, settings, object, put, refusal }: Probe): Promise<Capability> {
  const name = 'encryption by the bucket';
  const { kmsKeyId } = settings;
  const { ServerSideEncryption, SSEKMSKeyId, BucketKeyEnabled } = protectionOf(settings);
  const found: { method?: string; key?: string } = {};
  const refused = await refusal(async () => {
    await put('encryption', { ServerSideEncryption, SSEKMSKeyId, BucketKeyEnabled });
    const head = await client.send(new HeadObjectCommand(object('encryption')));
    found.method = head.ServerSideEncryption;
    found.key = head.SSEKMSKeyId;
  });
  if (kmsKeyId === undefined) {
    return found.method === undefined
      ? row(name, 'none', 'weaker', "only vault-dr's own encryption protects the backups")
      : row(name, found.method, 'ok', "the bucket's own key, in addition to vault-dr's encryption");
  }
  const promised = `the configuration requires kmsKeyId: ${kmsKeyId}`;
  if (refused !== undefined) return refusedRow(name, refused, verdictWithout('encryption', refused), promised);
  const used = found.method === 'aws:kms' && found.key?.endsWith(kmsKeyId.split('/').at(-1) ?? '') === true;
  return used
    ? row(name, `aws:kms, ${found.key}`, 'ok', 'encrypted with the configured key')
    : row(name, found.method ?? 'none', verdictWithout('encryption', undefined), promised);
}

/** Each only if configured; separately, because one may be refused and not the other. */
async function probeClassAndTags(probe: Probe): Promise<Capability[]> {
  const { client, object, refusal } = probe;
  const { StorageClass, Tagging } = protectionOf(probe.settings);
  const rows: Capability[] = [];
  if (StorageClass !== undefined) {
    const name = 'storage class';
    const promised = `the configuration requires storageClass: ${StorageClass}`;
    const refused = await refusalOfPutAndGet(probe, 'storage-class', { StorageClass });
    // Servers omit the default.
    let used: string = 'STANDARD';
    await refusal(async () => {
      used = (await client.send(new HeadObjectCommand(object('storage-class')))).StorageClass ?? used;
    });
    if (refused !== undefined) rows.push(refusedRow(name, refused, verdictWithout('storage class', refused), promised));
    else if (used === StorageClass)
      rows.push(row(name, `${StorageClass}, with immediate access`, 'ok', 'backups are stored in it'));
    else rows.push(row(name, `ignored: ${used}`, verdictWithout('storage class', undefined), promised));
  }
  if (Tagging !== undefined) {
    const promised = 'the configuration requires tags: they need s3:PutObjectTagging';
    const refused = await refusalOfPutAndGet(probe, 'tags', { Tagging });
    let count: number | undefined;
    await refusal(async () => {
      count = (await client.send(new GetObjectTaggingCommand(object('tags')))).TagSet?.length ?? 0;
    });
    if (refused !== undefined) rows.push(refusedRow('tags', refused, verdictWithout('tags', refused), promised));
    else if (count !== 0) rows.push(row('tags', 'can be set', 'ok', 'backups are tagged'));
    else rows.push(row('tags', 'ignored', verdictWithout('tags', undefined), 'backups are not tagged'));
  }
  return rows;
}

async function probeLifecycle({ client, settings, refusal }: Probe, versioned: boolean): Promise<Capability> {
  const { bucket, prefix, tags } = settings;
  const answer: { rules: NonNullable<Parameters<typeof lifecycleEffects>[0]> } = { rules: [] };
  const refused = await refusal(async () => {
    const command = new GetBucketLifecycleConfigurationCommand({ Bucket: bucket });
    answer.rules = (await client.send(command)).Rules ?? [];
  });
  if (refused !== undefined && refused.status !== 404) {
    return row(
      'lifecycle rules',
      `could not be read: ${refused.text}`,
      'unknown',
      'check whether a rule deletes backups',
    );
  }
  const { expires, expiresHidden, abortsUploadsAfterDays } = lifecycleEffects(answer.rules, prefix, tags);
  if (expires.length > 0) {
    const how = versioned && expiresHidden.length === 0 ? 'hides' : 'deletes';
    return row(
      'lifecycle rules',
      `${how}: ${expires.join('; ')}`,
      'broken',
      'the bucket deletes backups regardless of retention',
    );
  }
  const sweep =
    abortsUploadsAfterDays === null ? '' : `; aborts unfinished uploads after ${abortsUploadsAfterDays} days`;
  return row('lifecycle rules', `none that deletes backups${sweep}`, 'ok', 'only retention deletes backups');
}

async function probeDeletion(probe: Probe): Promise<{ possible: boolean; row: Capability }> {
  const { client, settings, object, put, refusal } = probe;
  const name = 'delete for good';
  const refused = await refusal(async () => {
    const target = { ...object('deletion'), VersionId: await put('deletion') };
    await client.send(new DeleteObjectCommand(target));
  });
  if (refused !== undefined) {
    const promise = "safe from these credentials; retention can't remove anything";
    return { possible: false, row: refusedRow(name, refused, 'weaker', promise) };
  }
  return {
    possible: true,
    row: settings.objectLock
      ? row(name, 'possible for unlocked objects', 'ok', 'retention works; younger backups are locked')
      : row(name, 'may', 'weaker', 'retention works, and anyone with these credentials can delete every backup'),
  };
}

/** Including leftovers of earlier checks. */
async function cleanUp({ client, settings, refusal, stored }: Probe): Promise<string[]> {
  const { bucket: Bucket, prefix } = settings;
  const found: { Key?: string; VersionId?: string }[] = [];
  const unlisted = await refusal(async () => {
    const command = new ListObjectVersionsCommand({ Bucket, Prefix: `${prefix}${SCRATCH}` });
    const { Versions = [], DeleteMarkers = [] } = await client.send(command);
    found.push(...Versions, ...DeleteMarkers);
  });
  if (unlisted !== undefined) found.push(...[...stored].map((Key) => ({ Key })));
  const leftovers: string[] = [];
  for (const { Key, VersionId } of found) {
    const refused = await refusal(() => client.send(new DeleteObjectCommand({ Bucket, Key, VersionId })));
    if (refused !== undefined) leftovers.push(`${Key}: ${refused.text}`);
  }
  return leftovers;
}
