import type { PutObjectCommandInput, StorageClass } from '@aws-sdk/client-s3';
import type { S3Settings } from './s3-client';

/** What the bucket should do with an object beside storing it. */
export type Protection = Pick<
  PutObjectCommandInput,
  | 'ServerSideEncryption'
  | 'SSEKMSKeyId'
  | 'BucketKeyEnabled'
  | 'StorageClass'
  | 'ObjectLockMode'
  | 'ObjectLockRetainUntilDate'
  | 'Tagging'
>;

/** What the configuration asks for each object, but for the lock, whose end depends on the time. */
export function protectionOf({ kmsKeyId, storageClass, tags }: S3Settings): Protection {
  const tagging = Object.entries(tags).map((tag) => tag.map(encodeURIComponent).join('='));
  return {
    ...(kmsKeyId && { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKeyId, BucketKeyEnabled: true }),
    ...(storageClass && { StorageClass: storageClass as StorageClass }),
    ...(tagging.length > 0 && { Tagging: tagging.join('&') }),
  };
}
