import { DrError, type FailureCode, isDrError } from '../../contract/failures';
import { explain } from './error-dictionary';

const MAX_SHOWN = 500;
/** Vault's messages are short; longer text is searched up to here. */
const MAX_EXPLAINED = 64 * 1024;
const LOGIN = /^auth\/.+\/login$/;

/** Node's codes for a rejected certificate, or for a peer without TLS. */
const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/;

const NO_TLS_CODE = /^(EPROTO|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/;

/** What a listener with `tls_require_and_verify_client_cert` answers a client with no certificate, or a wrong one. */
const CLIENT_CERTIFICATE_CODE =
  /ALERT_(CERTIFICATE_(REQUIRED|EXPIRED|REVOKED|UNKNOWN)|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA)$/;

const NETWORK_CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ENOENT: 'has no socket at its address',
  EACCES: 'has a socket without access for this user',
  ECONNRESET: 'closed the connection',
  EPIPE: 'closed the connection',
  ECONNABORTED: 'did not receive the whole upload',
  ENOTFOUND: 'has an address that does not resolve',
  EAI_AGAIN: 'has an address that does not resolve at the moment',
  EHOSTUNREACH: 'is unreachable from here',
  ENETUNREACH: 'is unreachable from here',
  ETIMEDOUT: 'is unreachable from here',
  CONNECT_TIMEOUT: 'did not accept the connection in time',
  ANSWER_TIMEOUT: 'did not answer in time, or stopped in the middle of its answer',
};

/** Vault's own `errors`, each on one line; empty for any other body (a proxy's page, say), which is never shown. */
export function errorsOf(body: string): string[] {
  try {
    const { errors } = JSON.parse(body) as { errors?: unknown };
    if (!Array.isArray(errors)) return [];
    return errors.filter((item) => typeof item === 'string').map((item) => item.replace(/\s+/g, ' ').trim());
  } catch {
    return [];
  }
}

/** Turns an unsuccessful answer into a DrError with Vault's own text, and advice where the text is known. */
export function toVaultError(status: number, body: string, node: string, path: string): DrError {
  if (status >= 300 && status < 400) {
    return new DrError('VaultUnavailable', `${node} is not the leader: it redirects ${path} (${status}).`, {
      where: node,
      advice: 'Look up the leader again. Redirects are never followed.',
    });
  }
  const text = errorsOf(body).join('; ').slice(0, MAX_SHOWN);
  const known = explain(body.slice(0, MAX_EXPLAINED));
  const message = [`${node} answered ${path} with ${status}${text === '' ? '' : `: ${text}`}.`, known?.means];
  return new DrError(codeOf(status, path), message.filter(Boolean).join(' '), {
    where: node,
    advice: known?.advice ?? `Check Vault's log on ${node}.`,
  });
}

function codeOf(status: number, path: string): FailureCode {
  if (status === 429 || status === 412 || status >= 470) return 'VaultUnavailable';
  if (LOGIN.test(path)) return 'AuthenticationFailed';
  return status === 403 ? 'PermissionDenied' : 'VaultRefused';
}

/** Turns a connection error into a DrError. An error of the caller's signal or stream is returned unchanged. */
export function toConnectionError(error: unknown, node: string, path: string, signal?: AbortSignal): unknown {
  if (isDrError(error)) return error;
  const reason: unknown = signal?.aborted ? signal.reason : error;
  if ((reason as Error | undefined)?.name === 'TimeoutError') {
    return unavailable(`${node} did not answer ${path} in time.`, node, reason);
  }
  if (signal?.aborted) return reason;
  const code = codeOfConnection(error);
  const tls = tlsProblemOf(error);
  if (tls === 'files') {
    return new DrError('InvalidConfiguration', `The TLS files for ${node} can't be used (${code}).`, {
      where: node,
      cause: error,
      advice:
        'Check that tls.key is the key of the certificate in tls.certificateFile, has no passphrase, and that all TLS files are PEM.',
    });
  }
  if (tls !== null) {
    return new DrError('VaultUnavailable', `The TLS connection to ${node} failed (${code}).`, {
      where: node,
      cause: error,
      retryable: false,
      advice: TLS_ADVICE[tls],
    });
  }
  const known =
    code === 'HPE_HEADER_OVERFLOW'
      ? 'answers with headers that are too long'
      : code?.startsWith('HPE_')
        ? 'does not speak HTTP'
        : NETWORK_CODES[code ?? ''];
  if (known === undefined) return error;
  return unavailable(`${node} ${known} (${path}, ${code}).`, node, error);
}

/**
 * For a request that Vault answers in any state: whether the peer is something other than a usable Vault, which waiting
 * does not fix.
 */
export function isWrongPeer(error: unknown): boolean {
  if (!isDrError(error) || error.code === 'InvalidConfiguration') return false;
  const code = codeOfConnection(error);
  if (code === undefined) return error.cause === undefined;
  return TLS_CODE.test(code) || code.startsWith('HPE_') || code === 'EACCES';
}

/** `files`: those of this side can't be used. `authority`: the certificate of the node is not accepted here. */
export type TlsProblem = 'files' | 'client-certificate' | 'no-tls' | 'authority';

const TLS_ADVICE: Record<Exclude<TlsProblem, 'files'>, string> = {
  'client-certificate':
    'The listener requires a valid client certificate issued by its tls_client_ca_file (tls_require_and_verify_client_cert): set tls.certificateFile and tls.key of the cluster or of the node, or renew the certificate.',
  'no-tls':
    'The listener does not use TLS, or only versions that are not accepted here: enable TLS there. Only an address on the same host may begin with http://.',
  authority:
    "Check that tls.caFile holds the CA of this node's certificate, that the certificate has not expired and that it names the host of the configured address.",
};

/** Of a connection, also as the cause of an error of ours. */
export function tlsProblemOf(error: unknown): TlsProblem | null {
  const code = codeOfConnection(error);
  if (code?.startsWith('ERR_OSSL_')) return 'files';
  if (code === undefined || !TLS_CODE.test(code)) return null;
  if (CLIENT_CERTIFICATE_CODE.test(code)) return 'client-certificate';
  return NO_TLS_CODE.test(code) ? 'no-tls' : 'authority';
}

/**
 * Whether the connection was refused or broke, as when a Vault dies; a Vault that loads its data doesn't answer at all.
 */
export function isCutOff(error: unknown): boolean {
  return /^(ECONNREFUSED|ECONNRESET|EPIPE)$/.test(codeOfConnection(error) ?? '');
}

function unavailable(message: string, node: string, cause: unknown): DrError {
  return new DrError('VaultUnavailable', message, {
    where: node,
    cause,
    advice: `Check that Vault is running on ${node} and that its address is reachable from here.`,
  });
}

/** Some connection errors are the cause of another, and all of them of ours. */
function codeOfConnection(error: unknown): string | undefined {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  if (typeof code === 'string' && !isDrError(error)) return code;
  return cause === undefined ? undefined : codeOfConnection(cause);
}
