import { DrError, type FailureCode, isDrError } from '../../contract/failures';

export interface S3Place {
  repository: string;
  bucket: string;
  key: string;
}

/** Common fields of the SDK's errors; the answer to a HEAD has no body, so often there is only a status. */
interface S3Failure {
  name?: string;
  /** Node's code of a failed connection. */
  code?: string;
  Code?: string;
  message?: string;
  $metadata?: { httpStatusCode?: number };
}

interface Verdict {
  code: FailureCode;
  advice: string;
}

const EXPIRED_CODES = new Set(['ExpiredToken', 'TokenRefreshRequired', 'CredentialsProviderError']);
const WRONG_BYTES_CODES = new Set([
  'BadDigest',
  'InvalidDigest',
  'XAmzContentSHA256Mismatch',
  'XAmzContentChecksumMismatch',
]);
/** Errors that S3 reports as the client's, and that another attempt may not get. */
const PASSING_CODES = new Set([
  'RequestTimeout',
  'IncompleteBody',
  'OperationAborted',
  'ConditionalRequestConflict',
  'NoSuchUpload',
]);
const PASSING_STATUSES = new Set([408, 409, 412, 429]);

/** S3's own code, or the name of the SDK's error. */
export function s3Code(error: unknown): string {
  const { Code, name } = error as S3Failure;
  return Code ?? name ?? 'Unknown';
}

/** Undefined if there was no answer. */
export function s3Status(error: unknown): number | undefined {
  return (error as S3Failure).$metadata?.httpStatusCode;
}

/** The bytes that arrived differ from those sent. */
export function isWrongBytes(code: string): boolean {
  return WRONG_BYTES_CODES.has(code);
}

/** Whether the same request may succeed later. */
export function passesByItself(code: string, status: number | undefined): boolean {
  if (EXPIRED_CODES.has(code) || status === undefined || PASSING_CODES.has(code)) return true;
  return (status >= 500 && status !== 501) || PASSING_STATUSES.has(status);
}

/** Explains an error answer of S3, or the lack of an answer. */
export function toRepositoryError(error: unknown, place: S3Place, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (isDrError(error)) return error;
  const { code, message } = error as S3Failure;
  const status = s3Status(error);
  const answer =
    status === undefined
      ? ['does not answer:', code ?? s3Code(error), message]
      : ['answered', status, s3Code(error), message];
  const where = `${place.repository} (bucket ${place.bucket}${place.key === '' ? '' : `, ${place.key}`})`;
  const said = [where, ...answer].filter(Boolean).join(' ').replace(/\.$/, '');
  const verdict = verdictOn(s3Code(error), status);
  return new DrError(verdict.code, `${said}.`, { where: place.repository, advice: verdict.advice, cause: error });
}

function verdictOn(code: string, status: number | undefined): Verdict {
  if (EXPIRED_CODES.has(code)) {
    return {
      code: 'AuthenticationFailed',
      advice: "The credentials have expired or can't be found: renew them, or set them in the configuration.",
    };
  }
  if (WRONG_BYTES_CODES.has(code)) {
    return {
      code: 'CopyDamaged',
      advice: 'The uploaded data does not match the manifest, and nothing was stored. Check the source and its disk.',
    };
  }
  if (code === 'NoSuchBucket') {
    return { code: 'InvalidConfiguration', advice: 'Check bucket, region and endpoint of the repository.' };
  }
  if (code === 'InvalidObjectState') {
    return {
      code: 'InvalidConfiguration',
      advice:
        'It is in an archive tier and must be restored before it can be read: `aws s3api restore-object`. Remove the storage class or the ' +
        'lifecycle rule that moved it there.',
    };
  }
  if (code === 'RequestTimeTooSkewed') {
    return { code: 'InvalidConfiguration', advice: "Correct this host's clock." };
  }
  if (status === 401 || status === 403) {
    return {
      code: 'PermissionDenied',
      advice:
        'Check the credentials. They need s3:PutObject, GetObject, GetObjectVersion, ListBucket and ListBucketVersions; with Object ' +
        'Lock s3:PutObjectRetention and GetObjectRetention; with tags s3:PutObjectTagging; with a KMS key kms:GenerateDataKey and ' +
        'kms:Decrypt; for multipart uploads s3:ListBucketMultipartUploads, ListMultipartUploadParts and AbortMultipartUpload; for ' +
        'retention s3:DeleteObjectVersion. `vault-dr repository check` tests them.',
    };
  }
  if (passesByItself(code, status)) {
    return {
      code: 'RepositoryUnavailable',
      advice: 'vault-dr retries. If the error persists, check the network, the endpoint and the state of the service.',
    };
  }
  return {
    code: 'InvalidConfiguration',
    advice:
      'Check the settings of the bucket: Object Lock, versioning, the KMS key and its state, the storage class, the region.',
  };
}
