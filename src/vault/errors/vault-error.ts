import { DrError, type FailureCode, isDrError } from '../../contract/failures';
import { explain } from './error-dictionary';

const MAX_SHOWN = 500;
/** Vault's messages are short; whatever else a node sends is not searched to its end. */
const MAX_EXPLAINED = 64 * 1024;
const LOGIN = /^auth\/.+\/login$/;

/** Node's codes for a certificate that was not accepted, or for a peer that speaks no TLS. */
const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/;

const NO_TLS_CODE = /^(EPROTO|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/;

/** What a listener with `tls_require_and_verify_client_cert` says to a client that shows no certificate, or a wrong one. */
const CLIENT_CERTIFICATE_CODE =
  /ALERT_(CERTIFICATE_(REQUIRED|EXPIRED|REVOKED|UNKNOWN)|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA)$/;

const NETWORK_CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses the connection',
  ENOENT: 'has no socket there',
  EACCES: 'has a socket that this user may not use',
  ECONNRESET: 'closed the connection',
  EPIPE: 'closed the connection',
  ECONNABORTED: 'did not get all of the upload',
  ENOTFOUND: 'has an address that does not resolve',
  EAI_AGAIN: 'has an address that does not resolve at the moment',
  EHOSTUNREACH: 'can not be reached from here',
  ENETUNREACH: 'can not be reached from here',
  ETIMEDOUT: 'can not be reached from here',
  CONNECT_TIMEOUT: 'does not accept the connection in time',
  ANSWER_TIMEOUT: 'does not answer in time, or stopped in the middle of its answer',
};

/** Vault's own `errors`, on one line; empty when the body is something else (a proxy's page, say), which is never shown. */
export function errorsOf(body: string): string[] {
  try {
    const { errors } = JSON.parse(body) as { errors?: unknown };
    if (!Array.isArray(errors)) return [];
    return errors.filter((item) => typeof item === 'string').map((item) => item.replace(/\s+/g, ' ').trim());
  } catch {
    return [];
  }
}

/** Turns an answer that is no success into a DrError with Vault's own text, and advice where the text is known. */
export function toVaultError(status: number, body: string, node: string, path: string): DrError {
  if (status >= 300 && status < 400) {
    return new DrError('VaultUnavailable', `${node} is not the leader: it redirects ${path} (${status}).`, {
      where: node,
      advice: 'Ask the cluster for its leader again. Redirects are never followed.',
    });
  }
  const text = errorsOf(body).join('; ').slice(0, MAX_SHOWN);
  const known = explain(body.slice(0, MAX_EXPLAINED));
  const message = [`${node} answers ${path} with ${status}${text === '' ? '' : `: ${text}`}.`, known?.means];
  return new DrError(codeOf(status, path), message.filter(Boolean).join(' '), {
    where: node,
    advice: known?.advice ?? `Read Vault's log on ${node}.`,
  });
}

function codeOf(status: number, path: string): FailureCode {
  if (status === 429 || status === 412 || status >= 470) return 'VaultUnavailable';
  if (LOGIN.test(path)) return 'AuthenticationFailed';
  return status === 403 ? 'PermissionDenied' : 'VaultRefused';
}

/**
 * Turns an error of the connection into a DrError. What a caller's signal or a caller's stream threw is theirs and is
 * returned as it is.
 */
export function toConnectionError(error: unknown, node: string, path: string, signal?: AbortSignal): unknown {
  if (isDrError(error)) return error;
  const reason: unknown = signal?.aborted ? signal.reason : error;
  if ((reason as Error | undefined)?.name === 'TimeoutError') {
    return unavailable(`${node} does not answer ${path} in time.`, node, reason);
  }
  if (signal?.aborted) return reason;
  const code = codeOfConnection(error);
  if (code?.startsWith('ERR_OSSL_')) {
    return new DrError('InvalidConfiguration', `The TLS files for ${node} can't be used (${code}).`, {
      where: node,
      cause: error,
      advice:
        'Check that tls.key is the key of the certificate in tls.certificateFile, without a passphrase, and that all of them are PEM.',
    });
  }
  if (code !== undefined && TLS_CODE.test(code)) {
    return new DrError('VaultUnavailable', `The TLS connection to ${node} fails (${code}).`, {
      where: node,
      cause: error,
      retryable: false,
      advice: tlsAdvice(code),
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
 * Of a question that Vault answers in any state: whether somebody was there and is no Vault that we can talk to, which no
 * waiting cures.
 */
export function isWrongPeer(error: unknown): boolean {
  if (!isDrError(error) || error.code === 'InvalidConfiguration') return false;
  const code = codeOfConnection(error);
  if (code === undefined) return error.cause === undefined;
  return TLS_CODE.test(code) || code.startsWith('HPE_') || code === 'EACCES';
}

function tlsAdvice(code: string): string {
  if (CLIENT_CERTIFICATE_CODE.test(code)) {
    return 'The listener wants a client certificate (tls_require_and_verify_client_cert) that is still valid and was issued by its tls_client_ca_file: set tls.certificateFile and tls.key of the cluster or of the node, or renew what they name.';
  }
  if (NO_TLS_CODE.test(code)) {
    return 'The listener does not speak TLS, or no version that is accepted here: turn TLS on there. Only an address on the same host may begin with http://.';
  }
  return "Check that tls.caFile holds the CA of this node's certificate, that the certificate is still valid and that it names the host of the configured address.";
}

/** Whether the connection broke, or nobody was there to take it, as when a Vault dies; one that loads its data keeps silent. */
export function isCutOff(error: unknown): boolean {
  return /^(ECONNREFUSED|ECONNRESET|EPIPE)$/.test(codeOfConnection(error) ?? '');
}

function unavailable(message: string, node: string, cause: unknown): DrError {
  return new DrError('VaultUnavailable', message, {
    where: node,
    cause,
    advice: `Check that Vault runs on ${node} and that its address can be reached from here.`,
  });
}

/** Some connection errors hide inside another, and all of them inside ours. */
function codeOfConnection(error: unknown): string | undefined {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  if (typeof code === 'string' && !isDrError(error)) return code;
  return cause === undefined ? undefined : codeOfConnection(cause);
}
