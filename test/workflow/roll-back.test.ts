import { Context } from '@temporalio/activity';
import type { RecoveryPhase } from '../../src/contract/recovery';
import { phaseName } from '../../src/contract/voice/headline';
import { NODES, PLAN, RECOVER_QUORUM_PLAN } from '../support/fake-agents';
import { refusal, useRecoveries } from '../support/workflow-driver';

/**
 * The way back, from every phase; on a real Temporal server. The activities are fakes, because a run can't be held in the
 * middle of a chosen step of real servers; what they do to real data directories is tested with real ones.
 */
describe('rollBack', () => {
  const { fakes, begin, until, waiting, update, approve, submit, submitThree } = useRecoveries();

  /** Makes the phase last until the run is called back. */
  const holds: Record<string, () => void> = {
    stop: () => hold('vault-2', 'stopNode'),
    setAside: () => hold('vault-2', 'setAsideData'),
    install: () => hold('vault-1', 'installSnapshot'),
    unseal: () => hold('vault-1', 'unsealNode'),
    join: () => hold('vault-3', 'joinNode'),
    verify: () => void (fakes().controller.verifyFirstNode = parks),
    converge: () => void (fakes().controller.checkConvergence = parks),
  };
  const parks = () => Promise.reject(refusal('NotYet', 'not yet', 'Wait.'));

  /** Only the first time: the roll back stops and unseals the nodes by the same steps. */
  function hold(node: string, step: 'stopNode' | 'setAsideData' | 'installSnapshot' | 'unsealNode' | 'joinNode') {
    const activities = fakes().nodes[node]!;
    const act = activities[step] as (input: never) => Promise<unknown>;
    let held = false;
    Object.assign(activities, {
      [step]: (input: never) => {
        if (held) return act(input);
        held = true;
        return Promise.reject(refusal('NodeUnsafe', 'held', 'Wait.'));
      },
    });
  }

  it.each(['stop', 'setAside', 'install', 'unseal', 'verify', 'join', 'converge'] as const)(
    'puts everything back from the phase %s: stop, put back, start, unseal with the same shares, verify',
    async (phase) => {
      holds[phase]?.();
      const handle = await begin();
      await approve(handle);
      await submitThree(handle);
      const parked = await until(handle, `it is parked in ${phase}`, (now) => now.parked[0]?.phase === phase);
      const before = fakes().calls.length;

      const answer = await update(handle, 'rollBack', { operator: 'bob' });
      const again = update(handle, 'rollBack', { operator: 'eve' }).catch(() => null);
      const report = await handle.result();

      const back = fakes().calls.slice(before);
      expect(parked.parked[0]?.choices).toContain('rollBack');
      expect(answer).toEqual({
        accepted: true,
        message: expect.stringContaining(`from the phase '${phaseName(phase)}'`),
      });
      expect((await again)?.accepted ?? false).toBe(false);
      expect(report.status).toBe('rolled back');
      expect(report.rollBack).toMatchObject({ by: 'bob', from: phase });
      expect(report.setAside).toEqual([]);
      for (const node of NODES) {
        const order = ['stop', 'put back', 'start', 'unseal', 'end'].map((step) => back.lastIndexOf(`${step} ${node}`));
        expect(order).not.toContain(-1);
        expect(order).toEqual(order.toSorted((left, right) => left - right));
      }
      // Old and new never meet: nobody starts before all have been put back.
      const starts = NODES.map((node) => back.indexOf(`start ${node}`));
      const puts = NODES.map((node) => back.indexOf(`put back ${node}`));
      expect(Math.min(...starts)).toBeGreaterThan(Math.max(...puts));
      expect(back).toContain(`rolled back ${NODES.join()}`);
      expect(back).not.toContain('captureSnapshot');
      expect(back.filter((call) => call.startsWith('mark'))).toEqual([]);
      expect(fakes().reports.map(({ status }) => status)).toEqual(['rolled back']);
      expect(report.errors.at(-1)?.outcome).toBe('rolled back by bob');
    },
    60_000,
  );

  it('asks for the shares that the old cluster lacks, when it needs more of them than the restored one', async () => {
    fakes().controller.checkConvergence = parks;
    for (const node of NODES) {
      const { startNode } = fakes().nodes[node]!;
      fakes().nodes[node]!.startNode = async (input) => ({ ...(await startNode(input)), t: 4 });
    }
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    await until(handle, 'it is parked in converge', (now) => now.parked[0]?.phase === 'converge');

    await update(handle, 'rollBack', { operator: 'bob' });
    const waits = await waiting(handle, 'shares');
    const answer = await submit(handle, 'dave', 4);
    const report = await handle.result();

    expect(waits.shares).toMatchObject({ required: 4 });
    expect(answer).toEqual({ accepted: true, message: 'Accepted 4 of 4.' });
    expect(report.status).toBe('rolled back');
  }, 60_000);

  it('is possible while the run waits for the key holders, who are then asked for the old cluster', async () => {
    const handle = await begin();
    await approve(handle);
    await until(handle, 'it waits for shares', (now) => now.phase === 'unseal' && now.waitingFor === 'shares');

    const answer = await update(handle, 'rollBack', { operator: 'bob' });
    await until(handle, 'it rolls back', (now) => now.phase === 'rollBack' && now.waitingFor === 'shares');
    await submitThree(handle);
    const report = await handle.result();

    expect(answer.accepted).toBe(true);
    expect(report.status).toBe('rolled back');
    expect(fakes().calls.filter((call) => call.startsWith('unseal'))).toHaveLength(3);
  }, 60_000);

  it.each(['captureSnapshot', 'closeBackup'] as const)(
    'is possible until the first backup afterwards is made, be it in its last step: %s',
    async (step) => {
      let release = () => {};
      const act = fakes().controller[step] as (input: never) => Promise<unknown>;
      const begun = new Promise<void>((resolve) => {
        Object.assign(fakes().controller, {
          [step]: async (input: never) => {
            resolve();
            await new Promise<void>((done) => (release = done));
            return act(input);
          },
        });
      });
      const handle = await begin();
      await approve(handle);
      await submitThree(handle);
      await begun;

      const answer = await update(handle, 'rollBack', { operator: 'bob' });
      release();
      const report = await handle.result();

      expect(answer.accepted).toBe(true);
      expect(report).toMatchObject({ status: 'rolled back', rollBack: { from: 'finish' }, backup: null });
      expect(fakes().calls.filter((call) => call.startsWith('mark'))).toEqual([
        `mark ${PLAN.generation} as restored`,
        `mark ${PLAN.generation} as rolled back`,
      ]);
      // Nobody is asked again.
      expect(report.shares?.accepted).toHaveLength(3);
    },
    60_000,
  );

  it('is refused before anything was changed', async () => {
    const handle = await begin();
    await waiting(handle, 'approval');

    expect((await update(handle, 'rollBack', { operator: 'bob' })).message).toContain('abort the run instead');
  });

  it.each<[string, Partial<typeof PLAN>, string]>([
    ['the old data was deleted', { setAside: 'delete' }, 'The old data was deleted'],
    ['there were no data', { holdData: [] }, 'No node held any data before'],
  ])('is refused, and not offered, where %s', async (_why, changes, reason) => {
    fakes().controller.makePlan = () => Promise.resolve({ plan: { ...PLAN, ...changes }, planHash: 'a'.repeat(64) });
    holds['install']?.();
    const handle = await begin();
    await approve(handle);
    const parked = await waiting(handle, 'operator');

    const answer = await update(handle, 'rollBack', { operator: 'bob' });

    expect(parked.parked[0]?.choices).toEqual(['resume']);
    expect(answer).toEqual({ accepted: false, message: expect.stringContaining(reason) });
  });

  it('parks by itself when a step of it can not succeed, and tells when the old cluster does not serve', async () => {
    holds['install']?.();
    let broken = true;
    const { putBackData } = fakes().nodes['vault-3']!;
    fakes().nodes['vault-3']!.putBackData = (input) =>
      broken ? Promise.reject(refusal('NodeUnsafe', 'in the way', 'Move it.')) : putBackData(input);
    fakes().controller.checkRolledBack = parks;
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    await waiting(handle, 'operator');

    await update(handle, 'rollBack', { operator: 'bob' });
    const parked = await until(handle, 'the way back is parked', (now) => now.parked[0]?.phase === 'rollBack');
    broken = false;
    await update(handle, 'resume', { operator: 'bob' });
    const report = await handle.result();

    expect(parked.parked[0]).toMatchObject({ node: 'vault-3', choices: ['resume', 'skipNode'] });
    expect(report.status).toBe('rolled back');
    expect(report.warnings.join()).toContain('the old data is back, but the cluster does not serve: not yet');
  }, 60_000);

  it('warns that the Vault of a node that is left out on the way back may still run', async () => {
    holds['install']?.();
    fakes().nodes['vault-3']!.putBackData = () => Promise.reject(refusal('NodeUnsafe', 'in the way', 'Move it.'));
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    await waiting(handle, 'operator');
    await update(handle, 'rollBack', { operator: 'bob' });
    await until(handle, 'the way back is parked', (now) => now.parked[0]?.phase === 'rollBack');

    const answer = await update(handle, 'skipNode', { operator: 'bob', node: 'vault-3' });
    const report = await handle.result();

    expect(answer).toEqual({ accepted: true, message: expect.stringContaining('power that host off') });
    expect(report.warnings.join()).toContain('vault-3 was left out before its Vault was confirmed to be stopped');
  }, 60_000);

  it('leads back from a recovery of the quorum as well', async () => {
    fakes().nodes[RECOVER_QUORUM_PLAN.firstNode]!.recoverPeers = () =>
      Promise.reject(refusal('ServiceFailed', 'does not start', 'Look.'));
    const handle = await begin('recoverQuorum');
    await approve(handle, 'b'.repeat(12));
    await submitThree(handle);
    await waiting(handle, 'operator');

    await update(handle, 'rollBack', { operator: 'bob' });
    const report = await handle.result();

    expect(report).toMatchObject({ status: 'rolled back', method: 'peers' });
    const phases: RecoveryPhase[] = ['plan', 'approve', 'stop', 'setAside', 'install', 'rollBack'];
    expect(report.phases.map(({ phase }) => phase)).toEqual(phases);
  }, 60_000);

  it('leaves what was being written down, and whom it was notifying, when it calls a step off', async () => {
    const slowly = () => new Promise<void>((resolve) => setTimeout(resolve, 1_500));
    const before = { ...fakes().controller };
    fakes().controller.recordAudits = async (input) => {
      await Promise.race([slowly(), Context.current().cancelled]);
      return before.recordAudits(input);
    };
    fakes().controller.notify = async (input) => {
      await Promise.race([slowly(), Context.current().cancelled]);
      return before.notify(input);
    };
    hold('vault-2', 'setAsideData');
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    // Parked just now, inside of the step: its record and its notification are under way.
    await until(handle, 'it is parked', (now) => now.parked.length > 0);

    await update(handle, 'rollBack', { operator: 'bob' });
    const report = await handle.result();

    expect(report.status).toBe('rolled back');
    expect(report.warnings.filter((text) => /audit trail|notified/.test(text))).toEqual([]);
    expect(fakes().audit.map(({ action }) => action)).toContain('restore.parked');
    expect(fakes().notifications.map(({ event }) => event)).toContain('decision wanted');
  }, 60_000);

  it('never comes too early for what is under way: the cancelled step ends before its node is stopped', async () => {
    const order: string[] = [];
    const { installSnapshot, stopNode } = fakes().nodes['vault-1']!;
    let release = () => {};
    const begun = new Promise<void>((resolve) => {
      fakes().nodes['vault-1']!.installSnapshot = async (input) => {
        resolve();
        // Takes no notice of its cancellation, as a rename in the kernel would.
        await new Promise<void>((done) => (release = done));
        order.push('install ended');
        return installSnapshot(input);
      };
    });
    fakes().nodes['vault-1']!.stopNode = (input) => {
      order.push('stop');
      return stopNode(input);
    };
    const handle = await begin();
    await approve(handle);
    await begun;

    await update(handle, 'rollBack', { operator: 'bob' });
    release();
    await submitThree(handle);
    await handle.result();

    expect(order).toEqual(['stop', 'install ended', 'stop']);
  }, 60_000);
});
