import type { RestorePlan } from '../../src/contract/plan';
import { PLAN } from '../support/fake-agents';
import { expectInOrder, refusal, useRecoveries } from '../support/workflow-driver';

/** The copy of a data directory; the steps themselves are tested on real Vaults. */
const FILES_PLAN: RestorePlan = { ...PLAN, archive: 'filesystem' };

describe('restoreCluster with the copy of a data directory', () => {
  const { fakes, begin, waiting, update, approve, submitThree } = useRecoveries();

  beforeEach(() => {
    fakes().controller.makePlan = () => Promise.resolve({ plan: FILES_PLAN, planHash: 'a'.repeat(64) });
  });

  it('stops all, sets their data aside, unpacks the copy on the first node, and lets the others join it', async () => {
    const handle = await begin('restoreCluster');
    await approve(handle);
    await submitThree(handle);

    const report = await handle.result();

    expect(report.status).toBe('completed');
    const { calls } = fakes();
    const sequence = [
      'stage vault-1',
      'stop vault-3',
      'set aside vault-1',
      'install files vault-1',
      'unseal vault-1',
      'verifyFirstNode',
      'join vault-2',
      'converge vault-1,vault-2,vault-3',
    ];
    expectInOrder(calls, sequence);
    expect(calls).not.toContain('install vault-1');
  });

  it('fetches the copy again when it is lost between staging and unpacking', async () => {
    const { installFiles } = fakes().nodes['vault-1']!;
    let attempts = 0;
    fakes().nodes['vault-1']!.installFiles = (input) =>
      ++attempts === 1
        ? Promise.reject(refusal('StagingLost', 'The backup staged on vault-1 is gone.', 'Check the disk.'))
        : installFiles(input);
    const handle = await begin('restoreCluster');
    await approve(handle);
    await submitThree(handle);

    expect((await handle.result()).status).toBe('completed');
    expect(fakes().calls.filter((call) => call.startsWith('stage vault-1'))).toHaveLength(2);
  });

  it('puts the data back that was there when it is rolled back', async () => {
    fakes().nodes['vault-1']!.installFiles = () => Promise.reject(refusal('NodeUnsafe', 'no', 'Look.'));
    const handle = await begin('restoreCluster');
    await approve(handle);
    await waiting(handle, 'operator');

    await update(handle, 'rollBack', { operator: 'bob' });
    await submitThree(handle);
    const report = await handle.result();

    expect(report.status).toBe('rolled back');
    expect(fakes().calls.filter((call) => call.startsWith('put back'))).toHaveLength(3);
  });
});
