import type { Manifest } from '../contract/generation';

type Counts = Manifest['keys']['byPrefix'];

export interface CountComparison {
  /** Prefixes that hold as many keys as in the manifest, or more. */
  same: number;
  /** Prefixes with fewer keys, some at least: a Vault that is active removes what has expired. */
  fewer: string[];
  /** Prefixes of the manifest that hold nothing any more. */
  gone: string[];
}

/** A Vault that is active writes below these by itself, and empties them again. */
const OWN_WORK = ['sys/expire', 'sys/token', 'core/leader', 'core/lock', 'core/wrapping', 'core/versions'];

/** What a Vault serves, compared with what the manifest of its backup counted. */
export function compareCounts(found: Counts, expected: Counts): CountComparison {
  const kept = Object.entries(expected).filter(([prefix]) => !OWN_WORK.includes(prefix));
  const countOf = (prefix: string) => found[prefix]?.count ?? 0;
  const fewer = kept.filter(([prefix, { count }]) => countOf(prefix) < count).map(([prefix]) => prefix);
  return {
    same: kept.length - fewer.length,
    fewer: fewer.filter((prefix) => countOf(prefix) > 0),
    gone: fewer.filter((prefix) => countOf(prefix) === 0),
  };
}
