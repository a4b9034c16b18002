import type { DrillLevel, DrillPhase } from './drill';
import type { FailureCode } from './failures';
import type { ChainLink } from './generation';

/**
 * What a failed drill speaks against. `backup`: the same bytes are everywhere, so no copy of it is better. `copy`: that of
 * one repository. `identity`: the host's own does not open it. `hook`: the operator's check, which the backup may not cause.
 */
export const AGAINST = ['backup', 'copy', 'identity', 'hook'] as const;
export type Against = (typeof AGAINST)[number];

/** Where a drill ended early. */
export interface DrillFailure {
  phase: DrillPhase;
  code: FailureCode;
}

/** What a drill has found out about one backup. */
export interface DrillRecord extends ChainLink {
  /** That it was fetched from. */
  repository: string;
  /** Reached; null: not even fetched. */
  level: DrillLevel | null;
  /** Null: passed. */
  failed: (DrillFailure & { against: Against }) | null;
  /** Of the Vault in the sandbox; null if none was started. */
  serverVersion: string | null;
  phases: { phase: DrillPhase; milliseconds: number }[];
}

/** What is proved once a phase has begun. */
const REACHED: Readonly<Record<DrillPhase, DrillLevel | null>> = {
  fetch: null,
  decrypt: null,
  fence: 'fetched',
  start: 'fetched',
  load: 'fetched',
  unseal: 'installed',
  verify: 'installed',
};

export function reachedIn(phase: DrillPhase): DrillLevel | null {
  return REACHED[phase];
}
