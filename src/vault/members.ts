import type { LiveMember } from '../contract/plan';
import type { AutopilotState, RaftServer } from './answers';

/** Autopilot's own threshold for an unhealthy server; live ones are contacted every few seconds. */
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

/** The `node_status` of a killed server stays `alive` for a day (measured, Vault 1.21.1). */
function isAlive({ healthy, nodeStatus, lastContactMs }: AutopilotState['servers'][number]): boolean {
  if (healthy) return true;
  return nodeStatus === 'alive' && (lastContactMs ?? 0) < SILENCE_MS;
}
