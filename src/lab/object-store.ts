import { CreateBucketCommand, type CreateBucketCommandInput, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import '../repository/s3/quiet-sdk';
import { createProcess, type LabProcess } from './processes';
import { BUCKET, type LabLayout } from './layout';

/** The probe uses a bucket of its own. */
const PROBE_BUCKET = 'lab-probe';

export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
}

export function s3Endpoint(layout: LabLayout): string {
  return `http://${layout.services.host}:${layout.objectStore.ports.s3}`;
}

/**
 * The S3 server of the lab: SSE-KMS, versioning, object lock. Its KMS keeps keys in memory, so what is encrypted can't be
 * read after a restart; freeze it to make it unavailable.
 */
export function createObjectStore(
  layout: LabLayout,
  program: string,
  credentials: S3Credentials,
  environment: Record<string, string>,
): LabProcess {
  const { directory, configFile, ports } = layout.objectStore;
  const client = new S3Client({
    endpoint: s3Endpoint(layout),
    region: 'us-east-1',
    forcePathStyle: true,
    credentials,
    maxAttempts: 1,
  });
  return createProcess({
    name: 's3',
    command: [
      program,
      // It logs to standard error; otherwise it would leave log files among the temporary ones.
      '-logtostderr=true',
      'server',
      `-ip=${layout.services.host}`,
      `-ip.bind=${layout.services.host}`,
      `-dir=${directory}`,
      '-master.telemetry=false',
      // With its other raft a master that is started again waits ten to twenty seconds for itself.
      '-master.raftHashicorp',
      '-master.volumeSizeLimitMB=256',
      `-master.port=${ports.master}`,
      `-master.port.grpc=${ports.masterGrpc}`,
      `-volume.port=${ports.volume}`,
      `-volume.port.grpc=${ports.volumeGrpc}`,
      '-volume.max=500',
      '-filer',
      `-filer.port=${ports.filer}`,
      `-filer.port.grpc=${ports.filerGrpc}`,
      '-s3',
      `-s3.port=${ports.s3}`,
      `-s3.port.grpc=${ports.s3Grpc}`,
      '-s3.port.iceberg=0',
      '-s3.port.lance=0',
      `-s3.config=${configFile}`,
    ],
    through: layout.services.through,
    environment,
    logFile: `${layout.directory}/logs/s3.log`,
    isReady: () => isReady(client),
  });
}

/** Identities and the local key provider, as SeaweedFS wants them. */
export function objectStoreConfig(credentials: S3Credentials): string {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = credentials;
  return JSON.stringify({
    identities: [
      {
        name: 'vault-dr',
        credentials: [{ accessKey, secretKey }],
        actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'],
      },
    ],
    kms: {
      default_provider: 'local-dev',
      providers: { 'local-dev': { type: 'local', enableOnDemandCreate: true } },
    },
  });
}

/** Ready means that objects can be written: the server makes buckets seconds before it has a place for what is in them. */
async function isReady(client: S3Client): Promise<boolean> {
  // With object lock a bucket is versioned too.
  await ensureBucket(client, { Bucket: BUCKET, ObjectLockEnabledForBucket: true });
  await ensureBucket(client, { Bucket: PROBE_BUCKET });
  await client.send(new PutObjectCommand({ Bucket: PROBE_BUCKET, Key: 'ready', Body: 'ready' }));
  return true;
}

async function ensureBucket(client: S3Client, bucket: CreateBucketCommandInput): Promise<void> {
  try {
    await client.send(new CreateBucketCommand(bucket));
  } catch (error) {
    const { name } = error as Error;
    if (name !== 'BucketAlreadyOwnedByYou' && name !== 'BucketAlreadyExists') throw error;
  }
}
