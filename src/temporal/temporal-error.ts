import { DrError, isDrError } from '../contract/failures';
import { printable } from '../contract/printable';

/** Address of Temporal, for messages. */
export interface Place {
  address: string;
  namespace: string;
}

const NOT_FOUND = 5;
/** Invalid argument, permission denied, unauthenticated: somebody must change something first. */
const REFUSALS = [3, 7, 16];
const DEADLINE_EXCEEDED = 4;
const LONGEST_REASON = 300;

/** The messages of Temporal's core, which reports a status only as text. */
const CORE_CODES: Record<string, number> = {
  NotFound: 5,
  InvalidArgument: 3,
  PermissionDenied: 7,
  Unauthenticated: 16,
};

/** Worth waiting for: a clock that is wrong after a power cut gets corrected, and certificates are renewed. */
const TLS_FOR_NOW = /not yet valid|has expired|certificate expired|NotValidYet|Expired\b/i;
const TLS_MISTAKE = /certificate|altname|SSL routines|ERR_TLS|ERR_SSL|InvalidContentType|UnknownIssuer/i;

/** Connection errors in plain words; the first match wins. */
const REASONS: [RegExp, string][] = [
  [/ECONNREFUSED|connection ?refused/i, 'connection refused'],
  [/name resolution failed|ENOTFOUND|EAI_AGAIN|dns error/i, 'its name can’t be resolved'],
  [/EHOSTUNREACH|ENETUNREACH|no route|unreachable/i, 'there is no route to it'],
  [/deadline exceeded|timeout expired|ETIMEDOUT|timed out/i, 'no answer in time'],
  [/ECONNRESET|EPIPE|Failed to connect|Connection dropped|socket hang up/i, 'it closed the connection'],
  [/Protocol error|HTTP status code [34]/i, 'another service than Temporal answers there'],
  [/wrong version number|InvalidContentType/i, 'it does not use TLS'],
];
/** The usual mistake if the other side closes a connection without an error. */
const CLOSES = 'it closed the connection';

/**
 * Explains an error of the connection to Temporal. `retryable`: whether waiting can help; not if the profile, a
 * certificate or a permission must be changed first.
 */
export function temporalError(error: unknown, place: Place): DrError {
  if (isDrError(error)) return error;
  const { code, details } = statusOf(error);
  if (code === undefined) throw error;
  const { address, namespace } = place;
  if (code === NOT_FOUND) {
    return new DrError('TemporalUnreachable', `Temporal at ${address} has no namespace '${namespace}'.`, {
      advice: `Create it: temporal operator namespace create --namespace ${namespace} --retention 30d`,
      cause: error,
    });
  }
  if (REFUSALS.includes(code)) {
    return new DrError('TemporalUnreachable', `Temporal at ${address} refused access to '${namespace}': ${details}.`, {
      advice: 'Check the client certificate or API key of the profile, and its permissions in that namespace.',
      cause: error,
      retryable: false,
    });
  }
  const reason = code === DEADLINE_EXCEEDED ? 'no answer in time' : reasonOf(details);
  if (TLS_MISTAKE.test(details)) {
    const mayPass = TLS_FOR_NOW.test(details);
    return new DrError('TemporalUnreachable', `No TLS connection to Temporal at ${address}: ${reason}.`, {
      advice: mayPass
        ? 'Check the clock of this host, and the certificates of both sides.'
        : 'Check server_ca_cert_path, server_name and the client certificate of the profile.',
      cause: error,
      retryable: mayPass,
    });
  }
  return new DrError('TemporalUnreachable', `Temporal does not answer at ${address}: ${reason}.`, {
    advice:
      reason === CLOSES
        ? 'Check that both sides use TLS, and that it accepts the client certificate of the profile.'
        : 'Check that it is running. Set TEMPORAL_ADDRESS, or select a profile with --temporal-config and --profile.',
    cause: error,
  });
}

/** The gRPC status, also of a cause; or the one that Temporal's core reports as text. */
function statusOf(error: unknown): { code?: number; details: string } {
  for (let inner = error, depth = 0; inner instanceof Error && depth < 5; inner = inner.cause, depth++) {
    const { code, details } = inner as { code?: unknown; details?: unknown };
    if (typeof code === 'number' && typeof details === 'string') return { code, details: brief(details) };
    if (inner.name === 'TransportError') {
      const said = inner.message.match(/\bcode: (\w+), message: "([^"]*)"/);
      const status = said?.[1] === undefined ? undefined : CORE_CODES[said[1]];
      return { code: status ?? 14, details: brief(status === undefined ? inner.message : (said?.[2] ?? '')) };
    }
  }
  return { details: '' };
}

function reasonOf(details: string): string {
  return REASONS.find(([pattern]) => pattern.test(details))?.[1] ?? details;
}

/** Without what differs between attempts, and what only developers can read. */
function brief(details: string): string {
  const text = details
    .replace(/^No connection established\. Last error: /, '')
    .replace(/ ?Resolution note:.*$/s, '')
    .replace(/ ?\(\d{4}-\d\d-\d\dT[\d:.]+Z\)/, '')
    .replace(/^Error(?: \[\w+\])?: /, '')
    .replace(/^[0-9A-F]{8,}:error:[0-9A-F]+:/, '')
    .replace(/:(?:\.\.\/)?[\w./-]+\.c:\d+:/, ' ')
    .trim();
  return printable(text.slice(0, LONGEST_REASON)).replace(/[\s.:]+$/, '') || 'no reason given';
}
