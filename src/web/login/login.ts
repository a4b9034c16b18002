import type { Context, Hono } from 'hono';
import type { Principal } from './principal';

/** How people log in. */
export interface Login {
  method: 'off' | 'oidc' | 'certificate';
  /** `/login`, `/login/callback` and `/logout`, where there are such. */
  routes: Hono;
  /** Null: nobody is logged in. */
  principalOf(context: Context): Promise<Principal | null>;
  /** Bound to who is logged in; null: nobody is. */
  csrfOf(context: Context): string | null;
}

/** Whether the pages may be shown: to everybody where nobody can log in, otherwise to who has the role. */
export function mayLook({ method }: Pick<Login, 'method'>, principal: Principal | null): boolean {
  return method === 'off' || (principal !== null && principal.roles.includes('viewer'));
}
