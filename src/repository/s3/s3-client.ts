import { S3Client } from '@aws-sdk/client-s3';
import type { RepositoryConfig } from '../../config/schema';
import { TunnelAgent } from './tunnel-agent';
import './quiet-sdk';

export interface S3Settings extends Omit<Extract<RepositoryConfig, { type: 's3' }>, 'type' | 'credentials'> {
  /** Default: the AWS default chain. */
  credentials?: { accessKeyId: string; secretAccessKey: string };
  timeouts?: S3Timeouts;
}

export interface S3Timeouts {
  connectMs: number;
  /** Until the answer begins, for calls without a body. */
  answerMs: number;
  /** Without a byte in either direction. */
  idleMs: number;
}

export const TIMEOUTS: S3Timeouts = { connectMs: 10_000, answerMs: 30_000, idleMs: 60_000 };

/** Failures become errors; the SDK would also write to the console, which belongs to the CLI. */
const SILENT = { debug: noop, info: noop, warn: noop, error: noop };

/** @param onServerTime gets the server's time of each answer, in whole seconds. */
export function createS3Client(
  settings: S3Settings,
  maxAttempts: number,
  onServerTime: (serverTime: Date) => void = noop,
): S3Client {
  const { region, endpoint, forcePathStyle, credentials, timeouts = TIMEOUTS } = settings;
  const client = new S3Client({
    region,
    forcePathStyle,
    maxAttempts,
    logger: SILENT,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    // Each upload has the SHA-256 of the manifest; not every server accepts another checksum.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      httpsAgent: new TunnelAgent(),
      connectionTimeout: timeouts.connectMs,
      socketTimeout: timeouts.idleMs,
      throwOnRequestTimeout: true,
    },
  });
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = result.response as { headers?: Record<string, string> };
      const serverTime = Date.parse(headers?.['date'] ?? '');
      if (!Number.isNaN(serverTime)) onServerTime(new Date(serverTime));
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'serverClock' },
  );
  return client;
}

function noop(): void {}
