import { type Context, Hono } from 'hono';
import { canonicalJson } from '../../../contract/canonical-json';
import { type FailureCode, isDrError } from '../../../contract/failures';
import { NAME_PATTERN, RUN_PATTERN } from '../../../contract/names';
import { printable } from '../../../contract/printable';
import { SHARE_PURPOSES } from '../../../contract/recipients';
import { type Answer, yes } from '../../../contract/update-answers';
import type { WebAssets } from '../../assets';
import type { Login } from '../../login/login';
import type { Principal } from '../../login/principal';
import { foreignRequest, isForm } from '../../login/same-site';
import type { Seal } from '../../login/seal';
import type { ActionAnswer, MessageModel, Role } from '../../model';
import { clusterPath, holderPath, runPath } from '../../paths';
import type { WebEnv } from '../app';
import { documentOf } from '../document';
import { messageModel } from '../message';
import { RateLimit } from '../rate-limit';
import { forVisitor } from '../visitor';
import type { Doer } from './doer';
import { hidden } from './fields';
import { type Decision, DECISIONS, GRAVE, has, type Start, STARTS } from './offered';
import { decisionOf, type Fields, startOf, submissionOf } from './requests';

export interface ActionParts {
  login: Login;
  seal: Seal;
  /** Of these pages, as browsers see them. */
  origin: string;
  assets: Pick<WebAssets, 'script' | 'style'>;
  doer: Doer;
  /** Who has done what, for the log of the server. */
  note: (text: string) => void;
}

type Web = Context<WebEnv>;
type Status = 200 | 400 | 401 | 403 | 404 | 409 | 429 | 503;
interface Next {
  label: string;
  href: string;
}

const PER_SECOND = 0.5;
const BURST = 20;
/** Where nobody can log in: anybody may hand in, and Temporal takes 2,000 updates of a run. */
const OPEN_PER_SECOND = 0.1;
const OPEN_BURST = 6;
const OPEN_OF_ALL_PER_SECOND = 0.5;
const OPEN_OF_ALL_BURST = 30;
const OPEN_OF_A_RUN = 500;
const MOST_RUNS = 1_000;
const FIELDS_UNSENT = new Set(['csrf', 'confirm']);

/** Everything that changes something, each by POST, from a form of these pages, and by who is logged in. */
export function createActions({ login, seal, origin, assets, doer, note }: ActionParts): Hono<WebEnv> {
  const app = new Hono<WebEnv>();
  const ofPeople = new RateLimit(PER_SECOND, BURST);
  const ofClients = new RateLimit(OPEN_PER_SECOND, OPEN_BURST);
  const ofAll = new RateLimit(OPEN_OF_ALL_PER_SECOND, OPEN_OF_ALL_BURST);
  const handedIn = new Map<string, number>();

  app.post('/clusters/:cluster/actions/:action', async (context) => {
    const { cluster, action } = context.req.param();
    if (!NAME_PATTERN.test(cluster) || !Object.hasOwn(STARTS, action)) return refuse(context, 404, NO_ACTION);
    const start = action as Start;
    return act(context, STARTS[start], start, { label: cluster, href: clusterPath(cluster) }, async (fields, by) => {
      const workflowId = await doer.start(startOf(start, cluster, fields, by));
      return yes(`Started ${workflowId}.`);
    });
  });

  app.post('/clusters/:cluster/runs/:kind/:run/actions/:action', async (context) => {
    const { cluster, kind, run, action } = context.req.param();
    const isKnown = NAME_PATTERN.test(cluster) && RUN_PATTERN.test(run) && Object.hasOwn(DECISIONS, action);
    if (!isKnown || (kind !== 'recovery' && kind !== 'secrets')) return refuse(context, 404, NO_ACTION);
    const decision = action as Decision;
    const next = { label: 'The run', href: runPath({ cluster, kind, run }) };
    return act(context, DECISIONS[decision], decision, next, (fields, by) =>
      doer.send(cluster, kind, run, decisionOf(decision, fields, by)),
    );
  });

  app.post('/clusters/:cluster/unseal', async (context) => {
    const { cluster } = context.req.param();
    if (!NAME_PATTERN.test(cluster)) return refuse(context, 404, NO_ACTION);
    const checked = await checkedRequest(context, login.method === 'off' ? null : 'holder');
    if (checked instanceof Response) return checked;
    const { fields, principal } = checked;
    const purpose = SHARE_PURPOSES.find((one) => one === fields['purpose']);
    const run = fields['run'] ?? '';
    if (purpose === undefined || !RUN_PATTERN.test(run)) return refuse(context, 400, 'The form names no run.');
    if (principal === null && !mayHandIn(context, run)) return refuse(context, 429, TOO_MANY);
    const next = { label: 'Back', href: holderPath(cluster, purpose) };
    return done(context, 'submitShare', principal, next, () =>
      doer.submit(cluster, purpose, run, submissionOf(fields, principal)),
    );
  });

  return app;

  async function act(
    context: Web,
    role: Role,
    name: string,
    next: Next,
    work: (fields: Fields, by: Principal) => Promise<Answer>,
  ): Promise<Response> {
    const checked = await checkedRequest(context, role);
    if (checked instanceof Response) return checked;
    const { fields, principal } = checked;
    if (principal === null) return refuse(context, 401, LOG_IN);
    if (GRAVE.has(name)) {
      const material = canonicalJson({ path: context.req.path, fields });
      const bound = `${login.csrfOf(context)}\n${material}`;
      if (!seal.isTag(await fieldOf(context, 'confirm'), 'confirm', bound)) {
        return confirmed(context, name, fields, next, seal.tag('confirm', bound));
      }
    }
    return done(context, name, principal, next, () => work(fields, principal));
  }

  /** @param role null: nobody can log in, and anybody may */
  async function checkedRequest(
    context: Web,
    role: Role | null,
  ): Promise<Response | { fields: Fields; principal: Principal | null }> {
    const foreign = foreignRequest(context.req.raw.headers, origin);
    if (foreign !== null) return refuse(context, 403, foreign);
    if (!isForm(context.req.raw.headers)) return refuse(context, 400, 'This takes forms only.');
    const fields = await fieldsOf(context);
    if (role === null) return { fields, principal: null };
    const principal = context.get('principal');
    if (principal === null) return refuse(context, 401, LOG_IN);
    if (!has(principal, role)) return refuse(context, 403, `Your account does not have the role ${role}.`);
    if (!login.isCsrf(context, await fieldOf(context, 'csrf'))) {
      return refuse(context, 403, 'The form is not of this login. Load the page again.');
    }
    const { issuer, subject } = principal;
    if (!ofPeople.takes(JSON.stringify([issuer, subject]), Date.now())) return refuse(context, 429, TOO_MANY);
    return { fields, principal };
  }

  function mayHandIn(context: Web, run: string): boolean {
    const now = Date.now();
    const count = handedIn.get(run) ?? 0;
    if (count >= OPEN_OF_A_RUN || !ofClients.takes(context.get('client'), now) || !ofAll.takes('', now)) return false;
    if (handedIn.size >= MOST_RUNS && count === 0) handedIn.clear();
    handedIn.set(run, count + 1);
    return true;
  }

  async function done(
    context: Web,
    name: string,
    principal: Principal | null,
    next: Next,
    work: () => Promise<Answer>,
  ): Promise<Response> {
    const who =
      principal === null ? context.get('client') : `${principal.name} (${principal.subject} of ${principal.issuer})`;
    try {
      const { accepted, message } = await work();
      note(printable(`${who}: ${name} at ${next.href}: ${accepted ? '' : 'refused: '}${message}`));
      return await answer(context, accepted ? 200 : 409, { ok: accepted, text: message, advice: null }, next);
    } catch (error) {
      if (!isDrError(error)) throw error;
      const { code, message, advice = null } = error;
      note(printable(`${who}: ${name} at ${next.href}: ${code}: ${message}`));
      return answer(context, statusOf(code), { ok: false, text: message, advice }, next);
    }
  }

  function confirmed(
    context: Web,
    name: string,
    fields: Fields,
    next: Next,
    tag: string,
  ): Response | Promise<Response> {
    const { text, label } = WHAT_HAPPENS[name] ?? { text: 'This can not be undone.', label: 'Do it' };
    if (wantsJson(context)) return answer(context, 409, { ok: false, text, advice: 'It has to be confirmed.' }, next);
    const sent = Object.entries(fields).map(([field, value]) => hidden(field, value));
    const details = Object.entries(fields)
      .filter(([field]) => field !== 'signature')
      .map(([field, value]) => printable(`${FIELD_NAMES[field] ?? field}: ${value}`));
    return show(context, 200, {
      ...messageModel(label, [text, ...details], 'attention'),
      next: { label: 'No, go back', href: next.href },
      confirm: {
        name,
        path: context.req.path,
        label,
        explanation: '',
        grave: true,
        fields: [...sent, hidden('confirm', tag)],
      },
    });
  }

  function refuse(context: Web, status: Status, text: string): Response | Promise<Response> {
    return answer(context, status, { ok: false, text, advice: null }, { label: 'Overview', href: '/' });
  }

  function answer(context: Web, status: Status, said: ActionAnswer, next: Next): Response | Promise<Response> {
    const { ok, text, advice } = said;
    if (wantsJson(context)) return context.json(said, status);
    const model = messageModel(ok ? 'Done' : 'Not done', [text, advice ?? ''].filter(Boolean), ok ? 'good' : 'bad');
    return show(context, status, { ...model, next });
  }

  function show(context: Web, status: Status, model: MessageModel): Response | Promise<Response> {
    return context.html(documentOf(forVisitor(model, login, context), assets), status);
  }
}

const NO_ACTION = 'There is no such action.';
const LOG_IN = 'Log in to do this.';
const TOO_MANY = 'Too many requests: wait for a minute, or use the command line.';

const FIELD_NAMES: Record<string, string> = { planHash: 'Hash of the plan', generation: 'Backup', node: 'Node' };

const WHAT_HAPPENS: Record<string, { text: string; label: string }> = {
  restore: {
    text: 'Vault is stopped on every node, and all data is replaced by that of the backup, once the plan is approved. What was written since the backup is lost.',
    label: 'Restore',
  },
  approve: {
    text: 'With the last approval that is needed, the run does what its plan says.',
    label: 'Approve',
  },
  skipNode: {
    text: 'The run continues without this node. It has to be rebuilt afterwards.',
    label: 'Continue without it',
  },
  rollBack: {
    text: 'The previous data is put back on every node. What the run has loaded is kept next to it.',
    label: 'Roll back',
  },
  abort: { text: 'The run ends, and can not be continued. Its report says what it has left.', label: 'End the run' },
  goLive: { text: 'Clients and the other nodes reach the restored Vault.', label: 'Go live' },
};

function statusOf(code: FailureCode): Status {
  if (code === 'TemporalUnreachable') return 503;
  return code === 'InvalidInput' ? 400 : code === 'NoSuchRun' ? 404 : 409;
}

function wantsJson(context: Web): boolean {
  return (context.req.header('accept') ?? '').split(',')[0]?.trim() === 'application/json';
}

async function fieldsOf(context: Web): Promise<Fields> {
  const form = new URLSearchParams(await context.req.text());
  const sent = [...form].filter(([name]) => !FIELDS_UNSENT.has(name));
  // Browsers end lines of a form as mail does.
  return Object.fromEntries(sent.map(([name, value]) => [name, value.replaceAll('\r\n', '\n')]));
}

async function fieldOf(context: Web, name: string): Promise<string | undefined> {
  return new URLSearchParams(await context.req.text()).get(name) ?? undefined;
}
