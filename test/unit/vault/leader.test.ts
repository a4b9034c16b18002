import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { VaultClient } from '../../../src/vault/client';
import { findLeader } from '../../../src/vault/leader';

/** Small servers with Vault's answers: a cluster with two leaders, say, can't be had on demand. */
interface NodeState {
  /** Its storage has no high availability. */
  alone?: boolean;
  sealed?: boolean;
  initialized?: boolean;
  removed?: boolean;
  isSelf?: boolean;
  /** As OpenBao's from 2.6 on: it says nothing of what is not so. */
  terse?: boolean;
  down?: boolean;
}

const servers: Server[] = [];
const clients: VaultClient[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function clusterOf(...states: NodeState[]): Promise<VaultClient[]> {
  for (const [index, state] of states.entries()) {
    const server = createServer((request, response) => {
      const {
        sealed = false,
        initialized = true,
        removed = false,
        isSelf = false,
        terse = false,
        alone = false,
      } = state;
      if (request.url?.startsWith('/v1/sys/health')) {
        const identity = sealed ? {} : { cluster_id: 'id-1', cluster_name: 'prod' };
        const health = { initialized, sealed, standby: !isSelf, version: '1.21.1', removed_from_cluster: removed };
        response.end(JSON.stringify({ ...health, ...identity }));
      } else {
        const self = terse && !isSelf ? {} : { is_self: isSelf };
        response.end(JSON.stringify({ ha_enabled: !alone, ...self, leader_address: 'http://elsewhere:8200' }));
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    if (state.down) await new Promise((resolve) => server.close(resolve));
    else servers.push(server);
    clients.push(new VaultClient({ node: `vault-${index + 1}`, address }));
  }
  return clients;
}

describe('findLeader', () => {
  it('takes the one server without high availability for the one that serves', async () => {
    const [node] = await clusterOf({ alone: true });

    expect((await findLeader([node!])).leader).toBe(node);
  });

  it('does not take it while it is sealed', async () => {
    await expect(findLeader(await clusterOf({ alone: true, sealed: true }))).rejects.toMatchObject({
      code: 'ClusterUnhealthy',
    });
  });

  it('takes a standby that does not say that it is none for what it is', async () => {
    const nodes = await clusterOf({ terse: true }, { isSelf: true, terse: true }, { terse: true });

    const view = await findLeader(nodes);

    expect(view.leader).toBe(nodes[1]);
    expect(view.nodes.map(({ leader, problem }) => [leader, problem])).toEqual([
      [false, null],
      [true, null],
      [false, null],
    ]);
  });

  it('finds the one that leads and reports on all', async () => {
    const nodes = await clusterOf({ down: true }, { isSelf: true }, { sealed: true }, {});

    const view = await findLeader(nodes);

    expect(view.leader).toBe(nodes[1]);
    expect(view).toMatchObject({ clusterId: 'id-1', clusterName: 'prod', serverVersion: '1.21.1' });
    expect(view.nodes).toEqual([
      {
        node: 'vault-1',
        reachable: false,
        sealed: null,
        leader: false,
        version: null,
        problem: expect.stringContaining('ECONNREFUSED'),
      },
      { node: 'vault-2', reachable: true, sealed: false, leader: true, version: '1.21.1', problem: null },
      { node: 'vault-3', reachable: true, sealed: true, leader: false, version: '1.21.1', problem: 'is sealed' },
      { node: 'vault-4', reachable: true, sealed: false, leader: false, version: '1.21.1', problem: null },
    ]);
  });

  it('gives the reason of each node when none leads', async () => {
    const nodes = await clusterOf({ sealed: true }, { initialized: false, sealed: true }, { removed: true }, {});

    await expect(findLeader(nodes)).rejects.toMatchObject({
      code: 'ClusterUnhealthy',
      message:
        'No node leads the cluster: vault-1: is sealed; vault-2: is not initialised; vault-3: was removed from the cluster; vault-4: follows, but there is no leader.',
    });
  });

  it('advises to start and unseal what is there, before any recovery', async () => {
    const nodes = await clusterOf({ sealed: true }, { sealed: true }, { down: true });

    await expect(findLeader(nodes)).rejects.toMatchObject({
      advice: expect.stringMatching(/^Start and unseal the nodes.*permanently lost, see docs\/operate\.md\.$/),
    });
  });

  it('waits for an election while more than half of the nodes can hold one', async () => {
    const voters: NodeState[] = [{ down: true }, {}, {}];
    const nodes = await clusterOf(...voters);
    setTimeout(() => (voters[2]!.isSelf = true), 700);

    const view = await findLeader(nodes, { electionMs: 30_000 });

    expect(view.leader).toBe(nodes[2]);
  });

  it('waits for an election no longer than its time limit', async () => {
    const nodes = await clusterOf({}, {});
    const began = Date.now();

    await expect(findLeader(nodes, { electionMs: 900 })).rejects.toMatchObject({ code: 'ClusterUnhealthy' });

    expect(Date.now() - began).toBeGreaterThanOrEqual(900);
  });

  it('does not wait where no election is possible', async () => {
    const nodes = await clusterOf({ down: true }, { sealed: true }, {});

    // The test itself would run out of time.
    await expect(findLeader(nodes, { electionMs: 300_000 })).rejects.toMatchObject({ code: 'ClusterUnhealthy' });
  });

  it('does not choose between two', async () => {
    const nodes = await clusterOf({ isSelf: true }, { isSelf: true });

    await expect(findLeader(nodes)).rejects.toMatchObject({
      code: 'ClusterUnhealthy',
      message: 'Several nodes report that they lead: vault-1, vault-2.',
      advice: expect.stringContaining('load balancer'),
    });
  });
});
