import type { RecoverySettings } from '../contract/plan';
import type { GatheredFacts, ReadinessFinding } from '../contract/readiness';
import type { RollCallPolicy } from '../contract/roll-call';
import type { Finding } from '../plan/findings';

/** What the checks are made from. */
export interface ReadinessFacts extends GatheredFacts {
  settings: RecoverySettings;
  /** What would stand against a restore once the cluster is lost; null without a backup to restore. */
  findings: readonly Finding[] | null;
  policy: ReadinessPolicy;
  /** RFC 3339. */
  now: string;
}

/** What the configuration of the cluster wants. */
export interface ReadinessPolicy {
  /** How old the newest backup may be; null: nothing is configured. */
  rpoSeconds: number | null;
  rto: RtoPolicy;
  /** How long ago the last drill that passed may be; null: nothing is configured. */
  drillDays: number | null;
  /** How people log in after a restore, as the configuration says; null: it does not say. */
  peopleLogin: string | null;
  /** Null: no key holder is named. */
  rollCall: RollCallPolicy | null;
  /** Repositories that are to lock what is stored. */
  locking: readonly string[];
}

/** What `objectives` wants, and whether anybody is waited for at all. */
export interface RtoPolicy {
  targetSeconds: number | null;
  /** Null: as in restores. */
  peopleSeconds: number | null;
  /** No approval, and no share. */
  withoutPeople: boolean;
}

/** Null where it does not concern the cluster. */
export type Check = (facts: ReadinessFacts) => ReadinessFinding | null;

/** One row of the table of checks. */
export interface CheckEntry {
  /** What a yes means, for people. */
  asks: string;
  check: Check;
}
