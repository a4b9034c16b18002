import { createHash } from 'node:crypto';
import { canonicalJson } from '../contract/canonical-json';
import type { RecoveryPlan } from '../contract/plan';

/**
 * Lower-case hexadecimal SHA-256 of what a plan will do: an approval is for exactly this. Independent of the time, and
 * of the order of fields.
 */
export function planHashOf(plan: RecoveryPlan): string {
  const { warnings: _warnings, plannedAt: _plannedAt, ...material } = plan;
  // A drill that passes meanwhile changes nothing that is done; one that fails, which backup is taken.
  const { rpoSeconds: _rpo, drilled: _drilled, ...rest } = { rpoSeconds: 0, drilled: null, ...material };
  return createHash('sha256').update(canonicalJson(rest)).digest('hex');
}
