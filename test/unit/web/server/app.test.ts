import { brotliDecompressSync } from 'node:zlib';
import { Hono } from 'hono';
import { createWebApp, type WebParts } from '../../../../src/web/server/app';
import { assetPath } from '../../../../src/web/server/assets';
import type { Login } from '../../../../src/web/login/login';
import type { Principal } from '../../../../src/web/login/principal';
import type { OverviewModel } from '../../../../src/web/model';
import type { WebState } from '../../../../src/web/server/web-state';

const ANA: Principal = { name: 'ana', issuer: 'https://idp.example.com', subject: '1', roles: ['viewer'] };
const ASSETS = {
  script: { name: 'app.1.js', type: 'text/javascript', text: 'console.log(1);', integrity: 'sha384-a' },
  style: { name: 'app.2.css', type: 'text/css', text: 'body{}', integrity: 'sha384-b' },
  licences: 'MIT',
};
const NO_LOGIN: Login = {
  method: 'off',
  routes: () => new Hono(),
  principalOf: () => Promise.resolve(null),
  csrfOf: () => null,
  isCsrf: () => false,
};
const EMPTY: OverviewModel = {
  page: 'overview',
  at: '2026-11-28T20:00:00Z',
  problems: [],
  viewer: null,
  session: null,
  clusters: [],
};

function appOf(parts: Partial<WebParts> & { asked?: string[] } = {}) {
  const { asked = [] } = parts;
  const nothing = (what: string) => () => {
    asked.push(what);
    return Promise.resolve(null);
  };
  const state: WebState = {
    overview: () => Promise.resolve(EMPTY),
    cluster: nothing('cluster'),
    run: nothing('run'),
    holder: nothing('holder'),
  };
  const errors: string[] = [];
  const settings = {
    hosts: new Set(['127.0.0.1:8300']),
    secure: false,
    proxied: false,
    formOrigins: [],
    stop: new AbortController().signal,
    onError: (problem: string) => errors.push(problem),
    pollMs: 5,
  };
  const app = createWebApp({ state, login: NO_LOGIN, assets: ASSETS, settings, ...parts });
  const get = async (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    app.request(`http://127.0.0.1:8300${path}`, { method, headers: { host: '127.0.0.1:8300', ...headers } });
  return { get, errors, asked };
}

describe('the web server', () => {
  it('serves the overview with its data, and forbids everything that it does not need', async () => {
    const answer = await appOf().get('/');
    const text = await answer.text();
    expect(answer.status).toBe(200);
    expect(text).toContain(`<script src="${assetPath(ASSETS.script)}" integrity="${ASSETS.script.integrity}" defer>`);
    expect(text).toContain('<script type="application/json" id="data">{"page":"overview"');
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
  });

  it.each(['evil.example', '127.0.0.1', '127.0.0.1:8301', 'localhost:8300.evil.example', ''])(
    'answers nothing under the name %j, which may point here by DNS rebinding',
    async (host) => {
      const answer = await appOf().get('/', { host });
      expect(answer.status).toBe(421);
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(await answer.text()).not.toContain('overview"');
    },
  );

  it.each([
    '/clusters/%2e%2e%2fetc',
    '/clusters/prod%00',
    '/clusters/PROD',
    '/clusters/%ff',
    '/clusters/prod/runs/restore/1',
    '/clusters/prod/runs/recovery/..%2f1',
    '/clusters/prod/runs/recovery/%27%20OR%201',
    '/clusters/PROD/unseal',
    '/clusters/constructor/runs/constructor/1',
    '/assets/../package.json',
    '/assets/app.js',
  ])('asks nobody about %s', async (path) => {
    const { get, asked } = appOf();
    expect((await get(path)).status).toBe(404);
    expect((await get(`${path.split('?')[0]}/events`)).status).toBe(404);
    expect(asked).toEqual([]);
  });

  it('asks nobody for shares of an unknown purpose', async () => {
    const { get, asked } = appOf();
    expect((await get('/clusters/prod/unseal?purpose=all')).status).toBe(404);
    expect(asked).toEqual([]);
  });

  it('says that there is no such page, and no more', async () => {
    const { get } = appOf();
    const answer = await get('/clusters/prod');
    expect(answer.status).toBe(404);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it.each(['PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND'])('does not take %s', async (method) => {
    expect((await appOf().get('/', {}, method)).status).toBe(405);
  });

  it('answers HEAD without a body, and opens no stream for it', async () => {
    const { get } = appOf();
    expect(await (await get('/', {}, 'HEAD')).text()).toBe('');
    expect((await get('/events', {}, 'HEAD')).status).toBe(403);
  });

  it('takes no long addresses', async () => {
    const { get } = appOf();
    expect((await get(`/${'a'.repeat(1_001)}`)).status).toBe(414);
    expect((await get(`/?${'a'.repeat(4_001)}`)).status).toBe(414);
  });

  it('keeps what went wrong to itself', async () => {
    const state = { overview: () => Promise.reject(new Error('/etc/secret is missing')) } as unknown as WebState;
    const { get, errors } = appOf({ state });
    const answer = await get('/');
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('secret');
    expect(errors).toEqual(['GET /: /etc/secret is missing']);
  });

  it('serves what never changes from caches, compressed', async () => {
    const { get } = appOf();
    const answer = await get(assetPath(ASSETS.script), { 'accept-encoding': 'gzip, br;q=1' });
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(answer.headers.get('content-encoding')).toBe('br');
    expect(brotliDecompressSync(Buffer.from(await answer.arrayBuffer())).toString()).toBe('console.log(1);');
    expect(await (await get(assetPath(ASSETS.style))).text()).toBe('body{}');
  });

  it('limits how often one client asks', async () => {
    const { get } = appOf();
    const all = await Promise.all(Array.from({ length: 400 }, () => get(assetPath(ASSETS.style))));
    const answers = all.map(({ status }) => status);
    expect(answers.slice(0, 60).every((status) => status === 200)).toBe(true);
    expect(answers).toContain(429);
  });

  it('sends the page again only when it has changed, and ends with its client', async () => {
    let clusters = 0;
    let asked = 0;
    const overview = () => {
      asked += 1;
      return Promise.resolve({
        ...EMPTY,
        at: `${asked}`,
        problems: Array.from({ length: clusters }, (_, at) => `${at}`),
      });
    };
    const { get } = appOf({ state: { overview } as unknown as WebState });
    const answer = await get('/events', { 'sec-fetch-site': 'same-origin' });
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const reader = answer.body!.getReader();
    const next = async () => new TextDecoder().decode((await reader.read()).value);
    expect(await next()).toBe('retry: 5\n\n');
    expect(await next()).toMatch(/^data: \{"page":"overview".*\}\n\n$/);
    await new Promise((resolve) => setTimeout(resolve, 50));
    clusters = 1;
    expect(await next()).toContain('"problems":["0"]');
    await reader.cancel();
    const before = asked;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked - before).toBeLessThanOrEqual(1);
  });

  it('opens no stream for pages of others, and not too many for one client', async () => {
    const { get } = appOf();
    expect((await get('/events', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    const all = await Promise.all(Array.from({ length: 13 }, () => get('/events')));
    expect(all.map(({ status }) => status)).toEqual([...Array.from({ length: 12 }, () => 200), 503]);
    await all[0]!.body!.cancel();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect((await get('/events')).status).toBe(200);
    await Promise.all(all.slice(1, 12).map(({ body }) => body!.cancel()));
  });
});

describe('with a login', () => {
  const login = (principal: Principal | null): Login => ({
    ...NO_LOGIN,
    method: 'oidc',
    principalOf: () => Promise.resolve(principal),
  });

  it('shows nothing before it, and comes back afterwards', async () => {
    const { get } = appOf({ login: login(null) });
    const answer = await get('/clusters/prod?x=1');
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/login?return=%2Fclusters%2Fprod%3Fx%3D1']);
    expect((await get('/events')).status).toBe(401);
    expect((await get(assetPath(ASSETS.style))).status).toBe(200);
  });

  it('shows nothing to who may not look', async () => {
    const { get } = appOf({ login: login({ ...ANA, roles: ['holder'] }) });
    expect((await get('/')).status).toBe(403);
    expect((await get('/events')).status).toBe(401);
  });

  it('ends the stream of somebody who is logged out', async () => {
    let principal: Principal | null = ANA;
    const { get } = appOf({ login: { ...login(ANA), principalOf: () => Promise.resolve(principal) } });
    const reader = (await get('/events')).body!.getReader();
    await reader.read();
    await reader.read();
    principal = null;
    expect((await reader.read()).done).toBe(true);
  });
});
