import { removePeer } from '../../../../activities/controller/remove-peer';
import type { RebuildPlan } from '../../../../src/contract/plan';
import { PLAN, REBUILD_PLAN } from '../../../support/fake-agents';
import { ok, useSmallVault } from '../../../support/small-vault';

const RUN = '01a20752-189b-7247-a8d0-708bed2469e6';

describe('a dead peer', () => {
  const vault = useSmallVault();
  const removed = jest.fn(() => ok({}));
  const plan: RebuildPlan = { ...(REBUILD_PLAN as RebuildPlan), removePeers: ['old-9'] };
  const take = (input: object = {}) => vault.run(removePeer, { plan, peer: 'old-9', run: RUN, ...input });

  const members = (...ids: string[]) => {
    const servers = ids.map((id) => ({ node_id: id, address: `${id}:8201`, leader: id === 'vault-1', voter: true }));
    vault.answers()['sys/storage/raft/configuration'] = () => ok({ data: { config: { servers } } });
  };
  const autopilot = (servers: object) => {
    vault.answers()['sys/storage/raft/autopilot/state'] = () => ok({ data: { healthy: false, servers } });
  };

  beforeEach(() => {
    removed.mockClear();
    vault.answers()['sys/storage/raft/remove-peer'] = removed;
    members('vault-1', 'old-9');
    autopilot({ 'vault-1': { healthy: true }, 'old-9': { healthy: false, node_status: 'failed' } });
  });

  it('goes out; who is out already is out', async () => {
    await take();
    expect(removed).toHaveBeenCalledTimes(1);

    members('vault-1');
    await take();
    expect(removed).toHaveBeenCalledTimes(1);
  });

  it('that has come back stays', async () => {
    autopilot({ 'old-9': { healthy: false, node_status: 'alive', last_contact: '1.2s' } });
    await expect(take()).rejects.toMatchObject({
      code: 'NodeUnsafe',
      message: expect.stringContaining('no longer reported as dead'),
    });

    delete vault.answers()['sys/storage/raft/autopilot/state'];
    await expect(take()).rejects.toMatchObject({ code: 'NodeUnsafe' });
    expect(removed).not.toHaveBeenCalled();
  });

  it('that the configuration names stays', async () => {
    autopilot({ 'vault-1': { healthy: false, node_status: 'failed' } });
    const named = { ...plan, removePeers: ['vault-1'] };

    await expect(take({ plan: named, peer: 'vault-1' })).rejects.toMatchObject({
      code: 'NodeUnsafe',
      message: expect.stringContaining('is vault-1 in the configuration'),
    });
    expect(removed).not.toHaveBeenCalled();
  });

  it('that is a node of the configuration under an id that Vault made up stays', async () => {
    const servers = [{ node_id: 'old-9', address: '127.0.0.1:2', leader: false, voter: true }];
    vault.answers()['sys/storage/raft/configuration'] = () => ok({ data: { config: { servers } } });

    await expect(take()).rejects.toMatchObject({
      code: 'NodeUnsafe',
      message: expect.stringContaining('is vault-1 in'),
    });
    expect(removed).not.toHaveBeenCalled();
  });

  it.each([
    ['that the plan does not name', { peer: 'vault-2' }],
    ['of a plan without any', { plan: REBUILD_PLAN }],
    ['of a restore, which makes a cluster', { plan: { ...PLAN, removePeers: ['old-9'] } }],
  ])('%s stays', async (_which, input) => {
    await expect(take(input)).rejects.toMatchObject({ code: 'NotApproved', retryable: false });
    expect(removed).not.toHaveBeenCalled();
  });
});
