import { createHash } from 'node:crypto';
import type { RecoveryPlan } from '../contract/plan';

/** Lower-case hexadecimal SHA-256 of what a plan will do: an approval is for exactly this. The passing of time changes nothing of it. */
export function planHashOf(plan: RecoveryPlan): string {
  const { warnings: _warnings, plannedAt: _plannedAt, ...material } = plan;
  const { rpoSeconds: _rpo, ...rest } = { rpoSeconds: 0, ...material };
  return createHash('sha256').update(JSON.stringify(rest)).digest('hex');
}
