import { DrError, isDrError } from '../contract/failures';

export interface S3Place {
  repository: string;
  bucket: string;
  key: string;
}

/** What the SDK's errors have in common; a HEAD has no body, so often there is a status and nothing else. */
interface S3Failure {
  name?: string;
  Code?: string;
  message?: string;
  $metadata?: { httpStatusCode?: number };
}

/** S3's own code, or the name of what the SDK or Node threw. */
export function s3Code(error: unknown): string {
  const { Code, name } = error as S3Failure;
  return Code ?? name ?? 'Unknown';
}

export function s3Status(error: unknown): number | undefined {
  return (error as S3Failure).$metadata?.httpStatusCode;
}

/** An answer that another attempt at the same thing may change: the time-outs and conflicts that S3 words as a 4xx. */
const PASSING = new Set(['RequestTimeout', 'IncompleteBody', 'OperationAborted', 'ConditionalRequestConflict']);
const PASSING_STATUS = new Set([408, 409, 412, 429]);
const WRONG_BYTES = new Set(['BadDigest', 'InvalidDigest', 'XAmzContentSHA256Mismatch', 'XAmzContentChecksumMismatch']);
const EXPIRED = new Set(['ExpiredToken', 'CredentialsProviderError', 'TokenRefreshRequired']);

/** The one place that says what an answer of S3, or the lack of one, means. */
export function toRepositoryError(error: unknown, place: S3Place, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (isDrError(error)) return error;
  const code = s3Code(error);
  const status = s3Status(error);
  const at = `${place.repository} (bucket ${place.bucket}${place.key === '' ? '' : `, ${place.key}`})`;
  const answer = `${at} answered ${[status, code, (error as S3Failure).message].filter(Boolean).join(' ')}`;
  const about = { where: place.repository, cause: error };
  if (EXPIRED.has(code)) {
    return new DrError('AuthenticationFailed', `${at}: the credentials have expired or can't be found (${code}).`, {
      ...about,
      advice: "Renew them, or name them under the repository's `credentials`.",
    });
  }
  if (code === 'NoSuchBucket') {
    return new DrError('InvalidConfiguration', `${at}: there is no such bucket.`, {
      ...about,
      advice: 'Check bucket, region and endpoint of the repository.',
    });
  }
  if (code === 'RequestTimeTooSkewed') {
    return new DrError('InvalidConfiguration', `${answer}.`, { ...about, advice: "Correct this host's clock." });
  }
  if (WRONG_BYTES.has(code)) {
    return new DrError(
      'CopyDamaged',
      `${answer}: the bytes that arrived are not the ones of the manifest. Nothing was stored.`,
      {
        ...about,
        advice: 'Check the staged file and the disk it lies on.',
      },
    );
  }
  if (status === undefined || status >= 500 || PASSING.has(code) || PASSING_STATUS.has(status)) {
    return status === 501
      ? unusable(answer, about)
      : unavailable(status === undefined ? `${at} can't be reached: ${reasonOf(error)}` : answer, about);
  }
  if (status === 401 || status === 403) {
    return new DrError('PermissionDenied', `${answer}.`, {
      ...about,
      advice:
        'The credentials need s3:PutObject, GetObject, GetObjectVersion, ListBucket and ListBucketVersions, s3:PutObjectRetention and ' +
        'GetObjectRetention with Object Lock, kms:GenerateDataKey and kms:Decrypt with a KMS key; retention also s3:DeleteObjectVersion.',
    });
  }
  return unusable(answer, about);
}

interface About {
  where: string;
  cause: unknown;
}

function unavailable(message: string, about: About): DrError {
  return new DrError('RepositoryUnavailable', `${message}.`, {
    ...about,
    advice: 'It is tried again. If it stays so, check the network, the endpoint and the state of the service.',
  });
}

function unusable(message: string, about: About): DrError {
  return new DrError('InvalidConfiguration', `${message}.`, {
    ...about,
    advice:
      'Check what the bucket allows: Object Lock and versioning, the KMS key and its state, the storage class, the region.',
  });
}

/** Node's network errors often have a code and no message. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return [code, message].filter(Boolean).join(' ') || s3Code(error);
}
