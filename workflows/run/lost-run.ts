import type { RecoveryPlan } from '../../src/contract/plan';

/** What a step takes when a run was lost on the node before: that one's data goes back first. */
export function lostOn(plan: RecoveryPlan | null, node: string): { lost?: string } {
  const lost = plan !== null && 'lost' in plan ? plan.lost : undefined;
  const found = lost?.find((item) => item.node === node);
  return found ? { lost: found.run } : {};
}
