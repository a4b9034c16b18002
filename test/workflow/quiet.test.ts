import { ApplicationFailure } from '@temporalio/common';
import type { FakeActivities } from '../support/fake-agents';
import { expectInOrder, type Handle, useRecoveries } from '../support/workflow-driver';

describe('a quiet restore', () => {
  const recoveries = useRecoveries();
  const { approve, inspection, submitThree, until, update, waiting } = recoveries;
  const asked: { install: object[]; plan: object[] } = { install: [], plan: [] };
  let fakes: FakeActivities;

  beforeEach(() => {
    asked.install = [];
    asked.plan = [];
    fakes = recoveries.fakes();
    const { makePlan } = fakes.controller;
    fakes.controller.makePlan = async (input) => {
      asked.plan.push(input);
      const made = await makePlan(input);
      return { ...made, plan: { ...made.plan, quiet: true } };
    };
    const { installSnapshot } = fakes.nodes['vault-1']!;
    fakes.nodes['vault-1']!.installSnapshot = async (input) => {
      asked.install.push(input);
      return installSnapshot(input);
    };
  });

  async function behindTheFence(): Promise<Handle> {
    const handle = await recoveries.begin('restoreCluster', { quiet: true });
    await approve(handle);
    await submitThree(handle);
    await waiting(handle, 'goLive');
    return handle;
  }

  it('waits behind the fence until somebody says go-live; only then others join', async () => {
    const handle = await behindTheFence();

    const progress = await inspection(handle);
    expect(progress).toMatchObject({ status: 'waiting', phase: 'verify' });
    expect(progress.nodes[0]).toMatchObject({ state: 'unsealed', detail: 'behind its fence' });
    expect(asked.plan[0]).toMatchObject({ input: { quiet: true }, quietProblem: null });
    expect(asked.install).toEqual([expect.objectContaining({ quiet: true })]);
    await until(handle, 'people are notified', () =>
      fakes.notifications.some(({ event }) => event === 'go-live wanted'),
    );
    const { text } = fakes.notifications.find(({ event }) => event === 'go-live wanted')!;
    expect(text).toContain('vault-dr go-live --cluster prod');
    expect(fakes.calls.join()).not.toMatch(/join|lift|verify first/);

    expect(await update(handle, 'goLive', { operator: 'bob' })).toMatchObject({ accepted: true });
    const report = await handle.result();

    expect(report).toMatchObject({ status: 'completed', live: { by: 'bob' } });
    expectInOrder(fakes.calls, ['prove quiet vault-1', 'unseal vault-1', 'lift the fence vault-1', 'join vault-2']);
    expect(fakes.audit.map(({ action, actor }) => [action, actor])).toContainEqual(['restore.goLive', 'bob']);
  });

  it('says no before it is there, and where it was said already; a signal does as well', async () => {
    const { liftFence } = fakes.nodes['vault-1']!;
    let fails = true;
    fakes.nodes['vault-1']!.liftFence = async (input) => {
      if (fails) throw ApplicationFailure.nonRetryable('no systemd', 'ServiceFailed');
      return liftFence(input);
    };
    const handle = await recoveries.begin('restoreCluster', { quiet: true });
    await waiting(handle, 'approval');
    expect(await update(handle, 'goLive', { operator: 'bob' })).toMatchObject({
      accepted: false,
      message: expect.stringContaining('Not yet') as string,
    });
    await approve(handle);
    await submitThree(handle);
    await waiting(handle, 'goLive');
    await handle.signal('goLive', { operator: 'bob' });
    const parked = await waiting(handle, 'operator');
    expect(parked.parked[0]).toMatchObject({ step: 'lifting the fence around vault-1', node: 'vault-1' });
    expect(await update(handle, 'goLive', { operator: 'eve' })).toMatchObject({
      accepted: false,
      message: 'bob has already said so.',
    });
    fails = false;
    await update(handle, 'resume', { operator: 'bob' });

    expect((await handle.result()).status).toBe('completed');
  });

  it('is rolled back from there, without ever going live', async () => {
    const handle = await behindTheFence();

    await update(handle, 'rollBack', { operator: 'bob' });
    const report = await handle.result();

    expect(report.status).toBe('rolled back');
    expect(fakes.calls).not.toContain('lift the fence vault-1');
    expectInOrder(fakes.calls, ['unseal vault-1', 'put back vault-1', 'start vault-1']);
  });

  it('has nothing to say in a restore that is not quiet', async () => {
    fakes.controller.makePlan = recoveries.fakes().controller.makePlan;
    const handle = await recoveries.begin('restoreCluster', {});
    await waiting(handle, 'approval');
    await update(handle, 'abort', { operator: 'bob' });
    await handle.result();

    expect(fakes.calls.join()).not.toContain('prove quiet');
  });
});
