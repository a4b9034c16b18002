import { writeFile } from 'node:fs/promises';
import type { AuthConfig } from '../../../src/config/schema';
import { credentialFingerprint } from '../../../src/vault/login';
import { useDirectory } from '../../support/temporary';

const path = useDirectory();

async function appRole(roleId: string, secretId: string, mount = 'approle'): Promise<AuthConfig> {
  const [role, secret] = [path(`role-${roleId}`), path(`secret-${secretId}`)];
  await writeFile(role, `${roleId}\n`);
  await writeFile(secret, secretId);
  return { method: 'approle', mount, roleId: { file: role }, secretId: { file: secret } };
}

async function token(text: string): Promise<AuthConfig> {
  await writeFile(path(`token-${text}`), text);
  return { method: 'token', token: { file: path(`token-${text}`) } };
}

async function certificate(text: string, role?: string): Promise<AuthConfig> {
  await writeFile(path(`cert-${text}`), text);
  const auth: AuthConfig = {
    method: 'cert',
    mount: 'cert',
    certificateFile: path(`cert-${text}`),
    key: { file: path('key') },
  };
  return role === undefined ? auth : { ...auth, role };
}

const jwt = (method: 'jwt' | 'kubernetes', role: string, file = 'jwt'): AuthConfig => ({
  method,
  mount: method,
  role,
  jwt: { file: path(file) },
});

describe('the fingerprint of a credential', () => {
  it('is the SHA-256 of what identifies the login', async () => {
    // printf '["approle","approle","role","secret"]' | sha256sum
    expect(await credentialFingerprint(await appRole('role', 'secret'))).toBe(
      'afc8ebdaa14e0a3e574fdf1abd2b621afe61770a9509b5f2ca96c2fd026be414',
    );
  });

  it('differs for every other login, whatever it differs in', async () => {
    const logins = [
      await appRole('a', 'b'),
      await appRole('a', 'c'),
      await appRole('c', 'b'),
      await appRole('a', 'b', 'other'),
      await token('a'),
      await token('b'),
      jwt('jwt', 'a'),
      jwt('jwt', 'b'),
      jwt('kubernetes', 'a'),
      await certificate('a'),
      await certificate('b'),
    ];
    const fingerprints = await Promise.all(logins.map(credentialFingerprint));
    expect(new Set(fingerprints).size).toBe(logins.length);
    for (const fingerprint of fingerprints) expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is the same for another token of the same role, which the cluster does not know anyway', async () => {
    const [one, other] = [jwt('jwt', 'a', 'first'), jwt('jwt', 'a', 'second')];
    expect(await credentialFingerprint(one)).toBe(await credentialFingerprint(other));
  });

  it('needs the credential to be there', async () => {
    const missing = { code: 'InvalidConfiguration' };
    await expect(credentialFingerprint({ method: 'token', token: { file: path('none') } })).rejects.toMatchObject(
      missing,
    );
    const auth: AuthConfig = {
      method: 'cert',
      mount: 'cert',
      certificateFile: path('none'),
      key: { file: path('none') },
    };
    await expect(credentialFingerprint(auth)).rejects.toMatchObject(missing);
  });
});
