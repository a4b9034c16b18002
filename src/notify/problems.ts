import { DrError } from '../contract/failures';

/** What went wrong with one channel. Never holds an address, a key, or what a server said. */
export function channelProblem(text: string, { retryable, advice }: { retryable: boolean; advice: string }): DrError {
  return new DrError('Internal', `${text}.`, { retryable, advice });
}

const ADVICE = 'Check its address, and the way to it from this host. Then try it: vault-dr notify test';

const CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it refuses connections',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  ENOTFOUND: 'its name does not resolve',
  EAI_AGAIN: 'its name does not resolve at the moment',
  EDNS: 'its name does not resolve',
  EHOSTUNREACH: 'it is unreachable from here',
  ENETUNREACH: 'it is unreachable from here',
  ETIMEDOUT: 'it did not answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'it did not accept the connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'it did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'it did not answer in time',
  UND_ERR_SOCKET: 'it closed the connection',
};

/** Node's codes for a rejected certificate, or for a peer without TLS. */
const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/;

/** By the code alone: the message of such an error may have the host in it, which is part of a secret. */
export function connectionProblem(error: unknown): DrError {
  const code = codeOf(error);
  if (TLS_CODE.test(code)) {
    const advice = 'Set caFile to the CA of its certificate, or have the certificate renewed.';
    return channelProblem(`its certificate is not accepted (${code})`, { retryable: true, advice });
  }
  return channelProblem(CODES[code] ?? `the connection failed${code === '' ? '' : ` (${code})`}`, {
    retryable: true,
    advice: ADVICE,
  });
}

/** Of the error or of what caused it; empty if that is nothing that is safe to print. */
export function codeOf(error: unknown): string {
  let item = error;
  for (let depth = 0; depth < 5 && typeof item === 'object' && item !== null; depth++) {
    const { name, code, cause } = item as { name?: unknown; code?: unknown; cause?: unknown };
    if (name === 'TimeoutError') return 'ETIMEDOUT';
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code)) return code;
    item = cause;
  }
  return '';
}

/** Of an answer that is no success. */
export function answerProblem(status: number): DrError {
  const retryable = status >= 500 || [408, 425, 429].includes(status);
  return channelProblem(`it answered with ${status}${MEANINGS[status] ?? (status < 400 ? REDIRECT : '')}`, {
    retryable,
    advice: ADVICE,
  });
}

const REDIRECT = ', a redirect, which is never followed';
const MEANINGS: Readonly<Record<number, string>> = {
  400: ': it does not understand the message',
  401: ': it does not accept the key',
  403: ': it does not accept the key, or the address',
  404: ': there is nothing at its address',
  410: ': its address is no longer in use',
  413: ': the message is too large for it',
  429: ': it gets too many messages',
};
