import type { PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import type { S3Settings } from '../s3/s3-client';

/** One check of one bucket. */
export interface Probe {
  client: S3Client;
  settings: S3Settings;
  now: () => Date;
  /** A key of its own for each purpose. */
  object: (name: string) => { Bucket: string; Key: string };
  put: (name: string, overrides?: Partial<PutObjectCommandInput>) => Promise<string | undefined>;
  /** Undefined if it went well, else status and code of the refusal. */
  refusal: (work: () => Promise<unknown>) => Promise<string | undefined>;
  /** Keys that were stored. */
  stored: Set<string>;
}
