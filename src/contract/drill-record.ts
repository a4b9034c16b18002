import type { DrillLevel, DrillPhase } from './drill-levels';
import type { FailureCode } from './failures';
import type { ChainLink } from './generation';

/**
 * What a failed drill speaks against. `backup`: the same bytes are everywhere, so no copy of it is better. `copy`: that of
 * one repository. `identity`: the host's own does not open it. `hook`: the operator's check, which the backup may not cause.
 */
export type Against = 'backup' | 'copy' | 'identity' | 'hook';

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

/** One drill of a backup, as a plan says it. */
export type DrillNote = Omit<DrillRecord, 'generation' | 'manifestSha256'> & {
  /** RFC 3339, UTC. */
  at: string;
};

/** What the drills of a backup amount to. */
export interface DrillVerdict {
  last: DrillNote;
  /** Speaks against the backup, and no later drill has got further. */
  bad: DrillNote | null;
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
