import { Hono } from 'hono';
import { readSecret } from '../../config/secret';
import type { LoginConfig } from '../../config/settings/login';
import { certificateLogin } from './certificate-login';
import { Issuer } from './issuer';
import type { Login } from './login';
import { CALLBACK_PATH, oidcLogin } from './oidc-login';
import { Seal, sealSecret } from './seal';

export const NO_LOGIN: Login = {
  method: 'off',
  routes: () => new Hono(),
  principalOf: () => Promise.resolve(null),
  csrfOf: () => null,
  isCsrf: () => false,
};

/**
 * @param origin of these pages, as browsers see them: `https://vault-dr.example.com`
 * @throws DrError InvalidConfiguration
 */
export async function createLogin(
  settings: LoginConfig,
  origin: string,
  note: (text: string) => void,
): Promise<{ login: Login; seal: Seal }> {
  if (settings.method === 'off') return { login: NO_LOGIN, seal: new Seal(sealSecret(null), 'off') };
  const { cookieKey } = settings;
  const configured = cookieKey === undefined ? null : await readSecret(cookieKey, 'web.login.cookieKey');
  // Who may do what is in the sessions, so those of other settings are over.
  const seal = new Seal(sealSecret(configured), JSON.stringify([origin, settings]));
  if (settings.method === 'certificate') return { login: certificateLogin(settings, seal), seal };
  const issuer = new Issuer(settings, `${origin}${CALLBACK_PATH}`);
  return { login: oidcLogin({ settings, issuer, seal, origin, note }), seal };
}
