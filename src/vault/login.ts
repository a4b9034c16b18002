import { createHash } from 'node:crypto';
import type { AuthConfig } from '../config/schema';
import { readSecret } from '../config/secret';
import type { VaultClient } from './client';
import { readPem } from './connect-node';

/**
 * Logs in at the node of the client, which must have the certificate if that is the method. Secrets are read each time,
 * because they are rotated.
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
      return client.logIn(auth.mount, { role_id: roleId, secret_id: secretId }, secretId);
    }
    case 'kubernetes':
    case 'jwt': {
      const jwt = await readSecret(auth.jwt, 'auth.jwt');
      return client.logIn(auth.mount, { role: auth.role, jwt }, jwt);
    }
    case 'cert':
      return client.logIn(auth.mount, { name: auth.role });
  }
}

/** Revokes the token of a login, but not an operator's own token. Best effort: it expires anyway. */
export async function logOut(client: VaultClient, auth: AuthConfig): Promise<void> {
  if (auth.method !== 'token') await client.revokeSelf().catch(() => undefined);
}

/**
 * Tells whether two configurations are the same login: SHA-256, hexadecimal, of the method, the mount and what a cluster
 * must know for the login to work. It is stored in manifests: its secret inputs are random, so they can't be guessed from
 * it.
 * @throws DrError InvalidConfiguration
 */
export async function credentialFingerprint(auth: AuthConfig): Promise<string> {
  const mount = auth.method === 'token' ? 'token' : auth.mount;
  return sha256(JSON.stringify([auth.method, mount, ...(await identityOf(auth))]));
}

async function identityOf(auth: AuthConfig): Promise<(string | null)[]> {
  switch (auth.method) {
    case 'token':
      return [await readSecret(auth.token, 'auth.token')];
    case 'approle':
      return [await readSecret(auth.roleId, 'auth.roleId'), await readSecret(auth.secretId, 'auth.secretId')];
    case 'kubernetes':
    case 'jwt':
      return [auth.role ?? null];
    case 'cert':
      return [sha256(await readPem(auth.certificateFile, 'auth.certificateFile'))];
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
