import { CONTROLLER_TASK_QUEUE } from '../../src/contract/names';
import type { BackupResult } from '../../src/contract/backup';
import { COPY_PLAN, GENERATION } from '../support/fake-agents';
import { refusal, useRecoveries } from '../support/workflow-driver';

const STARTED = { initialized: true, sealed: false, type: 'transit', n: 1, t: 1 };

/** What becomes of the node when something fails; fakes, because each step has to fail at will. */
describe('the copy of a node', () => {
  const { fakes, begin, until, waiting, update, submitThree, client } = useRecoveries();
  const node = () => fakes().nodes['vault-3']!;
  const did = (pattern: RegExp) => fakes().calls.filter((call) => pattern.test(call));

  it('stops, archives, starts and unseals it, and stores the archive when it serves again', async () => {
    const handle = await begin('copyNode');
    await submitThree(handle);

    const report = await handle.result();

    expect(report).toMatchObject({ status: 'completed', copied: { repository: 'local', data: { node: 'vault-3' } } });
    // Shares come when holders send them.
    expect(did(/vault-3|converge/).filter((call) => !call.startsWith('check'))).toEqual([
      'describe vault-3',
      'claim vault-3',
      'stop vault-3 for a backup',
      'archive vault-3',
      'start vault-3',
      'unseal vault-3',
      'converge vault-1,vault-2,vault-3',
      'store the archive of vault-3',
      'end vault-3',
    ]);
    expect(fakes().calls).not.toContain('stop vault-1');
  }, 60_000);

  it('starts the node before it fails with what kept it from being archived', async () => {
    node().archiveData = () => Promise.reject(refusal('NodeUnsafe', 'vault.db was changed.', 'See who writes.'));
    node().startNode = () => {
      fakes().calls.push('start vault-3');
      return Promise.resolve(STARTED);
    };

    const handle = await begin('copyNode');

    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'NodeUnsafe', message: expect.stringContaining('vault.db was changed. vault-3 runs again.') },
    });
    expect(did(/^(start|converge|store|end)/)).toEqual([
      'start vault-3',
      'converge vault-1,vault-2,vault-3',
      'end vault-3',
      'storeReport',
    ]);
    expect(fakes().reports[0]).toMatchObject({ status: 'failed', copied: { failed: { code: 'NodeUnsafe' } } });
  }, 60_000);

  it('archives nothing that was not stopped', async () => {
    node().stopForBackup = () => Promise.reject(refusal('NotApproved', 'its window is closed.', 'Wait.'));
    node().startNode = () => Promise.resolve(STARTED);

    const handle = await begin('copyNode');

    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'NotApproved' } });
    expect(did(/archive/)).toEqual([]);
  }, 60_000);

  it('parks when the node does not start, and is resumed', async () => {
    let broken = true;
    node().startNode = () =>
      broken ? Promise.reject(refusal('ServiceFailed', 'no such unit', 'Install it.')) : Promise.resolve(STARTED);
    const handle = await begin('copyNode');

    const parked = await waiting(handle, 'operator');
    broken = false;
    await update(handle, 'resume', { operator: 'ana' });
    const report = await handle.result();

    expect(parked.parked).toMatchObject([{ node: 'vault-3', code: 'ServiceFailed', choices: ['resume', 'abort'] }]);
    expect(report).toMatchObject({ status: 'completed', copied: { repository: 'local' } });
  }, 60_000);

  it.each(['abort', 'cancel'] as const)(
    'ends on the host when people %s it while shares are waited for',
    async (how) => {
      const handle = await begin('copyNode');
      await waiting(handle, 'shares');

      if (how === 'abort') await update(handle, 'abort', { operator: 'ana' });
      else await handle.cancel();
      await handle.result().catch(() => undefined);

      // That is where the agent starts what the run has stopped.
      expect(did(/^(end|store the archive)/)).toEqual(['end vault-3']);
    },
    60_000,
  );

  it('lets another node lead first where the plan says so', async () => {
    fakes().controller.makeCopyPlan = () =>
      Promise.resolve({ plan: { ...COPY_PLAN, stepDown: true }, planHash: 'e'.repeat(64) });
    node().startNode = () => Promise.resolve(STARTED);

    await (await begin('copyNode')).result();

    expect(did(/moveLeadership|stop/)).toEqual(['moveLeadership', 'stop vault-3 for a backup']);
  }, 60_000);

  describe('in a backup', () => {
    const backUp = () =>
      client().workflow.start<(input: unknown) => Promise<BackupResult>>('backUpCluster', {
        workflowId: 'backup-prod',
        taskQueue: CONTROLLER_TASK_QUEUE,
        args: [{ cluster: 'prod' }],
      });

    beforeEach(() => {
      const { planBackup } = fakes().controller;
      fakes().controller.planBackup = async (input) => ({
        ...(await planBackup(input)),
        method: 'filesystem' as const,
      });
      node().startNode = () => Promise.resolve(STARTED);
    });

    it('is described and published where the agent has stored it, then replicated', async () => {
      await (await begin('copyNode')).result();
      fakes().calls.length = 0;

      const result = await (await backUp()).result();

      expect(result).toMatchObject({
        generation: GENERATION,
        copies: [{ repository: 'local' }, { repository: 'offsite' }],
      });
      expect(did(/captureSnapshot|describeCopy|publish|replicate/)).toEqual([
        'describeCopy',
        'publish local',
        'replicate offsite',
      ]);
    }, 60_000);

    it('fails at once while another run changes the nodes', async () => {
      const restore = await begin('restoreCluster');
      await waiting(restore, 'approval');

      await expect((await backUp()).result()).rejects.toMatchObject({ cause: { type: 'AlreadyRunning' } });
      expect(did(/for a backup/)).toEqual([]);
    }, 60_000);

    it('that is terminated leaves the copy to bring the node back', async () => {
      node().startNode = () => Promise.resolve({ ...STARTED, type: 'shamir', sealed: true });
      // Only for its workers.
      await (await begin('restoreCluster', { planOnly: true })).result();
      const backup = await backUp();
      const copy = client().workflow.getHandle('restore-prod') as Awaited<ReturnType<typeof begin>>;
      await until(copy, 'shares are waited for', (now) => now.method === 'copy' && now.waitingFor === 'shares');

      await backup.terminate();
      await submitThree(copy);

      expect(await copy.result()).toMatchObject({ status: 'completed', method: 'copy' });
    }, 60_000);
  });
});
