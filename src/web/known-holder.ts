import type { Action } from './model';

/** As whom a share is handed in, if that is not for the holder to type: whoever is logged in. */
export function knownHolder(submit: Action | null): string | null {
  const holder = submit?.fields.find(({ name }) => name === 'holder');
  return holder === undefined || holder.kind === 'text' ? null : holder.value;
}
