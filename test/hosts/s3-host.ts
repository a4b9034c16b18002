import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import '../../src/repository/s3/quiet-sdk';
import { objectStoreConfig } from '../../src/lab/object-store';
import { waitFor } from '../../src/lab/processes';
import type { Machine } from './machine';
import { addressOf, fullName } from './network';
import type { SiteSecrets } from './secrets';

export const BUCKET = 'vault-backups';
const PORT = 8333;
export const S3_ENDPOINT = `http://${fullName('s3')}:${PORT}`;

const UNIT = `[Unit]
Description=SeaweedFS
After=network-online.target

[Service]
ExecStart=/usr/local/bin/weed -logtostderr=true server -ip=${addressOf('s3')} -ip.bind=0.0.0.0 -dir=/var/lib/weed \\
  -master.telemetry=false -master.raftHashicorp -master.volumeSizeLimitMB=256 -volume.max=500 -filer -s3 \\
  -s3.port=${PORT} -s3.port.iceberg=0 -s3.port.lance=0 -s3.config=/etc/weed.json
StateDirectory=weed
Restart=always

[Install]
WantedBy=multi-user.target
`;

/** S3 with versions and object lock. */
export async function installS3(machine: Machine, { s3 }: SiteSecrets): Promise<void> {
  await machine.write('/etc/weed.json', objectStoreConfig(s3), { mode: 0o600 });
  await machine.write('/etc/systemd/system/weed.service', UNIT);
  await machine.must(['systemctl', 'daemon-reload']);
  await machine.must(['systemctl', 'enable', '--now', 'weed']);
  const client = new S3Client({
    endpoint: `http://${addressOf('s3')}:${PORT}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: s3,
    maxAttempts: 1,
  });
  await waitFor('S3 takes objects', () => createBucket(client), { timeoutMs: 120_000, everyMs: 500 });
}

async function createBucket(client: S3Client): Promise<boolean> {
  try {
    await client.send(new CreateBucketCommand({ Bucket: BUCKET, ObjectLockEnabledForBucket: true }));
  } catch (error) {
    if (!(error as Error).name.startsWith('BucketAlready')) throw error;
  }
  return true;
}
