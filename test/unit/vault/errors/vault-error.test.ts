import { FAILURES } from '../../../../src/contract/failures';
import { isCutOff, toConnectionError, toVaultError } from '../../../../src/vault/errors/vault-error';

const body = (...errors: string[]) => JSON.stringify({ errors });

describe('toVaultError', () => {
  it.each([
    [403, 'sys/storage/raft/snapshot', 'PermissionDenied'],
    [400, 'auth/approle/login', 'AuthenticationFailed'],
    [403, 'auth/team/approle/login', 'AuthenticationFailed'],
    [503, 'auth/approle/login', 'VaultUnavailable'],
    [400, 'sys/unseal', 'VaultRefused'],
    [404, 'nope/x', 'VaultRefused'],
    [405, 'sys/generate-root/attempt', 'VaultRefused'],
    [307, 'sys/storage/raft/snapshot', 'VaultUnavailable'],
    [412, 'secret/x', 'VaultUnavailable'],
    [429, 'secret/x', 'VaultUnavailable'],
    [473, 'secret/x', 'VaultUnavailable'],
    [500, 'sys/storage/raft/snapshot-force', 'VaultUnavailable'],
    [503, 'sys/leader', 'VaultUnavailable'],
  ] as const)('turns %d of %s into %s', (status, path, code) => {
    const error = toVaultError(status, body('something'), 'vault-1', path);

    expect(error).toMatchObject({ code, where: 'vault-1', retryable: FAILURES[code].retryable });
    expect(error.message).toContain('vault-1');
    expect(error.advice).toBeTruthy();
  });

  it("carries Vault's words on one line, what they mean, and advice", () => {
    const error = toVaultError(
      403,
      body('2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'),
      'vault-2',
      'sys/x',
    );

    expect(error.message).toBe(
      'vault-2 answered sys/x with 403: 2 errors occurred: * permission denied * invalid token. The token is missing, has expired, was revoked, or belongs to another cluster.',
    );
    expect(error.advice).toContain('auth section');
  });

  it("shows nothing of a page that is not Vault's", () => {
    const error = toVaultError(502, '<html>internal-host-name</html>', 'vault-1', 'sys/health');

    expect(error.message).toBe('vault-1 answered sys/health with 502.');
  });
});

const withCode = (code: string) => Object.assign(new Error('whatever it says'), { code });

describe('isCutOff', () => {
  const late = new DOMException('late', 'TimeoutError');

  it.each([
    ['of one that refuses the connection', true, toConnectionError(withCode('ECONNREFUSED'), 'vault-1', 'sys/x')],
    ['of one that broke the connection', true, toConnectionError(withCode('ECONNRESET'), 'vault-1', 'sys/x')],
    ['not of one that is silent', false, toConnectionError(withCode('ANSWER_TIMEOUT'), 'vault-1', 'sys/x')],
    ['not of one that is too slow', false, toConnectionError(late, 'vault-1', 'sys/x')],
    ['not of one that answers', false, toVaultError(500, body('database not open'), 'vault-1', 'sys/x')],
  ])('is said %s', (_of, said, error) => {
    expect(isCutOff(error)).toBe(said);
  });
});

describe('toConnectionError', () => {
  it.each(['ECONNREFUSED', 'ECONNRESET', 'ANSWER_TIMEOUT', 'HPE_INVALID_CONSTANT', 'ENOTFOUND'])(
    'may retry %s',
    (code) => {
      expect(toConnectionError(withCode(code), 'vault-1', 'sys/health')).toMatchObject({
        code: 'VaultUnavailable',
        retryable: true,
        where: 'vault-1',
        message: expect.stringContaining(code),
      });
    },
  );

  it.each([
    'CERT_HAS_EXPIRED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'SELF_SIGNED_CERT_IN_CHAIN',
  ])('does not retry %s', (code) => {
    expect(toConnectionError(withCode(code), 'vault-1', 'sys/health')).toMatchObject({
      code: 'VaultUnavailable',
      retryable: false,
      advice: expect.stringContaining('tls.caFile'),
    });
  });

  it.each([
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE',
    'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED',
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  ])('says of %s that a client certificate is wanted', (code) => {
    expect(toConnectionError(withCode(code), 'vault-1', 'sys/health')).toMatchObject({
      retryable: false,
      advice: expect.stringContaining('set tls.certificateFile and tls.key'),
    });
  });

  it('blames our own files for what they are', () => {
    const error = withCode('ERR_OSSL_X509_KEY_VALUES_MISMATCH');

    expect(toConnectionError(error, 'vault-1', 'sys/health')).toMatchObject({ code: 'InvalidConfiguration' });
  });

  it('leaves what it does not know as it is', () => {
    const error = new TypeError('a mistake in the program');

    expect(toConnectionError(error, 'vault-1', 'sys/health')).toBe(error);
  });
});
