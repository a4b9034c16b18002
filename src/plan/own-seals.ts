import { formatNumber } from '../contract/format';
import type { OwnSeal } from '../contract/generation';
import type { Product } from '../contract/product';

/** The rest is counted, not named. */
const MOST_NAMED = 10;

/** Namespaces that stay sealed after a restart of the whole cluster, though the cluster is unsealed. */
export function ownSealWarnings(seals: readonly OwnSeal[] = []): string[] {
  if (seals.length === 0) return [];
  const one = seals.length === 1;
  const unnamed = seals.some(({ path }) => path === null)
    ? ' (`bao namespace list -detailed` shows the path of an id)'
    : '';
  return [
    `${ownSealsText(seals)}. ` +
      `The restore leaves ${one ? 'it' : 'them'} sealed until the key holders of ${one ? 'it' : 'each'} run \`bao namespace unseal PATH\` on every node${unnamed}`,
  ];
}

/** Which have one; not of none. */
export function ownSealsText(seals: readonly OwnSeal[]): string {
  const named = seals.slice(0, MOST_NAMED).map(({ id, path }) => path ?? id);
  const more = seals.length > MOST_NAMED ? `, and ${seals.length - MOST_NAMED} more` : '';
  const what =
    seals.length === 1
      ? '1 namespace has its own seal'
      : `${formatNumber(seals.length)} namespaces have their own seals`;
  return `${what}: ${named.join(', ')}${more}`;
}

/** Disks are not searched for them; only OpenBao has any. */
export function unknownSealWarnings(product: Product | null | undefined): string[] {
  if (product !== 'openbao') return [];
  return [
    'not checked: whether namespaces have their own seals; they stay sealed until their key holders run `bao namespace unseal PATH` on every node',
  ];
}
