import { DrError, isDrError } from '../contract/failures';
import { type TlsProblem, tlsProblemOf } from '../vault/errors/vault-error';

const TLS_ADVICE: Record<TlsProblem, string> = {
  files: 'Check that --client-key is the key of --client-cert, has no passphrase, and that all TLS files are PEM.',
  'client-certificate':
    'The listener requires a valid client certificate (tls_require_and_verify_client_cert): give it with --client-cert and --client-key.',
  'no-tls':
    'The listener does not use TLS, or only versions that are not accepted here. Only an address on the same host may begin with http://.',
  authority:
    "Give the CA of this node's certificate with --ca-file, and an --address whose host the certificate names; it must not have expired.",
};

/** Of an error while a cluster is asked: its advice is about settings, of which there are none yet. @throws DrError */
export function adviseFlags(error: unknown): never {
  if (!isDrError(error)) throw error;
  const tls = tlsProblemOf(error);
  const advice = tls === null ? tokenAdvice(error) : TLS_ADVICE[tls];
  if (advice === null) throw error;
  const { code, message, where, retryable } = error;
  throw new DrError(code, message, { where, retryable, cause: error.cause, advice });
}

function tokenAdvice({ code }: DrError): string | null {
  if (code !== 'PermissionDenied') return null;
  return 'Give a valid token of an administrator: in VAULT_TOKEN, with --token-file, or when it is asked for.';
}
