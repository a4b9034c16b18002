import type { OwnSeal } from '../contract/generation';
import type { Product } from '../contract/product';

/** So many are named; of more, how many. */
const MOST_NAMED = 10;

/** What stays sealed after a restart of the whole cluster, though the cluster is open. */
export function ownSealWarnings(seals: readonly OwnSeal[] = []): string[] {
  if (seals.length === 0) return [];
  const named = seals.slice(0, MOST_NAMED).map(({ id, path }) => path ?? id);
  const more = seals.length > MOST_NAMED ? `, and ${seals.length - MOST_NAMED} more` : '';
  const one = seals.length === 1;
  const unnamed = seals.some(({ path }) => path === null)
    ? ' (`bao namespace list -detailed` says the path of an id)'
    : '';
  return [
    `${one ? 'a namespace has a seal' : `${seals.length} namespaces have seals`} of ${one ? 'its' : 'their'} own: ${named.join(', ')}${more}. ` +
      `The restore leaves ${one ? 'it' : 'them'} sealed until the key holders of ${one ? 'it' : 'each'} run \`bao namespace unseal PATH\` at every node${unnamed}`,
  ];
}

/** A disk is not searched for them; only OpenBao has any. */
export function unknownSealWarnings(product: Product | null | undefined): string[] {
  if (product !== 'openbao') return [];
  return [
    'not checked: whether namespaces have seals of their own; such ones stay sealed until their key holders run `bao namespace unseal PATH` at every node',
  ];
}
