import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { patient } from '../../src/lab/processes';

const START_TIMEOUT_MS = 45_000;
const WRITER = { accessKeyId: 'writer', secretAccessKey: 'writer-secret' };
const READER = { accessKeyId: 'reader', secretAccessKey: 'reader-secret' };

export interface Seaweed {
  endpoint: string;
  /** Of the one who may do everything. */
  credentials: typeof WRITER;
  /** Of one who may only read. */
  reader: typeof READER;
  client: S3Client;
  stop(): Promise<void>;
}

/** A real S3 server with versions, Object Lock, SSE-KMS and SHA-256 checksums on a free port of 127.0.0.1. */
/** @param anybody whether it takes what nobody has signed */
export async function startSeaweed({ anybody = false } = {}): Promise<Seaweed> {
  const directory = await mkdtemp(join(tmpdir(), 'seaweed-'));
  const config = join(directory, 's3.json');
  await mkdir(join(directory, 'data'));
  await writeFile(config, JSON.stringify(s3Config(anybody)));
  const [master, masterGrpc, volume, volumeGrpc, filer, filerGrpc, s3, s3Grpc] = await freePorts(8);
  const server = spawn(
    weedProgram(),
    [
      'server',
      '-ip=127.0.0.1',
      '-ip.bind=127.0.0.1',
      `-dir=${join(directory, 'data')}`,
      `-master.port=${master}`,
      `-master.port.grpc=${masterGrpc}`,
      '-master.telemetry=false',
      '-master.volumePreallocate=false',
      '-master.volumeSizeLimitMB=64',
      `-volume.port=${volume}`,
      `-volume.port.grpc=${volumeGrpc}`,
      '-volume.max=1000',
      '-filer',
      `-filer.port=${filer}`,
      `-filer.port.grpc=${filerGrpc}`,
      '-s3',
      `-s3.port=${s3}`,
      `-s3.port.grpc=${s3Grpc}`,
      '-s3.port.iceberg=0',
      '-s3.port.lance=0',
      `-s3.config=${config}`,
    ],
    { stdio: 'ignore', cwd: directory },
  );
  const endpoint = `http://127.0.0.1:${s3}`;
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: WRITER,
    maxAttempts: 1,
  });
  const stop = async () => {
    client.destroy();
    await end(server);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await untilItStores(client, server);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, credentials: WRITER, reader: READER, client, stop };
}

function weedProgram(): string {
  const cache = process.env['VAULT_DR_CACHE'] ?? join(homedir(), '.cache', 'vault-dr');
  const program = join(cache, 'bin', 'weed');
  if (existsSync(program)) return program;
  throw new Error(`There is no ${program}. Put SeaweedFS there, or name the cache in VAULT_DR_CACHE.`);
}

function s3Config(anybody: boolean): unknown {
  const identity = (name: string, keys: typeof WRITER, actions: string[]) => ({
    name,
    credentials: [{ accessKey: keys.accessKeyId, secretKey: keys.secretAccessKey }],
    actions,
  });
  return {
    identities: [
      identity('writer', WRITER, ['Admin', 'Read', 'List', 'Write']),
      identity('reader', READER, ['Read', 'List']),
      ...(anybody ? [{ name: 'anonymous', actions: ['Admin', 'Read', 'List', 'Write'] }] : []),
    ],
    kms: { default_provider: 'local', providers: { local: { type: 'local', enableOnDemandCreate: true } } },
  };
}

/** It answers before it can store anything. */
async function untilItStores(client: S3Client, server: ChildProcess): Promise<void> {
  const deadline = Date.now() + patient(START_TIMEOUT_MS);
  for (;;) {
    if (server.exitCode !== null)
      throw new Error(`weed ended with exit code ${server.exitCode} before it stored anything.`);
    try {
      const object = { Bucket: 'warm-up', Key: 'object' };
      await client.send(new CreateBucketCommand({ Bucket: object.Bucket })).catch(() => undefined);
      await client.send(new PutObjectCommand({ ...object, Body: 'x' }));
      await client.send(new DeleteObjectCommand(object));
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(200);
    }
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            if (typeof address === 'object' && address) resolve(address.port);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGKILL');
  await ended;
}
