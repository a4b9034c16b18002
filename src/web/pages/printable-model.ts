import { printable } from '../../contract/printable';

/**
 * Whatever came from outside, as a screen may show it: no character that hides or moves others. Done once for the whole
 * model, so that no view forgets it. Lines stay lines.
 */
export function printableModel<Model>(model: Model): Model {
  return made(model) as Model;
}

function made(value: unknown): unknown {
  if (typeof value === 'string') return value.split('\n').map(printable).join('\n');
  if (Array.isArray(value)) return value.map(made);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inside]) => [key, made(inside)]));
}
