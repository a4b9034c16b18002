import type { Context } from 'hono';
import { Hono } from 'hono';
import { DrError } from '../../../../src/contract/failures';
import { NO_LOGIN } from '../../../../src/web/login/create-login';
import type { Login } from '../../../../src/web/login/login';
import type { Principal } from '../../../../src/web/login/principal';
import { Seal } from '../../../../src/web/login/seal';
import type { MessageModel } from '../../../../src/web/model';
import type { WebEnv } from '../../../../src/web/server/app';
import { createActions } from '../../../../src/web/server/actions/create-actions';
import type { Doer } from '../../../../src/web/server/actions/doer';

const ORIGIN = 'https://dr.example.com';
const ASSETS = {
  script: { name: 'app.1.js', type: 'text/javascript', text: '', integrity: 'sha384-a' },
  style: { name: 'app.2.css', type: 'text/css', text: '', integrity: 'sha384-b' },
};
const ANN: Principal = {
  name: 'ann',
  issuer: 'https://id.example.com',
  subject: '4711',
  roles: ['viewer', 'operator', 'approver', 'holder'],
};
const IDENTITY = { issuer: ANN.issuer, subject: ANN.subject };
const SHARE = `-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3Yx\n-----END AGE ENCRYPTED FILE-----`;
const RUN = '11111111-2222-3333-4444-555555555555';
const ABORT = `/clusters/prod/runs/recovery/${RUN}/actions/abort`;
const RESUME = `/clusters/prod/runs/recovery/${RUN}/actions/resume`;
const HASH = 'ab'.repeat(32);

const FORM = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin', origin: ORIGIN };

function pages(principal: Principal | null = ANN, login: Partial<Login> = {}) {
  const did: unknown[] = [];
  const notes: string[] = [];
  const doer: Doer = {
    start: (request) => {
      did.push(request);
      return Promise.resolve('restore-prod');
    },
    send: (...what) => {
      did.push(what);
      return Promise.resolve({ accepted: true, message: 'Trying again.' });
    },
    submit: (...what) => {
      did.push(what);
      return Promise.resolve({ accepted: false, message: 'ann has already submitted this share.' });
    },
  };
  const oidc: Login = {
    ...NO_LOGIN,
    method: 'oidc',
    csrfOf: () => 'token',
    isCsrf: (_: Context, token) => token === 'token',
    ...login,
  };
  const app = new Hono<WebEnv>();
  app.use(async (context, next) => {
    context.set('principal', principal);
    context.set('client', '192.0.2.1');
    await next();
  });
  const seal = new Seal(Buffer.alloc(32, 1), '');
  const parts = { login: oidc, seal, origin: ORIGIN, assets: ASSETS, doer, note: (text: string) => notes.push(text) };
  app.route('/', createActions(parts));
  const post = (path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}) =>
    app.request(`${ORIGIN}${path}`, {
      method: 'POST',
      headers: { ...FORM, ...headers },
      body: new URLSearchParams({ csrf: 'token', ...fields }).toString(),
    });
  return { app, post, did, notes, doer };
}

/** The tag with which the second step is confirmed. */
function confirmIn(html: string): string {
  const [, data = '{}'] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html) ?? [];
  const { confirm } = JSON.parse(data) as Partial<MessageModel>;
  return confirm?.fields.find(({ name }) => name === 'confirm')?.value ?? '';
}

describe('an action', () => {
  it('is done in the name of who is logged in, whatever the form says', async () => {
    const { post, did, notes } = pages();
    const answer = await post(RESUME, { operator: 'bob', identity: 'bob', name: 'bob' });
    expect(answer.status).toBe(200);
    expect(did).toEqual([
      ['prod', 'recovery', RUN, { name: 'resume', input: { operator: 'ann', identity: IDENTITY } }],
    ]);
    expect(notes).toEqual([expect.stringContaining('ann (4711 of https://id.example.com): resume at /clusters/prod')]);
  });

  it.each([
    ['from another site', {}, { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, 403],
    ['from a subdomain', {}, { 'sec-fetch-site': 'same-site' }, 403],
    ['without a token', { csrf: '' }, {}, 403],
    ['with the token of somebody else', { csrf: 'other' }, {}, 403],
    ['as text, which any page may send', {}, { 'content-type': 'text/plain' }, 400],
    ['as a form with files', {}, { 'content-type': 'multipart/form-data; boundary=x' }, 400],
  ])('is not done %s', async (_, fields, headers, status) => {
    const { post, did } = pages();
    expect((await post(RESUME, fields, headers)).status).toBe(status);
    expect(did).toEqual([]);
  });

  it.each([
    ['nobody is logged in', null, 401],
    ['the role is missing', { ...ANN, roles: ['viewer', 'approver', 'holder'] } as Principal, 403],
  ])('is not done if %s', async (_, principal, status) => {
    const { post, did } = pages(principal);
    expect((await post(RESUME)).status).toBe(status);
    expect(did).toEqual([]);
  });

  it.each([
    `/clusters/prod/runs/recovery/${RUN}/actions/constructor`,
    `/clusters/prod/runs/backup/${RUN}/actions/abort`,
    `/clusters/PROD/runs/recovery/${RUN}/actions/abort`,
    '/clusters/prod/actions/toString',
    '/clusters/prod/runs/recovery/..%2f..%2f/actions/abort',
  ])('does not exist: %s', async (path) => {
    const { post, did } = pages();
    expect((await post(path)).status).toBe(404);
    expect(did).toEqual([]);
  });

  it('is not done by a link', async () => {
    const { app, did } = pages();
    expect((await app.request(`${ORIGIN}${RESUME}?csrf=token`, { headers: FORM })).status).toBe(404);
    expect(did).toEqual([]);
  });

  it('is limited for each person', async () => {
    const { post, did } = pages();
    const statuses: number[] = [];
    for (let count = 0; count < 30; count++) statuses.push((await post(RESUME)).status);
    expect(statuses).toContain(429);
    expect(did.length).toBeLessThan(25);
  });

  it('says what has gone wrong, and the way out', async () => {
    const { post, doer } = pages();
    doer.send = () => Promise.reject(new DrError('NoSuchRun', "There is no open run 'x'.", { advice: 'Start one.' }));
    const answer = await post(RESUME, {}, { accept: 'application/json' });
    expect(answer.status).toBe(404);
    await expect(answer.json()).resolves.toEqual({
      ok: false,
      text: "There is no open run 'x'.",
      advice: 'Start one.',
    });
  });
});

describe('a grave action', () => {
  it('is done once it is confirmed', async () => {
    const { post, did } = pages();
    const html = await (await post(ABORT)).text();
    expect(html).toContain('can not be continued');
    expect(did).toEqual([]);
    const answer = await post(ABORT, { confirm: confirmIn(html) });
    expect(answer.status).toBe(200);
    expect(did).toHaveLength(1);
  });

  it.each([
    ['other fields', (run: string) => run, { node: 'vault-3' }],
    ['another run', (run: string) => run.replace(/^.*$/, RUN.replaceAll('1', '9')), { node: 'vault-2' }],
  ])('is asked again with %s', async (_, other, fields) => {
    const { post, did } = pages();
    const path = (run: string) => `/clusters/prod/runs/recovery/${run}/actions/skipNode`;
    const confirm = confirmIn(await (await post(path(RUN), { node: 'vault-2' })).text());
    const html = await (await post(path(other(RUN)), { ...fields, confirm })).text();
    expect(confirmIn(html)).not.toBe(confirm);
    expect(did).toEqual([]);
  });

  it('shows what was typed as text', async () => {
    const { post } = pages();
    const html = await (
      await post('/clusters/prod/actions/restore', { generation: '<img src=x onerror=alert(1)>' })
    ).text();
    expect(html).not.toContain('<img');
  });

  it('starts nothing from what is no backup', async () => {
    const { post, did } = pages();
    const fields = { generation: '../../etc/passwd' };
    const confirm = confirmIn(await (await post('/clusters/prod/actions/restore', fields)).text());
    expect((await post('/clusters/prod/actions/restore', { ...fields, confirm })).status).toBe(400);
    expect(did).toEqual([]);
  });

  it('carries an approval by the name of the token, with the signature that was pasted', async () => {
    const { post, did } = pages();
    const path = `/clusters/prod/runs/recovery/${RUN}/actions/approve`;
    const signature = '-----BEGIN SSH SIGNATURE-----\r\nAAAA\r\n-----END SSH SIGNATURE-----\r\n';
    const fields = { planHash: HASH, signature, approver: 'bob' };
    const confirm = confirmIn(await (await post(path, fields)).text());
    await post(path, { ...fields, confirm });
    expect(did).toEqual([
      [
        'prod',
        'recovery',
        RUN,
        {
          name: 'approve',
          input: {
            approver: 'ann',
            identity: IDENTITY,
            planHash: HASH,
            signature: '-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n',
          },
        },
      ],
    ]);
  });
});

describe('starting', () => {
  it.each([
    ['backup', {}, { start: 'backup', input: { cluster: 'prod' } }],
    ['drill', { unseal: 'yes' }, { start: 'drill', input: { requestedBy: 'ann', unseal: true, identity: IDENTITY } }],
    ['rollCall', {}, { start: 'rollCall', input: { requestedBy: 'ann', identity: IDENTITY } }],
    ['plan', {}, { start: 'restore', input: { planOnly: true, generation: 'latest', requestedBy: 'ann' } }],
  ])('a %s is asked for by who is logged in', async (action, fields, expected) => {
    const { post, did } = pages();
    expect((await post(`/clusters/prod/actions/${action}`, { ...fields, requestedBy: 'bob' })).status).toBe(200);
    expect(did).toMatchObject([expected]);
  });
});

describe('handing in a share', () => {
  const FIELDS = { purpose: 'restore', run: RUN, holder: 'bob', share: SHARE };

  it('is done in the name of the token', async () => {
    const { post, did } = pages();
    const answer = await post('/clusters/prod/unseal', FIELDS, { accept: 'application/json' });
    expect(answer.status).toBe(409);
    await expect(answer.json()).resolves.toEqual({
      ok: false,
      text: 'ann has already submitted this share.',
      advice: null,
    });
    expect(did).toMatchObject([
      ['prod', 'restore', RUN, { name: 'submitShare', input: { holder: 'ann', identity: IDENTITY } }],
    ]);
  });

  it('needs the role of a holder', async () => {
    const { post, did } = pages({ ...ANN, roles: ['viewer', 'operator', 'approver'] });
    expect((await post('/clusters/prod/unseal', FIELDS)).status).toBe(403);
    expect(did).toEqual([]);
  });

  it('is open to anybody where nobody can log in, from these pages only, and seldom', async () => {
    const { post, did } = pages(null, { method: 'off', csrfOf: () => null, isCsrf: () => false });
    const foreign = await post('/clusters/prod/unseal', FIELDS, { 'sec-fetch-site': 'cross-site' });
    expect([foreign.status, did]).toEqual([403, []]);
    await post('/clusters/prod/unseal', FIELDS);
    expect(did).toMatchObject([['prod', 'restore', RUN, { input: { holder: 'bob' } }]]);
    const statuses: number[] = [];
    for (let count = 0; count < 10; count++) statuses.push((await post('/clusters/prod/unseal', FIELDS)).status);
    expect(statuses.at(-1)).toBe(429);
    expect(did.length).toBeLessThan(10);
  });

  it('lets nobody act where nobody can log in', async () => {
    const { post, did } = pages(null, { method: 'off', csrfOf: () => null, isCsrf: () => false });
    expect((await post(RESUME)).status).toBe(401);
    expect(did).toEqual([]);
  });

  it.each([
    ['a share in clear', 'c2hhcmUtaW4tY2xlYXItdGV4dC0xMjM0NTY3ODkwMTI='],
    ['nothing', ''],
    ['something else', 'hello'],
  ])('sends %s to nobody', async (_, share) => {
    const { post, did, notes } = pages();
    const answer = await post('/clusters/prod/unseal', { ...FIELDS, share });
    expect(answer.status).toBe(400);
    expect(did).toEqual([]);
    expect(share === '' || !`${await answer.text()}${notes.join('')}`.includes(share)).toBe(true);
  });
});
