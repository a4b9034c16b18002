import type { RollBackPlan } from '../../src/contract/plan';
import { PLAN, ROLL_BACK_PLAN } from '../support/fake-agents';
import { refusal, useRecoveries } from '../support/workflow-driver';

/** What becomes of runs that Temporal has lost, and of those that it has cancelled. */
describe('after a run that never ended', () => {
  const { fakes, begin, approve, submitThree, waiting } = useRecoveries();

  it('rollBackRun claims, stops all, puts back what the lost run set aside, and only then starts', async () => {
    const lostBy = new Map<string, unknown>();
    for (const [name, node] of Object.entries(fakes().nodes)) {
      const { putBackData } = node;
      node.putBackData = (input) => {
        lostBy.set(name, input.lost);
        return putBackData(input);
      };
    }
    const handle = await begin('rollBackRun', { run: ROLL_BACK_PLAN.of });
    await approve(handle, 'd'.repeat(12));
    await submitThree(handle);
    const report = await handle.result();

    const { calls } = fakes();
    const last = (kind: string) => calls.findLastIndex((call) => call.startsWith(kind));
    const first = (kind: string) => calls.findIndex((call) => call.startsWith(kind));
    expect(report).toMatchObject({ status: 'completed', method: 'rollBack', rollBack: null, setAside: [] });
    expect(Object.fromEntries(lostBy)).toEqual({
      'vault-1': ROLL_BACK_PLAN.of,
      'vault-2': ROLL_BACK_PLAN.of,
      'vault-3': undefined,
    });
    expect(last('claim')).toBeLessThan(first('stop'));
    expect(last('stop')).toBeLessThan(first('put back'));
    expect(last('put back')).toBeLessThan(first('start'));
    expect(calls.some((call) => call.startsWith('set aside'))).toBe(false);
  }, 60_000);

  it('rollBackRun puts back what a lost restore of Consul kept, once and no data directory', async () => {
    const plan: RollBackPlan = {
      ...ROLL_BACK_PLAN,
      storage: 'consul',
      lost: [{ node: 'vault-1', run: ROLL_BACK_PLAN.of, original: '/kept', isConsul: true }],
    };
    fakes().controller.makeRollBackPlan = () => Promise.resolve({ plan, planHash: 'd'.repeat(64) });
    const node = fakes().nodes['vault-1']!;
    const { putBackConsul } = node;
    const lostBy: unknown[] = [];
    node.putBackConsul = (input) => {
      lostBy.push(input.lost);
      return putBackConsul(input);
    };
    const handle = await begin('rollBackRun', { run: ROLL_BACK_PLAN.of });
    await approve(handle, 'd'.repeat(12));
    await submitThree(handle);
    const report = await handle.result();

    expect(report).toMatchObject({ status: 'completed', method: 'rollBack' });
    expect(lostBy).toEqual([ROLL_BACK_PLAN.of]);
    expect(fakes().calls.filter((call) => call.startsWith('put back'))).toEqual(['put back consul vault-1']);
  }, 60_000);

  it('restoreCluster has the data of a lost run put back before it sets it aside, where its plan says so', async () => {
    const lostBy = new Map<string, unknown>();
    for (const [name, node] of Object.entries(fakes().nodes)) {
      const { setAsideData } = node;
      node.setAsideData = (input) => {
        lostBy.set(name, input.lost);
        return setAsideData(input);
      };
    }
    const plan = { ...PLAN, lost: ROLL_BACK_PLAN.lost };
    fakes().controller.makePlan = () => Promise.resolve({ plan, planHash: 'a'.repeat(64) });
    const handle = await begin('restoreCluster');
    await approve(handle);
    await submitThree(handle);
    await handle.result();

    expect(Object.fromEntries(lostBy)).toEqual({
      'vault-1': ROLL_BACK_PLAN.of,
      'vault-2': ROLL_BACK_PLAN.of,
      'vault-3': undefined,
    });
  }, 60_000);

  it.each([
    ['in the middle of its changes', true],
    ['before them', undefined],
  ])(
    'a restore that is cancelled %s leaves the hosts to remember it: %s',
    async (_when, remembered) => {
      const ends: unknown[] = [];
      for (const node of Object.values(fakes().nodes)) {
        node.endRunOnNode = (input) => {
          ends.push(input.unfinished);
          return Promise.resolve();
        };
      }
      const parks = () => Promise.reject(refusal('NodeUnsafe', 'no', 'fix it'));
      if (remembered) fakes().nodes['vault-1']!.installSnapshot = parks;
      else fakes().nodes['vault-1']!.stageGeneration = parks;
      const handle = await begin('restoreCluster');
      await approve(handle);
      await waiting(handle, 'operator');
      await handle.cancel();

      await expect(handle.result()).rejects.toThrow(/cancelled/i);
      expect(ends).toEqual([remembered, remembered, remembered]);
    },
    60_000,
  );
});
