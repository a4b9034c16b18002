import { DrError, type FailureCode, isDrError } from '../contract/failures';
import { toConnectionError } from '../vault/errors/vault-error';

const MAX_SHOWN = 500;

interface Known {
  text: RegExp;
  code: FailureCode;
  advice: string;
  retryable?: boolean;
}

/** What Consul answers, as plain text. */
const KNOWN: readonly Known[] = [
  {
    text: /ACL not found|token does not exist/i,
    code: 'AuthenticationFailed',
    retryable: false,
    advice:
      'Consul does not know the token of `consul.token`. If a snapshot was restored, the tokens are those of the snapshot: use one of them, or create this one again.',
  },
  {
    text: /Permission denied|lacks permission/i,
    code: 'PermissionDenied',
    advice:
      'Give the token of `consul.token` the policy docs/vault-dr-consul-policy.hcl; a snapshot needs `acl = "write"`.',
  },
  {
    text: /ACL support disabled/i,
    code: 'VaultRefused',
    advice: 'Consul runs without ACLs: remove `consul.token`.',
  },
  {
    text: /No cluster leader|not ready to serve consistent reads|leadership lost|node is not the leader/i,
    code: 'VaultUnavailable',
    advice:
      "Check that most of Consul's servers are running: `consul operator raft list-peers -stale`. Where most are lost for good, recover the rest with raft/peers.json.",
  },
  {
    // It passes the upload on to the leader; one that refuses early resets the connection, and its reason is lost.
    text: /failed to (decode response|copy snapshot in)/i,
    code: 'VaultUnavailable',
    advice:
      "This server passed the request on to Consul's leader, and did not get its answer: whether it was done is not known. Ask the leader itself; put its address first in `consul.addresses`.",
  },
  {
    // Servers pass requests on to the one that they take for the leader; that one has died or is not reached.
    text: /dial tcp|failed to get conn|rpc error making call: (unexpected )?EOF|connection re(fused|set)|broken pipe|i\/o timeout|context deadline exceeded|session shutdown|stream closed|no known consul servers/i,
    code: 'VaultUnavailable',
    advice:
      "This server did not reach Consul's leader; another one is elected within seconds. If it lasts, check that most of Consul's servers are running: `consul operator raft list-peers -stale`.",
  },
  {
    text: /failed checking integrity|hash check failed|failed to (read|decompress) snapshot|unexpected EOF|unexpected file/i,
    code: 'SnapshotCorrupt',
    retryable: false,
    advice: 'Consul did not accept the snapshot, and changed nothing. Choose another copy.',
  },
  {
    text: /too large|exceeds/i,
    code: 'VaultRefused',
    advice:
      "Consul's limits are `limits.kv_max_value_size` and `limits.txn_max_req_len`, 512 KiB unless they were changed.",
  },
];

/** Turns an unsuccessful answer into a DrError with Consul's own text. @param text without secrets */
export function toConsulError(status: number, text: string, node: string, path: string): DrError {
  const shown = shownOf(text);
  const known = KNOWN.find((item) => item.text.test(text));
  const unavailable = status === 429 || (status >= 502 && status <= 504) || (status >= 300 && status < 400);
  return new DrError(
    known?.code ?? (status === 403 ? 'PermissionDenied' : unavailable ? 'VaultUnavailable' : 'VaultRefused'),
    `${node} answered ${path} with ${status}${shown === '' ? '' : `: ${shown}`}.`,
    {
      where: node,
      ...(known?.retryable === undefined ? {} : { retryable: known.retryable }),
      advice: known?.advice ?? 'Check the log of that Consul.',
    },
  );
}

/** Turns a connection error into a DrError. An error of the caller's signal or stream is returned unchanged. */
export function toConsulConnectionError(error: unknown, node: string, path: string, signal: AbortSignal): unknown {
  const mapped = toConnectionError(error, node, path, signal);
  if (mapped === error || !isDrError(mapped)) return mapped;
  const { code, message, retryable, cause } = mapped;
  // Of a signal that was aborted with a DrError.
  if (mapped.where !== node) return mapped;
  return new DrError(code, message, { where: node, retryable, cause, advice: retryable ? UNREACHABLE : TLS });
}

const UNREACHABLE =
  'Check that this Consul is running, and that its address in `consul.addresses` is reachable from here.';
const TLS =
  "Check that `consul.tls.caFile` holds the CA of Consul's certificates, that the certificate has not expired and names the host of the address, and, if Consul verifies its clients, `consul.tls.certificateFile` and `key`.";

/** On one line; anything that is no plain text, a proxy's page say, is not shown. */
export function shownOf(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return /^[\x20-\x7e]*$/.test(line) && !line.startsWith('<') ? line.slice(0, MAX_SHOWN).replace(/\.$/, '') : '';
}
