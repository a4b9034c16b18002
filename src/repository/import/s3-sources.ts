import type { Readable } from 'node:stream';
import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { DrError } from '../../contract/failures';
import { explainErrors } from '../digest';
import { createS3Client, type S3Settings } from '../s3/s3-client';
import { toRepositoryError } from '../s3/s3-errors';
import { assertFew, MOST_FILES, placeOf, type SourceFile } from './sources';

const URL_PATTERN = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,62})(?:\/(.*))?$/s;

export interface S3Place {
  bucket: string;
  /** Of an object, or what several begin with; empty for the whole bucket. */
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

/** The object of that name, or those whose names begin so. Reads only. */
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

/** Objects right below the prefix of a repository, by their keys without it; of very many the first ones. */
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
