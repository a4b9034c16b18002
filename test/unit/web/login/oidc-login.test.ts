import { Hono } from 'hono';
import type { OidcConfig } from '../../../../src/config/settings/login';
import { login as loginSettings } from '../../../../src/config/settings/login';
import { type Login, mayLook } from '../../../../src/web/login/login';
import { oidcLogin } from '../../../../src/web/login/oidc-login';
import { Seal } from '../../../../src/web/login/seal';

const ORIGIN = 'https://dr.example.com';
const SETTINGS = loginSettings.parse({
  method: 'oidc',
  issuer: 'https://id.example.com',
  clientId: 'vault-dr',
  roles: { operator: ['ops'] },
}) as OidcConfig;
const CLAIMS = { sub: '4711', preferred_username: 'ann', groups: ['ops'] };

/** An issuer that knows one person, and pages that show who is logged in. */
function pages(claims: () => Promise<Record<string, unknown>> = () => Promise.resolve(CLAIMS)) {
  const notes: string[] = [];
  const begun: string[] = [];
  let count = 0;
  const login: Login = oidcLogin({
    settings: SETTINGS,
    issuer: {
      checks: () => Promise.resolve({ state: `state-${++count}`, nonce: 'nonce', verifier: 'verifier' }),
      address: ({ state }) => Promise.resolve(new URL(`https://id.example.com/auth?state=${state}`)),
      claims: (search, { state }) => {
        begun.push(state);
        return search.includes(`state=${state}`) ? claims() : Promise.reject(new Error('unexpected state'));
      },
    },
    seal: new Seal(Buffer.alloc(32, 1), ''),
    origin: ORIGIN,
    note: (text) => notes.push(text),
  });
  const app = new Hono();
  app.route(
    '/',
    login.routes((context, status, text) => context.text(text, status)),
  );
  app.get('/', async (context) => {
    const principal = await login.principalOf(context);
    return context.json({ principal, csrf: login.csrfOf(context), looks: mayLook(login, principal) });
  });
  const ask = (
    path: string,
    cookies = '',
    init: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ) => app.request(`${ORIGIN}${path}`, { ...init, headers: { cookie: cookies, ...init.headers } });
  return { ask, notes, begun };
}

/** As a browser keeps them. */
function cookiesOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0]!)
    .filter((cookie) => !cookie.endsWith('='))
    .join('; ');
}

async function loggedIn(site: ReturnType<typeof pages>, path = '/clusters/prod'): Promise<string> {
  const start = await site.ask(`/login?return=${encodeURIComponent(path)}`);
  const { searchParams } = new URL(start.headers.get('location')!);
  const end = await site.ask(`/login/callback?code=1&state=${searchParams.get('state')}`, cookiesOf(start));
  return cookiesOf(end);
}

const POST = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' };

describe('a login by OpenID Connect', () => {
  it('sends people to the issuer, and back to where they wanted to go', async () => {
    const site = pages();
    const start = await site.ask('/login?return=/clusters/prod');
    expect(start.status).toBe(302);
    expect(start.headers.get('location')).toBe('https://id.example.com/auth?state=state-1');
    const end = await site.ask('/login/callback?code=1&state=state-1', cookiesOf(start));
    expect(end.status).toBe(303);
    expect(end.headers.get('location')).toBe('/clusters/prod');
    await expect((await site.ask('/', cookiesOf(end))).json()).resolves.toMatchObject({
      principal: { name: 'ann', subject: '4711', roles: ['viewer', 'operator'] },
      looks: true,
    });
    expect(site.notes).toEqual(['ann (4711 of https://id.example.com) has logged in, with viewer, operator.']);
  });

  it('keeps cookies that scripts, other hosts and other sites do not get', async () => {
    const site = pages();
    const start = await site.ask('/login');
    const end = await site.ask('/login/callback?code=1&state=state-1', cookiesOf(start));
    const cookies = [...start.headers.getSetCookie(), ...end.headers.getSetCookie()];
    expect(cookies).toHaveLength(3);
    const attributes = ['__Host-', 'Path=/', 'Secure'].map((text) => cookies.every((cookie) => cookie.includes(text)));
    expect(attributes).toEqual([true, true, true]);
    const kept = cookies.filter((cookie) => !cookie.includes('Max-Age=0'));
    expect(kept.every((cookie) => /HttpOnly.*SameSite=Lax/.test(cookie))).toBe(true);
    expect(cookies.some((cookie) => /Domain/i.test(cookie))).toBe(false);
  });

  it('leads nowhere but to these pages', async () => {
    const site = pages();
    const start = await site.ask(`/login?return=${encodeURIComponent('//evil.example')}`);
    const end = await site.ask('/login/callback?code=1&state=state-1', cookiesOf(start));
    expect(end.headers.get('location')).toBe('/');
  });

  it('takes no answer in a browser that has not asked', async () => {
    const site = pages();
    await site.ask('/login');
    const answer = await site.ask('/login/callback?code=1&state=state-1');
    expect(answer.status).toBe(400);
    expect(site.begun).toEqual([]);
  });

  it('takes no answer twice', async () => {
    const site = pages();
    const start = await site.ask('/login');
    const end = await site.ask('/login/callback?code=1&state=state-1', cookiesOf(start));
    expect(end.headers.getSetCookie().some((cookie) => /^__Host-vault-dr-login=;.*Max-Age=0/.test(cookie))).toBe(true);
    const again = await site.ask('/login/callback?code=1&state=state-1', cookiesOf(end));
    expect(again.status).toBe(400);
  });

  it('takes no answer to the question of another browser', async () => {
    const site = pages();
    const [own] = [await site.ask('/login'), await site.ask('/login')];
    const answer = await site.ask('/login/callback?code=1&state=state-2', cookiesOf(own));
    expect(answer.status).toBe(401);
    expect(cookiesOf(answer)).toBe('');
  });

  it('begins a session of its own, whatever the browser has sent before', async () => {
    const site = pages();
    const before = await loggedIn(site);
    const start = await site.ask('/login', before);
    const end = await site.ask('/login/callback?code=1&state=state-2', `${before}; ${cookiesOf(start)}`);
    expect(cookiesOf(end)).not.toBe(before);
    expect(cookiesOf(end)).toContain('__Host-vault-dr-session=');
  });

  it('says what the issuer says, on one line and without the rest', async () => {
    const refused = Object.assign(new Error('authorization response\nfrom the server'), {
      error: 'access_denied\u202e',
    });
    const site = pages(() => Promise.reject(refused));
    const start = await site.ask('/login');
    const end = await site.ask('/login/callback?error=access_denied&state=state-1', cookiesOf(start));
    expect(end.status).toBe(401);
    await expect(end.text()).resolves.toBe(
      'You were not logged in: The answer of the identity provider was not accepted: access_denied\\u{202E}, authorization response from the server',
    );
  });

  it('logs nobody in whose name is not clear', async () => {
    const site = pages(() => Promise.resolve({ ...CLAIMS, preferred_username: 'ann\u200b' }));
    const start = await site.ask('/login');
    const end = await site.ask('/login/callback?code=1&state=state-1', cookiesOf(start));
    expect([end.status, cookiesOf(end)]).toEqual([401, '']);
  });

  it.each([
    ['no token', { ...POST }, ''],
    ['another token', { ...POST }, 'csrf=abc'],
    ['another page', { ...POST, 'sec-fetch-site': 'cross-site' }, null],
  ])('does not end for a form with %s', async (_, headers, body) => {
    const site = pages();
    const cookies = await loggedIn(site);
    const { csrf } = (await (await site.ask('/', cookies)).json()) as { csrf: string };
    const answer = await site.ask('/logout', cookies, { method: 'POST', headers, body: body ?? `csrf=${csrf}` });
    expect(answer.status).toBe(403);
    await expect((await site.ask('/', cookies)).json()).resolves.toMatchObject({ principal: { name: 'ann' } });
  });

  it('ends for good, also for a copy of the cookie', async () => {
    const site = pages();
    const cookies = await loggedIn(site);
    const { csrf } = (await (await site.ask('/', cookies)).json()) as { csrf: string };
    const answer = await site.ask('/logout', cookies, { method: 'POST', headers: POST, body: `csrf=${csrf}` });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
    await expect((await site.ask('/', cookies)).json()).resolves.toEqual({ principal: null, csrf: null, looks: false });
  });

  it('does not end by a link', async () => {
    const site = pages();
    expect((await site.ask('/logout', await loggedIn(site))).status).toBe(404);
  });
});
