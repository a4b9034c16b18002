import type { Context } from 'hono';
import type { Login } from '../login/login';
import type { Principal } from '../login/principal';
import { hidden } from './actions/fields';
import type { Action, ActionField, ShownModel } from '../model';

/** A page for who asks: who that is, the way in or out, and the token of the forms. */
export function forVisitor<M extends ShownModel>(model: M, login: Login, context: Context): M {
  const principal = (context.get('principal') as Principal | null | undefined) ?? null;
  const csrf = principal && login.csrfOf(context);
  const { pathname, search } = new URL(context.req.url);
  const viewer = principal && { name: principal.name, roles: [...principal.roles] };
  const session = login.method === 'oidc' ? sessionOf(csrf, `${pathname}${search}`) : null;
  return { ...withToken(model, csrf), viewer, session };
}

function sessionOf(csrf: string | null, path: string): ShownModel['session'] {
  // The events of a page are asked for below its path.
  const page = path.replace(/\/events(?=\?|$)/, '') || '/';
  if (csrf === null) return { logIn: `/login?return=${encodeURIComponent(page)}` };
  const logOut = { name: 'logOut', path: '/logout', label: 'Log out', explanation: '', grave: false };
  return { logOut: { ...logOut, fields: [tokenField(csrf)] } };
}

function withToken<M extends ShownModel>(model: M, csrf: string | null): M {
  if (csrf === null) return model;
  const sealed = (action: Action): Action => ({ ...action, fields: [...action.fields, tokenField(csrf)] });
  const orNull = (action: Action | null) => action && sealed(action);
  return {
    ...model,
    ...('actions' in model && { actions: model.actions.map(sealed) }),
    ...('submit' in model && { submit: orNull(model.submit) }),
    ...('confirm' in model && { confirm: orNull(model.confirm) }),
  };
}

/** Sent by every form of somebody who is logged in: no page of others can know it. */
function tokenField(csrf: string): ActionField {
  return hidden('csrf', csrf);
}
