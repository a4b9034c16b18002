import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { CreateBucketCommand, ListObjectVersionsCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { S3Repository } from '../../src/repository/s3/s3';
import type { S3Settings } from '../../src/repository/s3/s3-client';
import type { StoredObject } from '../../src/repository/types';
import { type FaultProxy, startFaultProxy } from './fault-proxy';
import { type Seaweed, startSeaweed } from './seaweed';

/** Large enough for the SDK to ask before it sends, and for many chunks. */
export const BYTES = randomBytes(5 * 1024 * 1024);

/** One S3 server with a proxy before it and a scratch directory, for all tests of a file. */
export class S3Fixture {
  seaweed!: Seaweed;
  proxy!: FaultProxy;
  #root = '';
  #made = 0;

  /** Call it once, at the top of the test file. */
  static use(server: { anybody?: boolean } = {}): S3Fixture {
    const fixture = new S3Fixture();
    beforeAll(async () => {
      fixture.#root = mkdtempSync(join(tmpdir(), 's3-fixture-'));
      fixture.seaweed = await startSeaweed(server);
      fixture.proxy = await startFaultProxy(fixture.seaweed.endpoint);
    });
    beforeEach(() => {
      fixture.proxy.decide = () => undefined;
      fixture.proxy.seen = [];
    });
    afterAll(async () => {
      await fixture.proxy.stop();
      await fixture.seaweed.stop();
      rmSync(fixture.#root, { recursive: true, force: true });
    });
    return fixture;
  }

  async newDirectory(): Promise<string> {
    const path = join(this.#root, `directory-${this.#made++}`);
    await mkdir(path);
    return path;
  }

  async newBucket(kind: 'locked' | 'versioned' | 'plain' = 'plain'): Promise<string> {
    const bucket = `bucket-${this.#made++}`;
    const { client } = this.seaweed;
    await client.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: kind === 'locked' }));
    if (kind === 'versioned') {
      const versioning = { Status: 'Enabled' as const };
      await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: versioning }));
    }
    return bucket;
  }

  settingsOn(bucket: string, overrides: Partial<S3Settings> = {}): S3Settings {
    return {
      bucket,
      prefix: 'vault/',
      region: 'us-east-1',
      endpoint: this.seaweed.endpoint,
      forcePathStyle: true,
      tags: {},
      multipartThreshold: 1024 ** 3,
      credentials: this.seaweed.credentials,
      ...overrides,
    };
  }

  repositoryOn(bucket: string, overrides: Partial<S3Settings> = {}): S3Repository {
    return new S3Repository('offsite', this.settingsOn(bucket, overrides));
  }

  /** Through the proxy, with time-outs that a test can wait for. */
  shakyRepositoryOn(bucket: string): S3Repository {
    const timeouts = { connectMs: 1000, answerMs: 3000, idleMs: 3000 };
    return this.repositoryOn(bucket, { endpoint: this.proxy.endpoint, timeouts });
  }

  async versionsIn(bucket: string): Promise<{ versions: number; markers: number }> {
    const command = new ListObjectVersionsCommand({ Bucket: bucket });
    const { Versions = [], DeleteMarkers = [] } = await this.seaweed.client.send(command);
    return { versions: Versions.length, markers: DeleteMarkers.length };
  }
}

export async function allBelow(repository: S3Repository, prefix: string): Promise<StoredObject[]> {
  const found: StoredObject[] = [];
  for await (const object of repository.list(prefix)) found.push(object);
  return found;
}

export async function contentOf(repository: S3Repository, key: string): Promise<Buffer | null> {
  const stream = await repository.get(key);
  return stream && buffer(stream);
}
