import type { AuthConfig } from '../config/schema';
import { readSecret } from '../config/secret';
import type { VaultClient } from './client';

/**
 * Logs in at the node of the client. Secrets are read afresh each time: they are rotated under us.
 * @returns a token.
 * @throws DrError InvalidConfiguration | AuthenticationFailed | VaultUnavailable
 */
export async function logIn(client: VaultClient, auth: AuthConfig): Promise<string> {
  switch (auth.method) {
    case 'token':
      return readSecret(auth.token, 'auth.token');
    case 'approle': {
      const roleId = await readSecret(auth.roleId, 'auth.roleId');
      const secretId = await readSecret(auth.secretId, 'auth.secretId');
      return client.loginAppRole({ mount: auth.mount, roleId, secretId });
    }
  }
}
