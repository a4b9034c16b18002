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
  /** Written like a backup, except for the lock, and read back. */
  putWhole: (name: string, bytes: Buffer, threshold: number) => Promise<void>;
  /** Features that such writes had to omit. */
  leftOut: Set<Asked>;
  /** Undefined on success. */
  refusal: (work: () => Promise<unknown>) => Promise<Refused | undefined>;
  /** Keys that were stored. */
  stored: Set<string>;
}
