import { createHash, randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { type Capability, type CheckReport, clockRow, row } from './capability';
import { probeLock } from './check-s3-lock';
import { lifecycleEffects } from './lifecycle';
import { protectionOf } from '../s3/protection';
import type { Probe } from './probe';
import { createS3Client, type S3Settings } from '../s3/s3-client';
import { s3Code, s3Status } from '../s3/s3-errors';

const SCRATCH = 'vault-dr-check/';
const BODY = Buffer.from('vault-dr repository check\n');

/** @param lockSeconds of the object that tries the lock out; the check waits for its end to remove it. */
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
    const versioned = await hasVersions(probe);
    report.capabilities.push(await probeChecksum(probe));
    report.capabilities.push(await probeWriteOnce(probe, versioned));
    report.capabilities.push(versioningRow(versioned, settings));
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
  return {
    client,
    settings,
    now,
    object,
    stored,
    async put(name, overrides = {}) {
      const sha256 = createHash('sha256').update(BODY).digest('base64');
      const input = { ...object(name), Body: BODY, ContentLength: BODY.length, ChecksumSHA256: sha256, ...overrides };
      const { VersionId } = await client.send(new PutObjectCommand(input));
      stored.add(input.Key);
      return VersionId;
    },
    async refusal(work) {
      try {
        await work();
        return undefined;
      } catch (error) {
        return [s3Status(error) ?? 'no answer', s3Code(error)].join(' ');
      }
    },
  };
}

async function probeAccess(probe: Probe): Promise<Capability> {
  const refused = await refusalOfPutAndGet(probe, 'access');
  return refused === undefined
    ? row('write and read', 'may write and read', 'ok', 'generations can be kept here')
    : row('write and read', `refused: ${refused}`, 'broken', 'nothing can be kept here');
}

async function refusalOfPutAndGet(
  { client, object, put, refusal }: Probe,
  name: string,
  overrides: Partial<PutObjectCommandInput> = {},
): Promise<string | undefined> {
  return refusal(async () => {
    await put(name, overrides);
    await (await client.send(new GetObjectCommand(object(name)))).Body?.transformToByteArray();
  });
}

async function hasVersions({ client, settings, object, put, refusal }: Probe): Promise<boolean> {
  await put('versions');
  await put('versions', {});
  let count = 0;
  const refused = await refusal(async () => {
    const { Key: Prefix } = object('versions');
    count =
      (await client.send(new ListObjectVersionsCommand({ Bucket: settings.bucket, Prefix }))).Versions?.length ?? 0;
  });
  return refused === undefined && count > 1;
}

function versioningRow(versioned: boolean, { objectLock }: S3Settings): Capability {
  if (versioned) return row('versions', 'kept', 'ok', 'neither a plain delete nor an overwrite hides a generation');
  const promise = 'whoever has these credentials can overwrite and delete what is not locked';
  return row('versions', 'not kept, or not listed', objectLock ? 'broken' : 'weaker', promise);
}

async function probeChecksum({ put, refusal }: Probe): Promise<Capability> {
  const wrong = createHash('sha256').update('other bytes').digest('base64');
  const refused = await refusal(() => put('checksum', { ChecksumSHA256: wrong }));
  return refused === undefined
    ? row('wrong bytes', 'stored', 'weaker', 'found when it is read back, not refused at once')
    : row('wrong bytes', `refused: ${refused}`, 'ok', 'what arrives damaged is never stored');
}

async function probeWriteOnce({ put, refusal }: Probe, versioned: boolean): Promise<Capability> {
  const refused = await refusal(() => put('access', { IfNoneMatch: '*' }));
  if (refused?.startsWith('412')) return row('write once', `refused: ${refused}`, 'ok', 'nothing is ever overwritten');
  const found = refused === undefined ? 'a taken key was written again' : `refused: ${refused}`;
  return versioned
    ? row('write once', found, 'weaker', 'the first version counts; a second one takes up room')
    : row('write once', found, 'broken', 'two writers could overwrite each other');
}

async function probeMultipart({ client, settings, object, refusal }: Probe): Promise<Capability> {
  const place = object('multipart');
  const begun: { UploadId?: string } = {};
  const refused = await refusal(async () => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...place, ChecksumAlgorithm: 'SHA256' }));
    begun.UploadId = UploadId;
    const part = { ...place, UploadId, PartNumber: 1, Body: BODY, ContentLength: BODY.length };
    await client.send(new UploadPartCommand(part));
    await client.send(new ListPartsCommand({ ...place, UploadId }));
    await client.send(new ListMultipartUploadsCommand({ Bucket: place.Bucket, Prefix: place.Key }));
  });
  if (begun.UploadId !== undefined) {
    await refusal(() => client.send(new AbortMultipartUploadCommand({ ...place, UploadId: begun.UploadId })));
  }
  const limit = `${settings.multipartThreshold / 1024 ** 2} MiB`;
  return refused === undefined
    ? row(
        'uploads in parts',
        'may begin, list and abort',
        'ok',
        `a larger upload than ${limit} goes on where it was cut`,
      )
    : row('uploads in parts', `refused: ${refused}`, 'weaker', `larger than ${limit}: not kept, or not taken up again`);
}

async function probeEncryption({ client, settings, object, put, refusal }: Probe): Promise<Capability> {
  const { kmsKeyId } = settings;
  const kms = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKeyId, BucketKeyEnabled: true } as const;
  const found: { method?: string; key?: string } = {};
  const refused = await refusal(async () => {
    await put('encryption', kmsKeyId === undefined ? {} : kms);
    const head = await client.send(new HeadObjectCommand(object('encryption')));
    found.method = head.ServerSideEncryption;
    found.key = head.SSEKMSKeyId;
  });
  if (kmsKeyId === undefined) {
    return found.method === undefined
      ? row('encryption by the bucket', 'none', 'weaker', "only vault-dr's own encryption protects what is stored")
      : row('encryption by the bucket', found.method, 'ok', "the bucket's own key, beside vault-dr's encryption");
  }
  const used = found.method === 'aws:kms' && found.key?.endsWith(kmsKeyId.split('/').at(-1) ?? '') === true;
  return used
    ? row('encryption by the bucket', `aws:kms, ${found.key}`, 'ok', 'under the key of the configuration')
    : row(
        'encryption by the bucket',
        refused === undefined ? (found.method ?? 'none') : `refused: ${refused}`,
        'broken',
        `the configuration says kmsKeyId: ${kmsKeyId}`,
      );
}

/** Each only where the configuration asks for it; apart, as the one may be refused and not the other. */
async function probeClassAndTags(probe: Probe): Promise<Capability[]> {
  const { StorageClass, Tagging } = protectionOf(probe.settings);
  const rows: Capability[] = [];
  if (StorageClass !== undefined) {
    const refused = await refusalOfPutAndGet(probe, 'storage-class', { StorageClass });
    rows.push(
      refused === undefined
        ? row('storage class', `${StorageClass}, read at once`, 'ok', 'generations are kept in it')
        : row('storage class', `refused: ${refused}`, 'broken', `the configuration says storageClass: ${StorageClass}`),
    );
  }
  if (Tagging !== undefined) {
    const refused = await refusalOfPutAndGet(probe, 'tags', { Tagging });
    rows.push(
      refused === undefined
        ? row('tags', 'may be set', 'ok', 'generations carry them')
        : row('tags', `refused: ${refused}`, 'broken', 'the configuration says tags: they need s3:PutObjectTagging'),
    );
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
  if (refused !== undefined && !refused.startsWith('404')) {
    return row(
      'lifecycle rules',
      `could not be read: ${refused}`,
      'unknown',
      'look whether a rule deletes generations',
    );
  }
  const { expires, expiresHidden, abortsUploadsAfterDays } = lifecycleEffects(answer.rules, prefix, tags);
  if (expires.length > 0) {
    const how = versioned && expiresHidden.length === 0 ? 'hides' : 'deletes';
    return row(
      'lifecycle rules',
      `${how}: ${expires.join('; ')}`,
      'broken',
      'the bucket deletes, whatever retention says',
    );
  }
  const sweep =
    abortsUploadsAfterDays === null ? '' : `; aborts unfinished uploads after ${abortsUploadsAfterDays} days`;
  return row('lifecycle rules', `none that deletes generations${sweep}`, 'ok', 'only retention deletes');
}

async function probeDeletion(probe: Probe): Promise<{ possible: boolean; row: Capability }> {
  const { client, settings, object, put, refusal } = probe;
  const name = 'delete for good';
  const target = { ...object('deletion'), VersionId: await put('deletion') };
  const refused = await refusal(() => client.send(new DeleteObjectCommand(target)));
  if (refused !== undefined) {
    const promise = 'safe from these credentials; retention can remove nothing';
    return { possible: false, row: row(name, `refused: ${refused}`, 'weaker', promise) };
  }
  return {
    possible: true,
    row: settings.objectLock
      ? row(name, 'may, what is not locked', 'ok', 'retention works; the lock guards what is younger')
      : row(name, 'may', 'weaker', 'retention works, and whoever has these credentials can delete all'),
  };
}

/** Also what earlier checks had to leave. */
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
    if (refused !== undefined) leftovers.push(`${Key}: ${refused}`);
  }
  return leftovers;
}
