import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { AuthConfig } from '../config/schema';
import { readSecret } from '../config/secret';
import type { VaultClient } from './client';

/**
 * Logs in at the node of the client, which must have the certificate if that is the method. Secrets are read afresh each
 * time: they are rotated under us.
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

/** Takes back what a login gave; a token of the operator's own is left alone. Best effort: it expires anyway. */
export async function logOut(client: VaultClient, auth: AuthConfig): Promise<void> {
  if (auth.method !== 'token') await client.revokeSelf().catch(() => undefined);
}

/**
 * Names a login without showing it: SHA-256 of its method, mount and what identifies it. A generation holds that of the login
 * that made it, which proves that the login is in it.
 */
export async function credentialFingerprint(auth: AuthConfig): Promise<string> {
  const parts = [auth.method, 'mount' in auth ? auth.mount : '', ...(await identityOf(auth))];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function identityOf(auth: AuthConfig): Promise<string[]> {
  switch (auth.method) {
    case 'token':
      return [await readSecret(auth.token, 'auth.token')];
    case 'approle':
      return [await readSecret(auth.roleId, 'auth.roleId'), await readSecret(auth.secretId, 'auth.secretId')];
    case 'kubernetes':
    case 'jwt':
      return [auth.role ?? ''];
    case 'cert':
      return [auth.role ?? '', await readFile(auth.certificateFile, 'utf8')];
  }
}
