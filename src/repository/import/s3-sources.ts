import type { Readable } from 'node:stream';
import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { explainErrors } from '../digest';
import { createS3Client, type S3Settings } from '../s3/s3-client';
import { toRepositoryError } from '../s3/s3-errors';
import type { S3Place } from './s3-url';
import { assertFew, MOST_FILES, placeOf, type SourceFile } from './sources';

/** The object with that key, or those whose keys begin with it. Only reads. */
export async function s3Sources(
  { bucket, prefix }: S3Place,
  settings: S3Settings,
): Promise<{ files: SourceFile[]; isOne: boolean }> {
  const client = createS3Client(settings, 3);
  const explain = (error: unknown, key = '') => toRepositoryError(error, { repository: `s3://${bucket}`, bucket, key });
  const files: SourceFile[] = [];
  let after: string | undefined;
  try {
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: MOST_FILES, ContinuationToken: after }),
      );
      for (const { Key: key = '', Size: sizeBytes = 0, LastModified: modifiedAt = new Date() } of page.Contents ?? []) {
        if (key.endsWith('/')) continue;
        const open = () => read(client, bucket, key, (error) => explain(error, placeOf(key)));
        files.push({ place: placeOf(`s3://${bucket}/${key}`), path: key, sizeBytes, modifiedAt, open });
      }
      assertFew(files.length, `s3://${bucket}/${prefix}`);
      after = page.NextContinuationToken;
    } while (after !== undefined);
  } catch (error) {
    throw explain(error);
  }
  const one = files.find(({ path }) => path === prefix);
  return one ? { files: [one], isOne: true } : { files, isOne: false };
}

async function read(client: S3Client, bucket: string, key: string, explain: (error: unknown) => unknown) {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return explainErrors(Body as Readable, explain);
  } catch (error) {
    throw explain(error);
  }
}

/** Objects directly below the prefix of a repository, by key without it; bounded. */
export async function s3TopLevel(settings: S3Settings) {
  const { bucket, prefix } = settings;
  try {
    const { Contents = [] } = await createS3Client(settings, 3).send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, Delimiter: '/', MaxKeys: MOST_FILES }),
    );
    return Contents.map(({ Key: key = '', Size: sizeBytes = 0, LastModified: storedAt = new Date() }) => ({
      key: key.slice(prefix.length),
      sizeBytes,
      storedAt,
    })).filter(({ key }) => key !== '');
  } catch (error) {
    throw toRepositoryError(error, { repository: `s3://${bucket}`, bucket, key: '' });
  }
}
