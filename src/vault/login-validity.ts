import type { AuthConfig } from '../config/schema';
import { readSecret } from '../config/secret';
import type { Validity } from '../contract/host';
import type { VaultClient } from './client';
import { certificateValidity } from './reach/certificate-validity';

/** Go's zero time, by which Vault says "never". */
const NEVER = /^0001-/;

/**
 * Until when vault-dr's own login works, as far as anybody says. What can't be found out is a problem in it, not an
 * error.
 * @param vault with that login
 */
export async function loginValidity(vault: VaultClient, auth: AuthConfig): Promise<Validity> {
  try {
    switch (auth.method) {
      case 'token':
        return await ofToken(vault);
      case 'approle':
        return await ofSecretId(vault, auth);
      case 'kubernetes':
      case 'jwt':
        return ofJwt(await readSecret(auth.jwt, 'auth.jwt'));
      case 'cert':
        return certificateValidity('auth.certificateFile', auth.certificateFile);
    }
  } catch (error) {
    return { what: WHAT[auth.method], from: null, until: null, problem: (error as Error).message };
  }
}

const WHAT = {
  token: 'the token',
  approle: 'the secret id',
  kubernetes: 'the JWT',
  jwt: 'the JWT',
  cert: 'auth.certificateFile',
} as const;

async function ofToken(vault: VaultClient): Promise<Validity> {
  const data = (await vault.read('auth/token/lookup-self'))?.data ?? {};
  const until = timeIn(data['expire_time']);
  // One that is renewed lives for its period each time.
  const period = Number(data['period'] ?? 0) * 1_000;
  const from = until !== null && period > 0 ? until - period : timeIn(data['issue_time']);
  return valid(WHAT.token, from, until);
}

async function ofSecretId(vault: VaultClient, auth: AuthConfig & { method: 'approle' }): Promise<Validity> {
  const self = (await vault.read('auth/token/lookup-self'))?.data ?? {};
  const role = (self['meta'] as Record<string, unknown> | null | undefined)?.['role_name'];
  if (typeof role !== 'string') throw new Error('Vault does not name the role of its own login');
  const secretId = await readSecret(auth.secretId, 'auth.secretId');
  const path = `auth/${auth.mount}/role/${encodeURIComponent(role)}/secret-id/lookup`;
  const data = (await vault.write(path, { secret_id: secretId }))?.data;
  // With its last use it is gone, and this login was one.
  if (!data) return { ...valid(WHAT.approle, null, null), usesLeft: 0 };
  const uses = Number(data['secret_id_num_uses'] ?? 0);
  return {
    ...valid(WHAT.approle, timeIn(data['creation_time']), timeIn(data['expiration_time'])),
    // To Vault 0 means that there is no limit.
    ...(Number.isSafeInteger(uses) && uses > 0 ? { usesLeft: uses } : {}),
  };
}

/** Not verified: Vault has done that. Without `exp` it never ends. */
function ofJwt(jwt: string): Validity {
  const claims = claimsIn(jwt);
  const seconds = (claim: unknown) => (typeof claim === 'number' && claim > 0 ? claim * 1_000 : null);
  return valid(WHAT.jwt, seconds(claims['iat']), seconds(claims['exp']));
}

/** What was read is not in the error, as it may be a secret of another kind. */
function claimsIn(jwt: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
  } catch {
    throw new Error('it is no JWT');
  }
}

function valid(what: string, from: number | null, until: number | null): Validity {
  const text = (time: number | null) => (time === null ? null : new Date(time).toISOString());
  return { what, from: text(from), until: text(until), problem: null };
}

function timeIn(value: unknown): number | null {
  if (typeof value !== 'string' || NEVER.test(value)) return null;
  const time = Date.parse(value);
  return Number.isNaN(time) ? null : time;
}
