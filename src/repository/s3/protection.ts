import type { PutObjectCommandInput, StorageClass } from '@aws-sdk/client-s3';
import type { S3Settings } from './s3-client';

/** Protection requested for an object. */
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

/** The configured protection of each object, except the lock, whose end depends on the time. */
export function protectionOf({ kmsKeyId, storageClass, tags }: S3Settings): Protection {
  const tagging = Object.entries(tags).map((tag) => tag.map(encodeURIComponent).join('='));
  return {
    ...(kmsKeyId && { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKeyId, BucketKeyEnabled: true }),
    ...(storageClass && { StorageClass: storageClass as StorageClass }),
    ...(tagging.length > 0 && { Tagging: tagging.join('&') }),
  };
}
