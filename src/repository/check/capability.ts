import { formatSeconds } from '../../contract/format';

/**
 * `ok`: it does what is promised. `weaker`: it does less, and the configuration promises nothing else. `broken`: the
 * configuration promises what does not hold. `unknown`: it could not be found out.
 */
export type Verdict = 'ok' | 'weaker' | 'broken' | 'unknown';

export interface Capability {
  capability: string;
  /** What the place really did. */
  found: string;
  verdict: Verdict;
  /** What may be promised there. */
  promise: string;
}

export interface CheckReport {
  repository: string;
  kind: 'directory' | 's3';
  capabilities: Capability[];
  /** What the check could not remove again, and why it may stay. */
  leftovers: string[];
}

/** Clocks further apart than this are worth a word. */
const CLOCK_LIMIT_MS = 60_000;

export function clockRow(offsetMs: number): Capability {
  const found = `${formatSeconds(Math.abs(offsetMs) / 1000)} ${offsetMs < 0 ? 'behind' : 'ahead of'} this host`;
  return Math.abs(offsetMs) <= CLOCK_LIMIT_MS
    ? row('clock', found, 'ok', 'locks and retention use the same time')
    : row('clock', found, 'weaker', "retention uses this host's clock, locks use the server's: correct them");
}

export function row(capability: string, found: string, verdict: Verdict, promise: string): Capability {
  return { capability, found, verdict, promise };
}
