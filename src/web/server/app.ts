import { getConnInfo } from '@hono/node-server/conninfo';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { isLoopbackHost } from '../../contract/addresses';
import { NAME_PATTERN, RUN_PATTERN } from '../../contract/names';
import { printable } from '../../contract/printable';
import { SHARE_PURPOSES } from '../../contract/recipients';
import type { WebAssets } from '../assets';
import { type Login, mayLook } from '../login/login';
import { type PageModel, RUN_KINDS, type ShownModel } from '../model';
import { ASSET_PATHS, assetPath, serveAsset } from './assets';
import { documentOf } from './document';
import { eventStream, StreamCount } from './events';
import { securityHeaders } from './headers';
import { messageModel } from './message';
import { clientOf, RateLimit } from './rate-limit';
import type { Viewer, WebState } from './web-state';
import { forVisitor } from './visitor';

export interface WebSettings {
  /** What `Host` may say, in lower case. */
  hosts: ReadonlySet<string>;
  /** Whether browsers reach it by TLS. */
  secure: boolean;
  /** A proxy on this host says who asks. */
  proxied: boolean;
  /** Origins to which a form may lead, as by logging out. */
  formOrigins: readonly string[];
  /** Once the server is to end. */
  stop: AbortSignal;
  /** Of what went wrong within; never shown. */
  onError: (problem: string) => void;
  pollMs?: number;
}

export interface WebParts {
  state: WebState;
  login: Login;
  assets: WebAssets;
  settings: WebSettings;
  /** Paths that act: all of them POST. Who asks is in `principal`. */
  actions?: Hono<WebEnv>;
}

/** What a handler finds in its context. */
export interface WebEnv {
  Variables: { principal: Viewer; client: string };
}

type Web = Context<WebEnv>;
type Status = 200 | keyof typeof TITLES;
type Refuse = (context: Web, status: keyof typeof TITLES, text: string) => Response | Promise<Response>;

const METHODS = ['GET', 'HEAD', 'POST'];
const LONGEST_PATH = 1_000;
const LONGEST_QUERY = 4_000;
const MOST_BYTES = 256 * 1024;
/** A page is one request, and two more at the first visit. */
const PER_SECOND = 10;
const BURST = 60;
const STREAMS_OF_ONE = 12;
const STREAMS_OF_ALL = 200;
const POLL_MS = 2_000;
const HEARTBEAT_MS = 15_000;
const LONGEST_STREAM_MS = 60 * 60 * 1_000;

export function createWebApp({ state, login, assets, settings, actions }: WebParts): Hono<WebEnv> {
  const app = new Hono<WebEnv>();
  const shown = (context: Web, model: ShownModel, status: Status = 200) =>
    context.html(documentOf(forVisitor(model, login, context), assets), status);
  const refused: Refuse = (context, status, text) => shown(context, messageModel(TITLES[status], [text]), status);

  app.use(securityHeaders(settings.formOrigins, settings.secure));
  app.use(wellFormed(settings.hosts, refused));
  app.use(limited(settings, refused));
  for (const asset of [assets.script, assets.style]) app.get(assetPath(asset), serveAsset(asset));
  app.get('/licences', (context) => context.text(assets.licences));
  app.get(ASSET_PATHS, (context) => refused(context, 404, 'This page may be of an earlier version: load it again.'));
  app.use(bodyLimit({ maxSize: MOST_BYTES, onError: (context) => refused(context as Web, 413, 'That is too much.') }));
  app.use(async (context, next) => {
    context.set('principal', await login.principalOf(context));
    return next();
  });
  app.route(
    '/',
    login.routes((context, status, text) => refused(context as Web, status, text)),
  );
  if (actions) app.route('/', actions);

  const streams = new StreamCount(STREAMS_OF_ONE, STREAMS_OF_ALL);
  const page = (path: string, gather: (context: Web, viewer: Viewer) => Promise<PageModel | null> | null) => {
    app.get(path === '/' ? '/events' : `${path}/events`, async (context) => {
      if (context.req.method !== 'GET' || !ownPage(context)) return refused(context, 403, 'Only its page reads this.');
      if (!mayLook(login, context.get('principal'))) return refused(context, 401, 'Log in to look at this.');
      if ((await gather(context, context.get('principal'))) === null) return refused(context, 404, NO_PAGE);
      return streamed(context, streams, settings, async () => {
        const principal = await login.principalOf(context);
        const found = mayLook(login, principal) ? await gather(context, principal) : null;
        return found && forVisitor(found, login, context);
      });
    });
    app.get(path, async (context) => {
      const viewer = context.get('principal');
      if (!mayLook(login, viewer)) return turnedAway(context, login, refused);
      const found = await gather(context, viewer);
      return found === null ? refused(context, 404, NO_PAGE) : shown(context, found);
    });
  };
  page('/', (_, viewer) => state.overview(viewer));
  page('/clusters/:cluster', (context, viewer) => {
    const cluster = clusterIn(context);
    return cluster === null ? null : state.cluster(cluster, viewer);
  });
  page('/clusters/:cluster/unseal', (context, viewer) => {
    const cluster = clusterIn(context);
    const asked = context.req.query('purpose');
    const purpose = SHARE_PURPOSES.find((one) => one === asked) ?? null;
    if (cluster === null || (asked !== undefined && purpose === null)) return null;
    return state.holder(cluster, purpose, viewer);
  });
  page('/clusters/:cluster/runs/:kind/:run', (context, viewer) => {
    const cluster = clusterIn(context);
    const kind = RUN_KINDS.find((one) => one === context.req.param('kind'));
    const run = context.req.param('run') ?? '';
    return cluster && kind && RUN_PATTERN.test(run) ? state.run(cluster, kind, run, viewer) : null;
  });

  app.notFound((context) => refused(context as Web, 404, NO_PAGE));
  app.onError((error, context) => {
    settings.onError(printable(`${context.req.method} ${context.req.path}: ${error.message}`));
    return refused(context as Web, 500, 'The server has failed to answer. Its log says why.');
  });
  return app;
}

function wellFormed(hosts: ReadonlySet<string>, refused: Refuse): MiddlewareHandler<WebEnv> {
  return async (context, next) => {
    const { method, raw } = context.req;
    if (!hosts.has((context.req.header('host') ?? '').toLowerCase())) {
      return refused(context, 421, 'This server is not known by that name. It is the setting web.publicUrl.');
    }
    if (!METHODS.includes(method)) {
      context.header('Allow', METHODS.join(', '));
      return refused(context, 405, 'This can only be looked at.');
    }
    const { pathname, search } = new URL(raw.url);
    if (pathname.length > LONGEST_PATH || search.length > LONGEST_QUERY) return refused(context, 414, NO_PAGE);
    return next();
  };
}

/** Who is not logged in does so, and comes back. */
function turnedAway(context: Web, { method }: Login, refused: Refuse): Response | Promise<Response> {
  if (context.get('principal') !== null) return refused(context, 403, 'Your account does not have the role viewer.');
  if (method === 'oidc') return context.redirect(`/login?return=${encodeURIComponent(pathOf(context))}`, 303);
  return refused(context, 401, 'A client certificate is needed to look at this.');
}

const NO_PAGE = 'There is no such page, cluster or run.';

const TITLES = {
  400: 'Bad request',
  401: 'Not logged in',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Not allowed',
  413: 'Too large',
  414: 'Not found',
  421: 'Wrong name',
  429: 'Too many requests',
  500: 'Something went wrong',
  502: 'No answer',
} as const;

function clusterIn(context: Web): string | null {
  const name = context.req.param('cluster') ?? '';
  return NAME_PATTERN.test(name) ? name : null;
}

function pathOf(context: Web): string {
  const { pathname, search } = new URL(context.req.url);
  return `${pathname}${search}`;
}

/** Browsers say for whom they ask; others can't be made to by a page of somebody else. */
function ownPage(context: Web): boolean {
  return [undefined, 'same-origin'].includes(context.req.header('sec-fetch-site'));
}

function limited(settings: WebSettings, refused: Refuse): MiddlewareHandler<WebEnv> {
  const limit = new RateLimit(PER_SECOND, BURST);
  return async (context, next) => {
    const client = clientOf(addressOf(context, settings.proxied));
    context.set('client', client);
    if (limit.takes(client, Date.now())) return next();
    context.header('Retry-After', '5');
    return refused(context, 429, 'Wait for a few seconds.');
  };
}

/** Of who asks. Only the last entry is the proxy's own. */
function addressOf(context: Web, proxied: boolean): string {
  const address = (context.env as unknown) ? (getConnInfo(context).remote.address ?? '') : '';
  if (!proxied || !isLoopbackHost(address)) return address;
  return context.req.header('x-forwarded-for')?.split(',').at(-1)?.trim() ?? address;
}

function streamed(
  context: Web,
  streams: StreamCount,
  { stop, pollMs = POLL_MS }: WebSettings,
  next: () => Promise<PageModel | null>,
): Response {
  const giveBack = streams.take(context.get('client'));
  if (giveBack === null) {
    return context.text('Too many pages are kept up to date.', 503, { 'Retry-After': '30' });
  }
  const stream = eventStream({
    next,
    everyMs: pollMs,
    heartbeatMs: HEARTBEAT_MS,
    longestMs: LONGEST_STREAM_MS,
    signal: AbortSignal.any([stop, context.req.raw.signal]),
    onEnd: giveBack,
  });
  return context.body(stream, 200, { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' });
}
