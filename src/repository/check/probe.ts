import type { PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import type { Asked, Refusal } from '../s3/answers';
import type { S3Settings } from '../s3/s3-client';

export interface Refused {
  /** Status and code, or the message of one of our errors. */
  text: string;
  kind: Refusal;
  status: number | undefined;
}

/** One check of one bucket. */
export interface Probe {
  client: S3Client;
  settings: S3Settings;
  now: () => Date;
  /** A separate key for each purpose. */
  object: (name: string) => { Bucket: string; Key: string };
  put: (name: string, overrides?: Partial<PutObjectCommandInput>) => Promise<string | undefined>;
  /** As a backup is written, but for the lock, and read back. */
  putWhole: (name: string, bytes: Buffer, threshold: number) => Promise<void>;
  /** What such writes had to leave out. */
  leftOut: Set<Asked>;
  /** Undefined if it went well. */
  refusal: (work: () => Promise<unknown>) => Promise<Refused | undefined>;
  /** Keys that were stored. */
  stored: Set<string>;
}
