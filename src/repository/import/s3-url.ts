import { DrError } from '../../contract/failures';
import { placeOf } from './sources';

const URL_PATTERN = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,62})(?:\/(.*))?$/s;

export interface S3Place {
  bucket: string;
  /** Key of an object, or prefix of several; empty for the whole bucket. */
  prefix: string;
}

/** Null for anything but `s3://…`. @throws DrError InvalidInput */
export function parseS3Url(text: string): S3Place | null {
  if (!text.startsWith('s3://')) return null;
  const [, bucket, prefix = ''] = URL_PATTERN.exec(text) ?? [];
  if (bucket !== undefined && prefix.length <= 1_024) return { bucket, prefix };
  throw new DrError('InvalidInput', `${placeOf(text)} is not the URL of an object or a prefix.`, {
    advice: 'Use a URL such as s3://bucket/prefix/ or s3://bucket/prefix/vault.snap.',
  });
}
