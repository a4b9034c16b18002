import type { LiveMember } from '../contract/plan';
import type { AutopilotState, RaftServer } from './answers';

/** Autopilot's own threshold for an unhealthy server; those that live are heard of every few seconds. */
const SILENCE_MS = 10_000;

/** The members of the cluster, as reported by the leader and its autopilot. */
export function membersOf(servers: readonly RaftServer[], autopilot: AutopilotState | null): LiveMember[] {
  return servers.map(({ nodeId, address, voter }) => {
    const seen = autopilot?.servers.find(({ id }) => id === nodeId);
    return {
      nodeId,
      address,
      voter,
      alive: seen === undefined ? null : isAlive(seen),
      neverVotes: !voter && (seen?.isNonVoter ?? false),
    };
  });
}

/** A server that was killed is `alive` for a day, by its `node_status` (measured, Vault 1.21.1). */
function isAlive({ healthy, nodeStatus, lastContactMs }: AutopilotState['servers'][number]): boolean {
  if (healthy) return true;
  return nodeStatus === 'alive' && (lastContactMs ?? 0) < SILENCE_MS;
}
