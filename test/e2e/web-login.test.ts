import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Agent, request } from 'undici';
import { login as loginSettings, type LoginConfig } from '../../src/config/settings/login';
import { createAuthority, issueClientCertificate, issueServerCertificate } from '../../src/lab/certificates';
import { createLogin } from '../../src/web/login/create-login';
import type { MessageModel, OverviewModel } from '../../src/web/model';
import { createActions } from '../../src/web/server/actions/create-actions';
import { createWebApp } from '../../src/web/server/app';
import { type Listening, listen } from '../../src/web/server/listen';
import type { WebState } from '../../src/web/server/web-state';
import { pem } from '../support/certificates';
import { freePort } from '../support/vault-node';
import { useDirectory } from '../support/temporary';

const ASSETS = {
  script: { name: 'app.1.js', type: 'text/javascript', text: '', integrity: 'sha384-a' },
  style: { name: 'app.2.css', type: 'text/css', text: '', integrity: 'sha384-b' },
  licences: '',
};
const EMPTY: OverviewModel = {
  page: 'overview',
  at: '2026-11-28T20:00:00Z',
  problems: [],
  viewer: null,
  session: null,
  clusters: [],
};
const STATE: WebState = {
  overview: () => Promise.resolve(EMPTY),
  cluster: () => Promise.resolve(null),
  run: () => Promise.resolve(null),
  holder: () => Promise.resolve(null),
};
const RUN = '11111111-2222-3333-4444-555555555555';
const RESUME = `/clusters/prod/runs/recovery/${RUN}/actions/resume`;

const path = useDirectory();
const ends: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** A browser of one person: it keeps cookies by origin, and follows redirects. */
class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();
  readonly #agent: Agent;

  constructor(tls: { ca: string; cert?: string; key?: string }) {
    this.#agent = new Agent({ connect: tls });
    ends.push(() => this.#agent.destroy());
  }

  cookies(origin: string): Map<string, string> {
    const known = this.#cookies.get(origin) ?? new Map<string, string>();
    this.#cookies.set(origin, known);
    return known;
  }

  async ask(url: string, form?: Record<string, string>, headers: Record<string, string> = {}) {
    const { origin } = new URL(url);
    const cookies = this.cookies(origin);
    const answer = await request(url, {
      dispatcher: this.#agent,
      method: form === undefined ? 'GET' : 'POST',
      headers: {
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(form && { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin', origin }),
        ...headers,
      },
      body: form === undefined ? null : new URLSearchParams(form).toString(),
    });
    for (const cookie of [answer.headers['set-cookie'] ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === '' || /expires=Thu, 01 Jan 1970|max-age=0/i.test(cookie)) cookies.delete(name);
      else cookies.set(name, value);
    }
    const { location } = answer.headers;
    const next = typeof location === 'string' ? new URL(location, url).href : null;
    return { status: answer.statusCode, text: await answer.body.text(), next };
  }

  /** To where nothing leads any further. @param until not beyond an address that begins like this */
  async follow(url: string, until = '-', form?: Record<string, string>) {
    let answer = await this.ask(url, form);
    let at = url;
    while (answer.next !== null && !answer.next.startsWith(until)) {
      at = answer.next;
      answer = await this.ask(at);
    }
    return { ...answer, at };
  }

  /** Types a name, and says yes. @returns the address with which the issuer sends the browser back */
  async logInAt(start: string, origin: string, name: string): Promise<string> {
    const asked = await this.follow(start, `${origin}/login/callback`);
    const action = /action="([^"]+)"/.exec(asked.text)![1]!;
    const login = { prompt: 'login', login: name, password: 'any' };
    const consent = await this.follow(new URL(action, asked.at).href, `${origin}/login/callback`, login);
    const answer = /action="([^"]+)"/.exec(consent.text)![1]!;
    const end = await this.follow(new URL(answer, consent.at).href, `${origin}/login/callback`, { prompt: 'consent' });
    return end.next!;
  }
}

/** Pages over TLS that show nothing but who is logged in, and do nothing but remember what they should. */
async function serve(tls: { ca: string; certFile: string; keyFile: string }, raw: object, port: number) {
  const origin = `https://localhost:${port}`;
  const settings: LoginConfig = loginSettings.parse(raw);
  const [did, notes]: [unknown[], string[]] = [[], []];
  const note = (text: string) => notes.push(text);
  const { login, seal } = await createLogin(settings, origin, note);
  const doer = {
    start: () => Promise.resolve('restore-prod'),
    send: (...what: unknown[]) => Promise.resolve({ accepted: did.push(what) > 0, message: 'Trying again.' }),
    submit: () => Promise.resolve({ accepted: true, message: 'Accepted 1 of 3.' }),
  };
  const app = createWebApp({
    state: STATE,
    login,
    assets: ASSETS,
    settings: {
      hosts: new Set([`localhost:${port}`]),
      secure: true,
      proxied: false,
      formOrigins: [],
      stop: new AbortController().signal,
      onError: note,
    },
    actions: createActions({ login, seal, origin, assets: ASSETS, doer, note }),
  });
  const clientCa = settings.method === 'certificate' ? { clientCaFile: settings.caFile } : {};
  const server: Listening = await listen({
    address: '127.0.0.1',
    port,
    tls: { certFile: tls.certFile, keyFile: tls.keyFile, ...clientCa },
    fetch: app.fetch,
    onNote: note,
  });
  ends.push(() => server.close());
  return { origin, did, notes };
}

async function certificates() {
  const authority = await createAuthority('Test CA');
  const { certificate, privateKey } = await issueServerCertificate(authority, {
    dns: ['localhost'],
    ip: ['127.0.0.1'],
  });
  const [certFile, keyFile, caFile] = [path('cert.pem'), path('key.pem'), path('ca.pem')];
  await writeFile(certFile, certificate);
  await writeFile(keyFile, pem(privateKey), { mode: 0o600 });
  await writeFile(caFile, authority.certificate);
  return { ca: authority.certificate, caFile, certFile, keyFile };
}

async function issuer(tls: { certFile: string; keyFile: string }, redirectUri: string): Promise<string> {
  const script = join(__dirname, '../support/oidc-issuer.mjs');
  const child = spawn(process.execPath, [script, tls.keyFile, tls.certFile, redirectUri], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  ends.push(async () => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });
  const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  return `https://localhost:${String(value)}`;
}

/** As the page carries it. */
function modelIn(html: string): MessageModel {
  return JSON.parse(/<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html)![1]!) as MessageModel;
}

function csrfIn(html: string): string {
  const { session } = modelIn(html);
  return session !== null && 'logOut' in session ? session.logOut.fields[0]!.value : '';
}

async function withIssuer(changes: object = {}) {
  const tls = await certificates();
  const port = await freePort();
  const issuerUrl = await issuer(tls, `https://localhost:${port}/login/callback`);
  await writeFile(path('secret'), 'a-secret-of-the-test\n');
  const site = await serve(
    tls,
    {
      method: 'oidc',
      issuer: issuerUrl,
      clientId: 'vault-dr',
      clientSecret: { file: path('secret') },
      caFile: tls.caFile,
      roles: { operator: ['ops'], approver: ['approvers'] },
      ...changes,
    },
    port,
  );
  return { ...site, browser: () => new Browser({ ca: tls.ca }) };
}

it.each(['idToken', 'userInfo'])(
  'logs people in at a real provider, by the %s, and lets them act',
  async (claimsFrom) => {
    const { origin, browser, did, notes } = await withIssuer({ claimsFrom });
    const ann = browser();
    const first = await ann.ask(`${origin}/`);
    expect([first.status, first.next]).toEqual([303, `${origin}/login?return=%2F`]);

    const back = await ann.logInAt(`${origin}/login?return=${encodeURIComponent('/?a=b')}`, origin, 'ann');
    const landed = await ann.follow(back);
    expect(landed.at).toBe(`${origin}/?a=b`);
    expect(modelIn(landed.text).viewer).toEqual({ name: 'ann', roles: ['viewer', 'operator'] });

    const csrf = csrfIn(landed.text);
    expect((await ann.ask(`${origin}${RESUME}`, { csrf, operator: 'bea' })).status).toBe(200);
    const identity = { issuer: expect.stringContaining('https://localhost:'), subject: 'ann' };
    expect(did).toEqual([['prod', 'recovery', RUN, { name: 'resume', input: { operator: 'ann', identity } }]]);
    // The role that ann does not have.
    const approve = `${origin}/clusters/prod/runs/recovery/${RUN}/actions/approve`;
    expect((await ann.ask(approve, { csrf, planHash: 'ab'.repeat(32) })).status).toBe(403);
    // Another site, with the cookies of ann.
    const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
    expect((await ann.ask(`${origin}${RESUME}`, { csrf }, foreign)).status).toBe(403);
    expect(did).toHaveLength(1);

    // The answer of the issuer, once more.
    const replayed = await ann.ask(back);
    expect(replayed.status).toBe(400);
    const stolen = ann.cookies(origin).get('__Host-vault-dr-session')!;
    expect((await ann.ask(`${origin}/logout`, { csrf })).status).toBe(303);
    const thief = browser();
    thief.cookies(origin).set('__Host-vault-dr-session', stolen);
    expect((await thief.ask(`${origin}/`)).status).toBe(303);
    expect(notes.join('\n')).not.toContain('a-secret-of-the-test');
  },
);

it('takes no answer that was meant for another browser, or of another login', async () => {
  const { origin, browser } = await withIssuer();
  const [ann, bea] = [browser(), browser()];
  const [backOfAnn, backOfBea] = [
    await ann.logInAt(`${origin}/login`, origin, 'ann'),
    await bea.logInAt(`${origin}/login`, origin, 'bea'),
  ];
  // Bea is brought to log in as ann, and the other way round: codes fit, states and nonces do not.
  expect((await bea.ask(backOfAnn)).status).toBe(401);
  const mixed = new URL(backOfAnn);
  mixed.searchParams.set('code', new URL(backOfBea).searchParams.get('code')!);
  expect((await ann.ask(mixed.href)).status).toBe(401);
  expect([...ann.cookies(origin).keys(), ...bea.cookies(origin).keys()]).toEqual([]);
});

it('logs nobody in whose name is not clear, or whose address is not verified', async () => {
  const { origin, browser, notes } = await withIssuer();
  const eve = browser();
  const answer = await eve.follow(await eve.logInAt(`${origin}/login`, origin, 'eve'));
  expect(answer.status).toBe(401);
  expect(notes.at(-1)).toContain("The claim 'preferred_username' must have no control, invisible");

  const byMail = await withIssuer({ nameClaim: 'email' });
  const other = byMail.browser();
  const refused = await other.follow(await other.logInAt(`${byMail.origin}/login`, byMail.origin, 'eve'));
  expect(refused.status).toBe(401);
  expect(byMail.notes.at(-1)).toContain('does not say that the e-mail address is verified');
});

it('knows people by their certificates, and nobody by those of others', async () => {
  const tls = await certificates();
  const people = await createAuthority('People CA');
  await writeFile(path('people.pem'), people.certificate);
  const roles = { operator: ['ann'] };
  const settings = { method: 'certificate', caFile: path('people.pem'), groupsFrom: 'name', roles };
  const { origin, did } = await serve(tls, settings, await freePort());
  const browserOf = async (authority: typeof people, name: string) => {
    const { certificate, privateKey } = await issueClientCertificate(authority, name);
    return new Browser({ ca: tls.ca, cert: certificate, key: pem(privateKey) });
  };

  const ann = await browserOf(people, 'ann');
  const page = await ann.ask(`${origin}/`);
  expect(modelIn(page.text).viewer).toEqual({ name: 'ann', roles: ['viewer', 'operator'] });
  expect((await ann.ask(`${origin}${RESUME}`, {})).status).toBe(403);
  expect(did).toEqual([]);

  const bob = await browserOf(people, 'bob');
  expect(modelIn((await bob.ask(`${origin}/`)).text).viewer).toEqual({ name: 'bob', roles: ['viewer'] });
  const mallory = await browserOf(await createAuthority('People CA'), 'ann');
  expect((await mallory.ask(`${origin}/`)).status).toBe(401);
  expect((await new Browser({ ca: tls.ca }).ask(`${origin}/`)).status).toBe(401);
});
