import { S3ServiceException } from '@aws-sdk/client-s3';
import { DrError } from '../../../../src/contract/failures';
import { toRepositoryError } from '../../../../src/repository/s3/s3-errors';

const PLACE = { repository: 'offsite', bucket: 'vault-backups', key: 'prod/x/manifest.json' };

/** As the SDK makes it of an answer; most of these answers can't be had from a test server. */
function answer(status: number, code: string): S3ServiceException {
  return new S3ServiceException({
    name: code,
    message: 'as S3 words it.',
    $fault: 'client',
    $metadata: { httpStatusCode: status },
  });
}

describe('an answer of S3', () => {
  it.each([
    [503, 'SlowDown', 'RepositoryUnavailable', true],
    [500, 'InternalError', 'RepositoryUnavailable', true],
    [429, 'TooManyRequests', 'RepositoryUnavailable', true],
    [412, 'PreconditionFailed', 'RepositoryUnavailable', true],
    [409, 'ConditionalRequestConflict', 'RepositoryUnavailable', true],
    [400, 'RequestTimeout', 'RepositoryUnavailable', true],
    [400, 'ExpiredToken', 'AuthenticationFailed', true],
    [403, 'AccessDenied', 'PermissionDenied', false],
    [403, 'InvalidAccessKeyId', 'PermissionDenied', false],
    [403, 'InvalidObjectState', 'InvalidConfiguration', false],
    [403, 'RequestTimeTooSkewed', 'InvalidConfiguration', false],
    [404, 'NoSuchBucket', 'InvalidConfiguration', false],
    [301, 'PermanentRedirect', 'InvalidConfiguration', false],
    [400, 'KMS.DisabledException', 'InvalidConfiguration', false],
    [400, 'InvalidRequest', 'InvalidConfiguration', false],
    [501, 'NotImplemented', 'InvalidConfiguration', false],
    [400, 'BadDigest', 'CopyDamaged', false],
  ] as const)('%i %s becomes %s', (status, code, expected, retryable) => {
    const error = toRepositoryError(answer(status, code), PLACE) as DrError;

    expect(error).toMatchObject({ code: expected, retryable, where: 'offsite', advice: expect.any(String) });
    expect(error.message).toBe(
      `offsite (bucket vault-backups, prod/x/manifest.json) answered ${status} ${code} as S3 words it.`,
    );
  });

  it('that never came is for later', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:443'), { code: 'ECONNREFUSED' });

    const error = toRepositoryError(refused, { ...PLACE, key: '' });

    expect(error).toMatchObject({
      code: 'RepositoryUnavailable',
      message: 'offsite (bucket vault-backups) does not answer: ECONNREFUSED connect ECONNREFUSED 10.0.0.1:443.',
    });
  });

  it('is not explained once the call was aborted: the reason of the signal counts', () => {
    const reason = new Error('cancelled');

    const error = toRepositoryError(answer(503, 'SlowDown'), PLACE, AbortSignal.abort(reason));

    expect(error).toBe(reason);
  });

  it('that was explained before stays as it is', () => {
    const before = new DrError('CopyDamaged', 'the source is damaged');

    expect(toRepositoryError(before, PLACE)).toBe(before);
  });
});
