import type { LostRun, RecoveryPlan } from '../../src/contract/plan';

/** Additional input for a node on which a run was lost: that run's data is put back first. */
export function lostOn(plan: RecoveryPlan | null, node: string): { lost?: string } {
  const lost = plan !== null && 'lost' in plan ? plan.lost : undefined;
  const found = lost?.find((item) => item.node === node);
  return found ? { lost: found.run } : {};
}

/** The first data of a lost run that is put back. */
export function lostIn(plan: RecoveryPlan): LostRun | undefined {
  return 'lost' in plan ? plan.lost?.[0] : undefined;
}
