import { DrError } from '../../../src/contract/failures';
import { adviseFlags } from '../../../src/init/flags';
import { toConnectionError, toVaultError } from '../../../src/vault/errors/vault-error';
import { thrownBy } from '../../support/thrown';

const broken = (code: string) =>
  toConnectionError(Object.assign(new Error('whatever it says'), { code }), 'vault-1', 'sys/seal-status') as DrError;
const refused = toVaultError(403, '{"errors":["permission denied"]}', 'vault-1', 'sys/auth');

const SETTINGS = /tls\.|caFile|configuration|auth section/;

describe('what init advises where a cluster does not answer as it must', () => {
  it.each([
    ['an authority that is not known here', broken('SELF_SIGNED_CERT_IN_CHAIN'), '--ca-file'],
    ['a certificate of another host', broken('ERR_TLS_CERT_ALTNAME_INVALID'), '--address'],
    ['a listener that wants a certificate', broken('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), '--client-cert'],
    ['files that are no pair', broken('ERR_OSSL_X509_KEY_VALUES_MISMATCH'), '--client-key'],
    ['a listener without TLS', broken('EPROTO'), 'does not use TLS'],
    ['a token that may not ask', refused, '--token-file'],
  ])('is about its flags: %s', (_case, error, flag) => {
    const told = thrownBy(() => adviseFlags(error)) as DrError;

    expect(told).toMatchObject({ name: 'DrError', code: error.code, message: error.message, where: 'vault-1' });
    expect(told.retryable).toBe(error.retryable);
    expect(told.advice).toContain(flag);
    expect(told.advice).not.toMatch(SETTINGS);
  });

  it.each([
    ['of the network', broken('ECONNREFUSED')],
    ['of a flag', new DrError('InvalidInput', 'no such node', { advice: 'It has: a.' })],
    ['of the program', new TypeError('x')],
  ])('is as it is, %s', (_case, error) => {
    expect(thrownBy(() => adviseFlags(error))).toBe(error);
  });
});
