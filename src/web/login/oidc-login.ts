import { type Context, Hono } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { OidcConfig } from '../../config/settings/login';
import { isDrError } from '../../contract/failures';
import { printable } from '../../contract/printable';
import { principalOfClaims } from './claims';
import type { Issuer, LoginChecks } from './issuer';
import type { Login, Refuse } from './login';
import type { Principal } from './principal';
import { returnPath } from './return-path';
import { foreignRequest } from './same-site';
import type { Seal } from './seal';
import { type Session, Sessions } from './session';

export const CALLBACK_PATH = '/login/callback';

/** Only for this host, by TLS, and not by scripts: `__Host-` has browsers insist on it. */
const SESSION_COOKIE = 'vault-dr-session';
const LOGIN_COOKIE = 'vault-dr-login';
const LOGIN_SECONDS = 10 * 60;
const PURPOSE = 'login';
/** Of an answer: issuers send a code of a few hundred. */
const LONGEST_ANSWER = 8_000;
const LONGEST_NOTE = 300;

interface Begun extends LoginChecks {
  back: string;
}

export interface OidcParts {
  settings: OidcConfig;
  issuer: Pick<Issuer, 'checks' | 'address' | 'claims'>;
  seal: Seal;
  /** Of these pages, as browsers see them. */
  origin: string;
  /** For the log of the server. */
  note: (text: string) => void;
}

/** OpenID Connect: the authorization code flow with PKCE, state and nonce. */
export function oidcLogin({ settings, issuer, seal, origin, note }: OidcParts): Login {
  const sessions = new Sessions(seal, settings.sessionMinutes);
  const sessionOf = (context: Context) => sessions.of(getCookie(context, SESSION_COOKIE, 'host'));
  const csrf = ({ id }: Session) => seal.tag('csrf', id);

  return {
    method: 'oidc',
    routes: (refuse) => {
      const app = new Hono();
      app.get('/login', (context) => begin(context, refuse));
      app.get(CALLBACK_PATH, (context) => finish(context, refuse));
      app.post('/logout', (context) => end(context, refuse));
      return app;
    },
    principalOf: (context) => Promise.resolve(sessionOf(context)?.principal ?? null),
    csrfOf: (context) => {
      const session = sessionOf(context);
      return session && csrf(session);
    },
    isCsrf: (context, token) => {
      const session = sessionOf(context);
      return session !== null && seal.isTag(token, 'csrf', session.id);
    },
  };

  async function begin(context: Context, refuse: Refuse): Promise<Response> {
    try {
      const checks = await issuer.checks();
      const address = await issuer.address(checks);
      const begun: Begun = { ...checks, back: returnPath(context.req.query('return')) };
      const sealed = seal.seal(PURPOSE, begun, Date.now() + LOGIN_SECONDS * 1_000);
      // Lax: the answer comes from the issuer's site.
      setCookie(context, LOGIN_COOKIE, sealed, { ...COOKIE, maxAge: LOGIN_SECONDS });
      return context.redirect(address.href, 302);
    } catch (error) {
      note(`The issuer can't be asked to log anybody in: ${reasonOf(error)}`);
      return refuse(
        context,
        502,
        'The identity provider does not answer as it should. The log of the server says why.',
      );
    }
  }

  async function finish(context: Context, refuse: Refuse): Promise<Response> {
    const begun = seal.open<Begun>(PURPOSE, getCookie(context, LOGIN_COOKIE, 'host'), Date.now());
    // An answer counts once.
    deleteCookie(context, LOGIN_COOKIE, COOKIE_PLACE);
    const { search } = new URL(context.req.url);
    if (begun === null || search.length > LONGEST_ANSWER) {
      return refuse(context, 400, 'No login was begun in this browser within the last 10 minutes. Log in again.');
    }
    const named = await identified(search, begun);
    if ('problem' in named) {
      note(`Nobody was logged in: ${named.problem}`);
      return refuse(context, 401, `You were not logged in: ${named.problem}`);
    }
    const { principal } = named;
    setCookie(context, SESSION_COOKIE, sessions.begin(principal), { ...COOKIE, maxAge: sessions.seconds });
    note(`${who(principal)} has logged in, with ${principal.roles.join(', ') || 'no role'}.`);
    // Checked when it was sealed; checked again, because it costs nothing.
    return context.redirect(returnPath(begun.back), 303);
  }

  async function identified(search: string, begun: Begun): Promise<{ principal: Principal } | { problem: string }> {
    try {
      return principalOfClaims(await issuer.claims(search, begun), settings);
    } catch (error) {
      return { problem: `The answer of the identity provider was not accepted: ${reasonOf(error)}` };
    }
  }

  async function end(context: Context, refuse: Refuse): Promise<Response> {
    const session = sessionOf(context);
    if (session !== null) {
      const form = await context.req.parseBody().catch(() => ({}));
      const token = (form as Record<string, unknown>)['csrf'];
      const problem = foreignRequest(context.req.raw.headers, origin);
      if (problem !== null || typeof token !== 'string' || !seal.isTag(token, 'csrf', session.id)) {
        return refuse(context, 403, problem ?? 'The form is not of this login. Load the page again.');
      }
      sessions.end(session);
      note(`${who(session.principal)} has logged out.`);
    }
    deleteCookie(context, SESSION_COOKIE, COOKIE_PLACE);
    return context.redirect('/', 303);
  }
}

const COOKIE_PLACE = { path: '/', secure: true, prefix: 'host' } as const;
const COOKIE = { ...COOKIE_PLACE, httpOnly: true, sameSite: 'Lax' } as const;

function who({ name, issuer, subject }: Principal): string {
  return printable(`${name} (${subject} of ${issuer})`);
}

/** What the libraries say holds names of parameters and claims, and no token. */
function reasonOf(error: unknown): string {
  if (isDrError(error)) return printable(error.message);
  const { message = '', code = '', error: said = '' } = error as { message?: string; code?: string; error?: string };
  return printable([said, message, code].filter((text) => typeof text === 'string' && text !== '').join(', ')).slice(
    0,
    LONGEST_NOTE,
  );
}
