import { withConsul } from '../../src/consul/connect';
import type { ConsulView } from '../../src/contract/plan';
import { cancellation } from '../heartbeat';
import type { Controller } from './context';

/** What is to be known of Consul before it is restored. That it is down is an answer, not an error. */
export async function viewConsul(controller: Controller, cluster: string): Promise<{ consul?: ConsulView }> {
  const { consul: config } = controller.cluster(cluster);
  if (config === undefined) return {};
  const unknown: ConsulView = {
    leader: null,
    servers: null,
    accessor: null,
    path: config.path,
    holdsVault: null,
    problem: null,
  };
  try {
    const consul = await withConsul(config, async (client): Promise<ConsulView> => {
      const leader = await client.leader();
      if (leader === null) return unknown;
      const [{ servers }, self, keyring] = await Promise.all([
        client.health(),
        client.selfToken(),
        client.get(`${config.path}core/keyring`),
      ]);
      return {
        ...unknown,
        leader,
        servers: { all: servers.length, healthy: servers.filter(({ healthy }) => healthy).length },
        accessor: self?.accessorId ?? null,
        holdsVault: keyring !== null,
      };
    });
    return { consul };
  } catch (error) {
    cancellation().throwIfAborted();
    return { consul: { ...unknown, problem: (error as Error).message } };
  }
}
