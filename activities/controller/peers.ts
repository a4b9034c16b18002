import { configuredId } from '../../src/contract/peer-ids';
import type { NodePlan } from '../../src/contract/plan';
import type { AutopilotState, RaftServer } from '../../src/vault/answers';
import type { VaultClient } from '../../src/vault/client';

type Known = readonly Pick<NodePlan, 'nodeId' | 'clusterAddress'>[];

/** The peers that a node knows, with the node ids of the configuration. */
export async function peersOf(vault: VaultClient, nodes: Known): Promise<RaftServer[]> {
  const peers = await vault.raftConfiguration();
  return peers.map((peer) => ({ ...peer, nodeId: configuredId({ id: peer.nodeId, address: peer.address }, nodes) }));
}

/** The same for autopilot. */
export async function autopilotOf(vault: VaultClient, nodes: Known): Promise<AutopilotState | null> {
  const state = await vault.autopilotState();
  if (state === null) return null;
  const byOwnId = new Map(state.servers.map((server) => [server.id, configuredId(server, nodes)]));
  const named = (id: string) => byOwnId.get(id) ?? id;
  return {
    ...state,
    leader: named(state.leader),
    voters: state.voters.map(named),
    servers: state.servers.map((server) => ({ ...server, id: named(server.id) })),
  };
}
