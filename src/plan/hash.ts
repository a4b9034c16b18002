import { createHash } from 'node:crypto';
import { canonicalJson } from '../contract/canonical-json';
import type { RecoveryPlan } from '../contract/plan';
import type { SecretPlan } from '../contract/secret-run';

/**
 * Lower-case hexadecimal SHA-256 of what a plan will do: an approval is for exactly this. Independent of the time, and
 * of the order of fields.
 */
export function planHashOf(plan: RecoveryPlan): string {
  const { warnings: _warnings, plannedAt: _plannedAt, ...material } = plan;
  // A drill that passes meanwhile changes nothing that is done; one that fails, which backup is taken.
  const {
    rpoSeconds: _rpo,
    rto: _rto,
    drilled: _drilled,
    ...rest
  } = {
    rpoSeconds: 0,
    rto: undefined,
    drilled: null,
    ...material,
  };
  return sha256(canonicalJson(rest));
}

/** The same of what is brought back of a backup: all of it. Nothing that is shown as another kind of plan has this hash. */
export function secretPlanHash(plan: SecretPlan): string {
  return sha256(`single secrets\n${canonicalJson(plan)}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
