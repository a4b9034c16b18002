import { setTimeout as sleep } from 'node:timers/promises';
import { heartbeat, sleep as sleepInStep } from '@temporalio/activity';
import type { RecoveryProgress } from '../../src/contract/recovery';
import { fakeActivities, GENERATION, startControllers } from '../support/fake-agents';
import { waitFor } from '../../src/lab/processes';
import { type Handle, refusal, useRecoveries } from '../support/workflow-driver';

jest.setTimeout(240_000);

/** Each in a workflow task of its own, which is what makes history long. */
const FLOOD = 500;

describe('a recovery whose history becomes long continues in a new execution', () => {
  const recoveries = useRecoveries();
  const { begin, approve, submit, submitThree, waiting, until, update } = recoveries;
  const fakes = () => recoveries.fakes();

  const executionOf = async () => (await recoveries.client().workflow.getHandle('restore-prod').describe()).runId;
  const current = () => recoveries.client().workflow.getHandle('restore-prod') as unknown as Handle;

  /** Sends what nobody knows until the run has continued elsewhere. */
  async function flood(name = 'aprove', payload: unknown = { approver: 'eve' }): Promise<void> {
    const before = await executionOf();
    for (let sent = 0; sent < 4 * FLOOD; sent += 20) {
      await Promise.all(Array.from({ length: 20 }, () => current().signal(name, payload)));
      if ((await executionOf()) !== before) return;
    }
    // What was sent is in its history; on a busy machine it takes its time to go through it.
    await waitFor('it continues in another execution', async () => (await executionOf()) !== before, {
      timeoutMs: 120_000,
    });
  }
  const times = (call: string) => fakes().calls.filter((item) => item === call).length;
  const notified = (event: string) => fakes().notifications.filter((item) => item.event === event).length;

  it('while it waits for approvals', async () => {
    const handle = await begin();
    const before = await waiting(handle, 'approval');
    await flood();

    const after = await waiting(current(), 'approval');
    await approve(current());
    await submitThree(current());
    const report = await handle.result();

    expect(after).toEqual({ ...before, phases: after.phases, escalatesAt: after.escalatesAt });
    // A replay reads the time after a quick step from its marker, milliseconds off what the clock said.
    expect(Math.abs(Date.parse(after.escalatesAt!) - Date.parse(before.escalatesAt!))).toBeLessThan(1_000);
    expect(report).toMatchObject({ status: 'completed', run: before.run, startedAt: before.startedAt });
    expect(times('makePlan')).toBe(2);
    expect(notified('approval wanted')).toBe(1);
    expect(report.phases.map(({ phase }) => phase)).toEqual([...new Set(report.phases.map(({ phase }) => phase))]);
    // The first ones are written down, the rest is a number; what the next execution writes has numbers that continue.
    expect(fakes().audit.filter(({ action }) => action === 'restore.unknown signal')).toHaveLength(20);
    const ids = fakes()
      .audit.filter(({ action }) => action.startsWith('restore.'))
      .map((record) => (record as unknown as { id: string }).id);
    expect(ids).toEqual(ids.map((_id, index) => `${before.run}/${index + 1}`));
    expect(report.warnings.join()).toMatch(/\d{3,} signals had a name that no vault-dr knows/);
  });

  it('while it waits for shares: those that are here stay', async () => {
    const handle = await begin();
    await approve(handle);
    await until(handle, 'shares are taken', ({ shares }) => shares !== null, 60_000);
    await submit(handle, 'holder-1', 1);
    await waiting(handle, 'shares');
    await flood();

    const twice = await submit(current(), 'holder-2', 1);
    for (const number of [2, 3]) await submit(current(), `holder-${number}`, number);
    const report = await handle.result();

    expect(twice).toMatchObject({
      accepted: false,
      message: 'holder-1 has already submitted this share [share-submitted-before].',
    });
    expect(report).toMatchObject({ status: 'completed', shares: { accepted: [{}, {}, {}] } });
    for (const call of ['claim vault-1', 'stage vault-1', 'stop vault-2', 'set aside vault-3', 'install vault-1']) {
      expect([call, times(call)]).toEqual([call, 1]);
    }
    expect(notified('shares wanted')).toBe(1);
    expect(report.setAside).toHaveLength(3);
  });

  it('while it waits for shares: the controller that serves a directory is asked afterwards, too', async () => {
    const serving = fakeActivities();
    const { planRestore } = fakes().controller;
    fakes().controller.planRestore = async (input) => ({ ...(await planRestore(input)), servedBy: 'first' });
    const { nativeConnection } = recoveries.environment().temporal;
    const first = await startControllers(nativeConnection, { first: serving.controller });
    try {
      const handle = await begin();
      await approve(handle);
      await waiting(handle, 'shares');
      await flood();
      await submitThree(current());
      const report = await handle.result();

      // Of the flood alone: nothing was left unmarked.
      expect(report).toMatchObject({ status: 'completed', warnings: [expect.stringContaining('signals had a name')] });
      const marked = `mark ${GENERATION} as restored`;
      expect(serving.calls).toEqual(['chooseGeneration', 'chooseGeneration', marked, 'storeReport']);
    } finally {
      await first.stop();
    }
  });

  it('while a step is parked: it waits for a decision as before, and is not tried by itself', async () => {
    let broken = true;
    const { joinNode } = fakes().nodes['vault-3']!;
    fakes().nodes['vault-3']!.joinNode = (input) => {
      fakes().calls.push('try to join vault-3');
      return broken ? Promise.reject(refusal('NodeUnsafe', 'not its own directory', 'Look.')) : joinNode(input);
    };
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    const [before] = (await parked(handle)).parked;
    await flood();

    const after = await parked(current());
    expect(after.parked).toEqual([before]);
    expect(after.errors).toHaveLength(1);
    expect(times('try to join vault-3')).toBe(1);
    broken = false;
    await update(current(), 'resume', { operator: 'bob' });
    const report = await handle.result();

    expect(report).toMatchObject({ status: 'completed', errors: [{ outcome: 'resume by bob' }] });
    expect([times('join vault-2'), times('unseal vault-2'), times('join vault-3')]).toEqual([1, 1, 1]);
    expect(notified('decision wanted')).toBe(1);
  });

  it('while a node that had joined is sealed again: it is opened once, not twice at the same time', async () => {
    let broken = true;
    const { joinNode } = fakes().nodes['vault-3']!;
    fakes().nodes['vault-3']!.joinNode = (input) =>
      broken ? Promise.reject(refusal('NodeUnsafe', 'not its own directory', 'Look.')) : joinNode(input);
    const node = fakes().nodes['vault-2']!;
    const { unsealNode } = node;
    let [sealed, given] = [false, 0];
    const isOpen = ({ nodes }: RecoveryProgress) =>
      nodes.some(({ name, state }) => name === 'vault-2' && state === 'unsealed');
    node.watchForSeal = async () => {
      while (!sealed) {
        heartbeat();
        await sleepInStep(100);
      }
      return true;
    };
    node.unsealNode = (input) => {
      given++;
      if (!sealed) return unsealNode(input);
      if (given === 2) return Promise.resolve({ state: 'wrong shares', problem: 'of another vault', dropped: 0 });
      sealed = false;
      return sleep(500).then(() => unsealNode(input));
    };
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    await parked(handle);
    await until(handle, 'it is open', isOpen);
    sealed = true;
    await until(handle, 'more shares are wanted', ({ shares }) => shares?.problem !== null);
    await flood();
    await parked(current());
    await sleep(1_000);
    await submit(current(), 'holder-4', 4);
    await until(current(), 'it is open', isOpen);
    broken = false;
    await update(current(), 'resume', { operator: 'bob' });
    const report = await handle.result();

    expect(report.status).toBe('completed');
    expect([given, times('join vault-2')]).toEqual([3, 1]);
  });

  it('after which it can still be rolled back, and while it is', async () => {
    const handle = await begin();
    await approve(handle);
    await until(handle, 'shares are taken', ({ shares }) => shares !== null, 60_000);
    await waiting(handle, 'shares');
    await flood();
    await waiting(current(), 'shares');
    await update(current(), 'rollBack', { operator: 'bob' });
    await until(current(), 'it goes back', ({ phase, waitingFor }) => phase === 'rollBack' && waitingFor === 'shares');
    await flood();
    await submitThree(current());

    const report = await handle.result();

    expect(report).toMatchObject({ status: 'rolled back', rollBack: { by: 'bob' } });
    for (const name of ['vault-1', 'vault-2', 'vault-3']) expect(times(`put back ${name}`)).toBe(1);
    // Once for the restore, once for the way back.
    expect(times('stop vault-2')).toBe(2);
  });

  it('takes nothing over from whoever starts it', async () => {
    await begin('restoreCluster', { planOnly: true }).then((handle) => handle.result());
    const progress = { phase: 'setAside', parked: [] } as unknown as RecoveryProgress;

    const forged = recoveries.client().workflow.start('restoreCluster', {
      workflowId: 'restore-prod',
      taskQueue: 'vault-dr',
      args: [
        { cluster: 'prod', requestedBy: 'ana' },
        { progress, decisions: {} },
      ],
    });

    await expect(forged.then((handle) => handle.result())).rejects.toMatchObject({
      cause: { type: 'InvalidInput', message: expect.stringContaining('takes one input') },
    });
    expect(times('set aside vault-1')).toBe(0);
  });

  const parked = (handle: Handle) => until(handle, 'it is parked', (now) => now.parked.length > 0);
});
