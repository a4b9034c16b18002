import type { Context, Hono } from 'hono';
import type { Principal } from './principal';

/** A page that says why somebody is not logged in. */
export type Refuse = (
  context: Context,
  status: 400 | 401 | 403 | 429 | 502,
  text: string,
) => Response | Promise<Response>;

/** How people log in. */
export interface Login {
  method: 'off' | 'oidc' | 'certificate';
  /** `/login`, `/login/callback` and `/logout`, where there are such. */
  routes(refuse: Refuse): Hono;
  /** Null: nobody is logged in. */
  principalOf(context: Context): Promise<Principal | null>;
  /** Bound to who is logged in; null: nobody is. */
  csrfOf(context: Context): string | null;
  isCsrf(context: Context, token: string | undefined): boolean;
}

/** Whether the pages may be shown: to everybody where nobody can log in, otherwise to who has the role. */
export function mayLook({ method }: Pick<Login, 'method'>, principal: Principal | null): boolean {
  return method === 'off' || (principal !== null && principal.roles.includes('viewer'));
}
