import type { RecoveryProgress } from '../../src/contract/recovery';

/** Why there is no old data to put back in a run that has changed nodes; null if there is. */
export function noWayBackFrom({ method, plan, rollBack }: RecoveryProgress): string | null {
  if (rollBack !== null) return `${rollBack.by} has already started a roll-back.`;
  if (method === 'inPlace') {
    return 'In place nothing is set aside: restore the generation that was made just before, in place.';
  }
  if (method === 'rebuild') return 'The other nodes serve, so there is nothing to go back to.';
  if (method === 'copy') return 'Nothing is set aside: abort the run, and the node is started again.';
  if (method === 'rollBack') return 'The original data is being put back already.';
  if (plan === null || method === 'remove') return 'There is nothing to put back.';
  if (plan.setAside === 'delete' && plan.storage !== 'consul')
    return 'The old data was deleted, as configured, so there is no roll-back.';
  if (plan.holdData.length === 0) return 'No node held any data before, so there is nothing to go back to.';
  return null;
}
