import type { ConsulConfig } from '../config/schema';
import { withConsul } from '../consul/connect';
import { DrError, isDrError } from '../contract/failures';
import { tlsProblemOf } from '../vault/errors/vault-error';

const TOKEN_ADVICE =
  'Give, with --consul-token-file, the file of a token that has the policy docs/vault-dr-consul-policy.hcl.';

/**
 * Whether a snapshot may be taken of this Consul, and a Vault stores in it; changes nothing.
 * @throws DrError whose advice is about flags of `init`
 */
export async function checkConsul(consul: ConsulConfig): Promise<void> {
  try {
    await withConsul(consul, async (client) => {
      const [mayTransfer] = await client.permissions([{ resource: 'acl', access: 'write' }]);
      if (!mayTransfer) throw new DrError('PermissionDenied', `${client.name} allows no snapshot with this token.`);
      if ((await client.keys(`${consul.path}core/`, { separator: '/' })).length > 0) return;
      throw new DrError('VaultRefused', `No Vault stores below ${consul.path} in this Consul.`, {
        where: client.name,
        advice:
          'Give, with --consul-path, `path` of `storage "consul"` in Vault\'s configuration. Nothing was written.',
      });
    });
  } catch (error) {
    throw advised(error);
  }
}

function advised(error: unknown): unknown {
  if (!isDrError(error)) return error;
  const { code, message, where, retryable, cause } = error;
  const isToken = code === 'PermissionDenied' || code === 'AuthenticationFailed';
  const advice = isToken
    ? TOKEN_ADVICE
    : tlsProblemOf(error) === null
      ? null
      : "Give the CA of Consul's certificates with --consul-ca-file, and a --consul-address whose host they name.";
  return advice === null ? error : new DrError(code, message, { where, retryable, cause, advice });
}
