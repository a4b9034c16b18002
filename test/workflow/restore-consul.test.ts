import type { RestorePlan } from '../../src/contract/plan';
import { NODES, PLAN } from '../support/fake-agents';
import { expectInOrder, refusal, useRecoveries } from '../support/workflow-driver';

/** A backup of the Consul that the nodes share; the steps themselves are tested on a real Consul. */
const CONSUL_PLAN: RestorePlan = {
  ...PLAN,
  archive: 'consul',
  storage: 'consul',
  consul: { scope: 'all', path: 'vault/', consistency: 'default', accessor: null, others: {} },
  holdData: ['vault-1'],
};

describe('restoreCluster with a backup of Consul', () => {
  const { fakes, begin, waiting, until, update, approve, submitThree } = useRecoveries();

  beforeEach(() => {
    fakes().controller.makePlan = () => Promise.resolve({ plan: CONSUL_PLAN, planHash: 'a'.repeat(64) });
  });

  it('stops all, keeps what is in Consul, restores it, and starts and unseals one node after the other', async () => {
    const handle = await begin('restoreCluster');
    await approve(handle);
    await submitThree(handle);

    const report = await handle.result();

    expect(report.status).toBe('completed');
    const { calls } = fakes();
    const sequence = [
      'stage vault-1',
      'stop vault-3',
      'save consul vault-1',
      'install consul vault-1',
      'unseal vault-1',
      'verifyFirstNode',
      'start vault-2',
      'unseal vault-2',
      'converge vault-1,vault-2,vault-3',
      'captureSnapshot',
    ];
    expectInOrder(calls, sequence);
    expect(calls.filter((call) => /^(set aside|join|install vault|put back)/.test(call))).toEqual([]);
    expect(report.setAside).toEqual([{ node: 'vault-1', path: '/saved.vault-1' }]);
  });

  it('puts back what was in Consul, once, and starts the nodes on it', async () => {
    fakes().controller.verifyFirstNode = () => Promise.reject(refusal('NotYet', 'another cluster id', 'Look.'));
    const handle = await begin('restoreCluster');
    await approve(handle);
    await submitThree(handle);
    await until(handle, 'it is parked', (now) => now.parked.length > 0);
    const before = fakes().calls.length;

    await update(handle, 'rollBack', { operator: 'bob' });
    const report = await handle.result();

    expect(report.status).toBe('rolled back');
    const back = fakes().calls.slice(before);
    expectInOrder(back, ['stop vault-3', 'put back consul vault-1', 'start vault-2']);
    expect(back.filter((call) => call.startsWith('put back'))).toEqual(['put back consul vault-1']);
    expect(NODES.every((name) => back.includes(`start ${name}`))).toBe(true);
    expect(report.setAside).toEqual([]);
  });

  it('has nothing to put back when it is cancelled before anything was kept', async () => {
    fakes().nodes['vault-1']!.saveConsul = () => Promise.reject(refusal('NodeUnsafe', 'no room', 'Make room.'));
    const handle = await begin('restoreCluster');
    await approve(handle);
    await waiting(handle, 'operator');

    await update(handle, 'rollBack', { operator: 'bob' });
    await submitThree(handle);
    const report = await handle.result();

    expect(report.status).toBe('rolled back');
    expect(fakes().calls.filter((call) => call.startsWith('put back'))).toEqual([]);
    expect(fakes().calls).toContain('start vault-1');
  });
});
