import { Hono } from 'hono';
import { NO_LOGIN } from '../../../../src/web/login/create-login';
import type { Login } from '../../../../src/web/login/login';
import type { Principal } from '../../../../src/web/login/principal';
import type { Action, MessageModel } from '../../../../src/web/model';
import { messageModel } from '../../../../src/web/server/message';
import { forVisitor } from '../../../../src/web/server/visitor';

const ANN: Principal = {
  name: 'ann',
  issuer: 'https://id.example.com',
  subject: '4711',
  roles: ['viewer', 'operator'],
};
const OIDC: Login = { ...NO_LOGIN, method: 'oidc', csrfOf: () => 'token' };
const ASKED: Action = { name: 'abort', path: '/x', label: 'Abort', explanation: '', grave: true, fields: [] };

async function seen(login: Login, principal: Principal | null, path = '/clusters/prod?a=b'): Promise<MessageModel> {
  const app = new Hono<{ Variables: { principal: Principal | null } }>();
  app.use(async (context, next) => {
    context.set('principal', principal);
    await next();
  });
  const model = { ...messageModel('Sure?', []), confirm: ASKED };
  app.get('*', (context) => context.json(forVisitor(model, login, context)));
  return (await (await app.request(path)).json()) as MessageModel;
}

describe('a page for who asks', () => {
  it('says who that is, and gives every form its token', async () => {
    const { viewer, session, confirm } = await seen(OIDC, ANN);
    const token = expect.objectContaining({ name: 'csrf', value: 'token', kind: 'hidden' });
    expect(viewer).toEqual({ name: 'ann', roles: ['viewer', 'operator'] });
    expect(session).toMatchObject({ logOut: { path: '/logout', fields: [token] } });
    expect(confirm?.fields).toEqual([token]);
  });

  it.each([
    ['/clusters/prod?a=b', '/login?return=%2Fclusters%2Fprod%3Fa%3Db'],
    ['/clusters/prod/events?a=b', '/login?return=%2Fclusters%2Fprod%3Fa%3Db'],
    ['/events', '/login?return=%2F'],
  ])('shows the way in from %s', async (path, logIn) => {
    await expect(seen(OIDC, null, path)).resolves.toMatchObject({ viewer: null, session: { logIn } });
  });

  it.each([
    ['no login', NO_LOGIN],
    ['certificates', { ...OIDC, method: 'certificate' } as Login],
  ])('shows none with %s', async (_, login) => {
    await expect(seen(login, null)).resolves.toMatchObject({ session: null, confirm: { fields: [] } });
  });
});
