import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { parse, stringify } from 'yaml';
import type { BackupResult } from '../../src/contract/backup';
import { KMS_KEY } from '../../src/lab/layout';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { copiesOf } from '../support/backups';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy';
import { useLab } from '../support/lab';
import { readMarkdown } from '../support/markdown';
import { type Seaweed, startSeaweed } from '../support/seaweed';

const EXAMPLE = join(PROJECT_ROOT, 'examples', 'two-clouds');

interface Config {
  clusters: Record<string, { repositories: string[] }>;
  repositories: Record<string, Record<string, unknown> & { bucket: string }>;
}

/**
 * The repositories of the example on two real S3 servers with keys of their own, and the commands of its README. What is
 * replaced is said in `install`: addresses, credentials and the KMS key. The hosts are those of the lab.
 */
describe('the example with two clouds', () => {
  const lab = useLab();
  const awsKeys = () => ({
    AWS_ACCESS_KEY_ID: lab().s3.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: lab().s3.credentials.secretAccessKey,
  });
  let otherCloud: Seaweed;
  let aws: FaultProxy;

  beforeAll(async () => {
    otherCloud = await startSeaweed();
    aws = await startFaultProxy(lab().s3.endpoint);
    await install();
  }, 120_000);

  afterAll(async () => {
    await aws?.stop();
    await otherCloud?.stop();
  });

  it('finds out what the buckets do, makes a backup in both, and compares them with the manifest', async () => {
    const { blocks } = await readMarkdown(join(EXAMPLE, 'README.md'));
    const commands = blocks.filter(({ language }) => language === 'sh').flatMap(({ code }) => code.trim().split('\n'));

    expect(commands).toEqual([
      'vault-dr repository check aws',
      'vault-dr repository check other',
      'vault-dr backup --cluster prod',
      'vault-dr backups verify latest --cluster prod',
    ]);
    const printed = [];
    for (const command of commands) {
      const result = await cli(command.replace('--cluster prod', '--cluster lab').split(' ').slice(1));
      expect({ command, ...result }).toMatchObject({ code: 0 });
      printed.push(result.stdout);
    }
    const [, , backup, verified] = printed;
    expect(backup).toMatch(/aws: stored, hashed/);
    expect(backup).toMatch(/other: stored, hashed/);
    expect(verified).toMatch(/ {2}aws {2}hashed\n.* {2}other {2}hashed\n/);
  }, 120_000);

  it('has one copy while a provider is down, and the other with the next backup', async () => {
    aws.gone = true;
    const down = await backUp();
    aws.gone = false;
    const next = await backUp();

    expect(copiesOf(down)).toEqual(['other hashed']);
    expect(down.missing).toMatchObject([{ repository: 'aws', notice: 'copy-missing' }]);
    expect(copiesOf(next)).toEqual(['aws hashed', 'other hashed']);
    expect(next.caughtUp).toEqual([{ repository: 'aws', generation: down.generation }]);
  }, 120_000);

  async function install(): Promise<void> {
    const { repositories, clusters } = parse(await readFile(join(EXAMPLE, 'vault-dr.yaml'), 'utf8')) as Config;
    const keyFiles = {
      accessKeyId: join(lab().directory, 'other-id'),
      secretAccessKey: join(lab().directory, 'other-secret'),
    };
    await writeFile(keyFiles.accessKeyId, otherCloud.credentials.accessKeyId, { mode: 0o600 });
    await writeFile(keyFiles.secretAccessKey, otherCloud.credentials.secretAccessKey, { mode: 0o600 });
    // A server at an IP address can't have the bucket in its name, and only AWS has keys with ARNs.
    Object.assign(repositories['aws']!, { endpoint: aws.endpoint, forcePathStyle: true, kmsKeyId: KMS_KEY });
    Object.assign(repositories['other']!, {
      endpoint: otherCloud.endpoint,
      forcePathStyle: true,
      credentials: {
        accessKeyId: { file: keyFiles.accessKeyId },
        secretAccessKey: { file: keyFiles.secretAccessKey },
      },
    });
    const config = parse(await readFile(lab().configFile, 'utf8')) as Config;
    Object.assign(config, { repositories });
    config.clusters['lab']!.repositories = clusters['prod']!.repositories;
    await writeFile(lab().configFile, stringify(config));

    // As the README says: object lock is turned on when a bucket is made.
    const inAws = new S3Client({
      endpoint: lab().s3.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: lab().s3.credentials,
    });
    await inAws.send(
      new CreateBucketCommand({ Bucket: repositories['aws']!.bucket, ObjectLockEnabledForBucket: true }),
    );
    inAws.destroy();
    await otherCloud.client.send(
      new CreateBucketCommand({ Bucket: repositories['other']!.bucket, ObjectLockEnabledForBucket: true }),
    );
    // The example names no keys of AWS: they are those of the surroundings.
    await lab().controller.stop();
    await lab().controller.start(['env', ...Object.entries(awsKeys()).map(([name, value]) => `${name}=${value}`)]);
  }

  const cli = (args: string[]) => lab().cli(args, { env: awsKeys() });

  async function backUp(): Promise<BackupResult> {
    const { code, stdout, stderr } = await cli(['backup', '--cluster', 'lab', '--json']);
    if (code !== 0) throw new Error(`the backup ended with ${code}: ${stdout}${stderr}`);
    return JSON.parse(stdout) as BackupResult;
  }
});
