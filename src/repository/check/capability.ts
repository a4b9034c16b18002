import { formatSeconds } from '../../contract/format';

/**
 * `ok`: as promised. `weaker`: less, but the configuration promises no more. `broken`: the configuration promises more.
 * `unknown`: it could not be checked.
 */
export type Verdict = 'ok' | 'weaker' | 'broken' | 'unknown';

export interface Capability {
  capability: string;
  /** The observed behaviour. */
  found: string;
  verdict: Verdict;
  /** What can be promised with it. */
  promise: string;
}

export interface CheckReport {
  repository: string;
  kind: 'directory' | 's3';
  capabilities: Capability[];
  /** Objects that the check could not remove, with the reason. */
  leftovers: string[];
}

/** Larger differences between clocks are reported. */
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
