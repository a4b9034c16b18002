import type { GuardCheck } from '../contract/guard-checks';
import type { ReadinessFinding } from '../contract/readiness';

/** Of an evaluation, or of the look at whether the cluster serves. */
export type GuardFinding = { check: GuardCheck } & ReadinessFinding;

/** Checks that were not passed, and whether somebody takes them upon himself. */
export interface Weighed {
  refused: GuardFinding[];
  accepted: GuardFinding[];
}

/** What could not be checked counts as what failed: only its name lets it pass. */
export function weigh(checks: readonly GuardFinding[], accepts: readonly GuardCheck[]): Weighed {
  const open = checks.filter(({ verdict }) => verdict !== 'yes');
  return {
    refused: open.filter(({ check }) => !accepts.includes(check)),
    accepted: open.filter(({ check }) => accepts.includes(check)),
  };
}
