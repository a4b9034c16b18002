import type { RollCallPolicy } from '../contract/roll-call';
import type { ReadinessPolicy } from './facts';

/** Of a cluster in the configuration. */
interface Wanted {
  objectives: { rpo?: number | undefined; rto?: number | undefined; people?: number | undefined };
  restore: { approvals: number };
  drill: { everyDays?: number | undefined };
  rollCall: RollCallPolicy;
}

/**
 * What is wanted of recoveries and of practice.
 * @param sealType of the backup that would be restored; null: there is none
 */
export function practicePolicy(
  { objectives, restore, drill, rollCall }: Wanted,
  sealType: string | null,
): Pick<ReadinessPolicy, 'rpoSeconds' | 'rto' | 'drillDays' | 'rollCall'> {
  return {
    rpoSeconds: objectives.rpo ?? null,
    rto: {
      targetSeconds: objectives.rto ?? null,
      peopleSeconds: objectives.people ?? null,
      withoutPeople: restore.approvals === 0 && sealType !== null && sealType !== 'shamir',
    },
    drillDays: drill.everyDays ?? null,
    rollCall: rollCall.holders.length === 0 ? null : rollCall,
  };
}
