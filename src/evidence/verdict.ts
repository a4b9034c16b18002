import { formatCount } from '../contract/format';
import type { EvidenceVerdict } from './schema';

export interface Weighed {
  verdict: EvidenceVerdict;
  /** As a sentence without its full stop. */
  seen: string;
}

/** More of them are in the tables. */
const MOST_REASONS = 5;

/**
 * What speaks against it decides; else what could not be checked. Only where there is neither it is met.
 * @param against what was found
 * @param open what could not be found out
 */
export function weigh({
  against = [],
  open = [],
  well,
}: {
  against?: readonly string[];
  open?: readonly string[];
  well: string;
}): Weighed {
  if (against.length > 0) return { verdict: 'not met', seen: listed(against) };
  if (open.length > 0) return { verdict: 'not checked', seen: listed(open) };
  return { verdict: 'met', seen: well };
}

export function worstOf(verdicts: readonly EvidenceVerdict[]): EvidenceVerdict {
  if (verdicts.includes('not met')) return 'not met';
  return verdicts.includes('not checked') || verdicts.length === 0 ? 'not checked' : 'met';
}

export function listed(reasons: readonly string[]): string {
  const all = [...new Set(reasons.map(withoutEnd))];
  const rest = all.length - MOST_REASONS;
  return [...all.slice(0, MOST_REASONS), ...(rest > 0 ? [`and ${formatCount(rest, 'more', 'more')}`] : [])].join('; ');
}

/** It continues. */
export function withoutEnd(text: string): string {
  return text.trim().replace(/\.$/, '');
}
