import { ApplicationFailure } from '@temporalio/common';
import type { FakeActivities, RunningWorkers } from '../support/fake-agents';
import { useRecoveries } from '../support/workflow-driver';

describe('a restore that gives leases a later end', () => {
  const recoveries = useRecoveries();
  const { approve, submit, submitThree, until, update, waiting } = recoveries;
  let fakes: FakeActivities;
  let workers: RunningWorkers | undefined;

  beforeEach(() => {
    fakes = recoveries.fakes();
    const { makePlan } = fakes.controller;
    fakes.controller.makePlan = async (input) => {
      const made = await makePlan(input);
      return { ...made, plan: { ...made.plan, leaseGraceMinutes: 120 } };
    };
  });
  afterEach(async () => {
    await workers?.stop();
    workers = undefined;
  });

  it('does it once, before the first node is unsealed', async () => {
    const handle = await recoveries.begin('restoreCluster', {});
    await approve(handle);
    await submitThree(handle);

    const report = await handle.result();

    expect(report.status).toBe('completed');
    expect(report.leases).toEqual({ byMount: { database: 2 }, left: 1, skipped: 0 });
    const ofFirst = fakes.calls.filter((call) => /^(install|extend leases|unseal) /.test(call));
    expect(ofFirst.slice(0, 3)).toEqual(['install vault-1', 'extend leases vault-1', 'unseal vault-1']);
    expect(ofFirst.filter((call) => call.startsWith('extend'))).toHaveLength(1);
    expect(fakes.audit.map(({ action }) => action)).toContain('restore.leases extended');
  });

  it('asks for another share when these do not open the storage', async () => {
    const { extendLeases } = fakes.nodes['vault-1']!;
    let tries = 0;
    fakes.nodes['vault-1']!.extendLeases = async (input) => {
      const outcome = await extendLeases(input);
      return tries++ === 0 ? { ...outcome, state: 'wrong shares', problem: 'cipher' } : outcome;
    };
    const handle = await recoveries.begin('restoreCluster', {});
    await approve(handle);
    await submitThree(handle);
    await until(handle, 'another share is asked for', (now) => Boolean(now.shares?.problem));

    await submit(handle, 'gina', 4);
    const report = await handle.result();

    expect(report.status).toBe('completed');
    expect(tries).toBe(2);
  });

  it('waits when it fails, and continues without it once somebody has unsealed the node', async () => {
    const { extendLeases } = fakes.nodes['vault-1']!;
    let fails = true;
    fakes.nodes['vault-1']!.extendLeases = async (input) => {
      if (fails) throw ApplicationFailure.nonRetryable('no recovery mode', 'ServiceFailed');
      return { ...(await extendLeases(input)), state: 'unsealed' };
    };
    const handle = await recoveries.begin('restoreCluster', {});
    await approve(handle);
    await submitThree(handle);
    const parked = await waiting(handle, 'operator');
    expect(parked.parked[0]).toMatchObject({ step: 'giving leases a later end', node: 'vault-1' });
    expect(fakes.calls).not.toContain('unseal vault-1');

    fails = false;
    await update(handle, 'resume', { operator: 'bob' });
    const report = await handle.result();

    expect(report.status).toBe('completed');
    expect(report.warnings.join(' ')).toContain('[leases-not-extended]');
  });
});
