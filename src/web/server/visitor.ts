import type { Context } from 'hono';
import type { Login } from '../login/login';
import type { ShownModel } from '../model';

/** A page for who asks. */
export function forVisitor<M extends ShownModel>(model: M, _login: Login, _context: Context): M {
  return model;
}
