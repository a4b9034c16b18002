import type { RestorePlan } from '../../src/contract/plan';
import { REBUILD_PLAN, PLAN } from '../support/fake-agents';
import { type Handle, refusal, useRecoveries } from '../support/workflow-driver';

/** What plans are worth, and the other shapes of a recovery; with activities that answer as the test wants. */
describe('a plan', () => {
  const { fakes, begin, inspection, until, waiting, update, approve, submitThree } = useRecoveries();

  it('ends a run that asked for nothing else, with nothing claimed, staged or stopped', async () => {
    const handle = await begin('restoreCluster', { planOnly: true });

    const report = await handle.result();

    expect(report.status).toBe('planned');
    expect(report.plan).toEqual(PLAN);
    expect(fakes().calls.filter((call) => /^(claim|stage|stop|set aside|end)/.test(call))).toEqual([]);
  });

  /** After the first approval, so that the last look before the first stop finds another plan. */
  function planChangesWhileStaging(plan: RestorePlan): void {
    let made = { plan: PLAN, planHash: 'a'.repeat(64) };
    fakes().controller.makePlan = () => Promise.resolve(made);
    const { stageGeneration } = fakes().nodes['vault-1']!;
    fakes().nodes['vault-1']!.stageGeneration = (input) => {
      made = { plan, planHash: 'd'.repeat(64) };
      return stageGeneration(input);
    };
  }

  const newPlanOf = (handle: Handle) =>
    until(
      handle,
      'the new plan waits',
      (now) => now.planHash?.startsWith('d') === true && now.waitingFor === 'approval',
    );

  it('voids its approvals when what it was made from has changed before the first stop', async () => {
    planChangesWhileStaging(PLAN);
    const handle = await begin();
    await approve(handle);

    const again = await newPlanOf(handle);
    const old = await update(handle, 'approve', { approver: 'bob', planHash: 'a'.repeat(12) });
    expect(fakes().calls.some((call) => call.startsWith('stop'))).toBe(false);
    // What holders have given already counts on.
    await submitThree(handle);
    await approve(handle, 'd'.repeat(12));
    const report = await handle.result();

    expect(again.approvals).toEqual([]);
    expect(old.message).toContain("The plan's hash is dddddddddddd");
    expect(report.status).toBe('completed');
    expect(report.shares?.accepted).toHaveLength(3);
    expect(report.warnings).toContain('the approvals of bob are void: what it was made from has changed');
  }, 60_000);

  it('that names other nodes than the one before is carried out on these', async () => {
    const renamed = PLAN.nodes.map((node) => (node.name === 'vault-3' ? { ...node, name: 'vault-4' } : node));
    planChangesWhileStaging({ ...PLAN, nodes: renamed });
    const handle = await begin();
    await approve(handle);

    const again = await newPlanOf(handle);

    expect(again.nodes.map(({ name, role }) => [name, role])).toEqual([
      ['vault-1', 'first'],
      ['vault-2', 'follower'],
      ['vault-4', 'follower'],
    ]);
  }, 60_000);

  it('is made again, and its approvals are void, when it was not approved in time', async () => {
    const { planRestore } = fakes().controller;
    fakes().controller.planRestore = async (input) => ({ ...(await planRestore(input)), approvalMinutes: 0.02 });
    fakes().controller.makePlan = () => Promise.resolve({ plan: { ...PLAN, approvals: 2 }, planHash: 'a'.repeat(64) });
    const handle = await begin();
    await approve(handle);
    expect((await inspection(handle)).approvals).toHaveLength(1);

    await until(
      handle,
      'the plan is made again',
      (now) => now.phases.filter(({ phase }) => phase === 'plan').length > 1,
    );

    expect((await inspection(handle)).approvals).toEqual([]);
    expect(fakes().calls.some((call) => call.startsWith('claim'))).toBe(false);
  }, 60_000);

  it('that is refused at the last look parks the run, which can still be aborted', async () => {
    let refused = false;
    fakes().controller.makePlan = () =>
      refused
        ? Promise.reject(refusal('PlanRefused', 'vault-2: no room', 'Fix it.'))
        : Promise.resolve({ plan: PLAN, planHash: 'a'.repeat(64) });
    const { stageGeneration } = fakes().nodes['vault-1']!;
    fakes().nodes['vault-1']!.stageGeneration = (input) => {
      refused = true;
      return stageGeneration(input);
    };
    const handle = await begin();
    await approve(handle);

    const parked = await waiting(handle, 'operator');
    await update(handle, 'abort', { operator: 'bob' });
    const report = await handle.result();

    expect(parked.parked[0]).toMatchObject({ problem: 'vault-2: no room', choices: ['resume', 'abort'] });
    expect(report.status).toBe('aborted');
    expect(fakes().calls.some((call) => call.startsWith('stop'))).toBe(false);
  }, 60_000);

  it('needs nobody where none must approve, as in a drill', async () => {
    fakes().controller.makePlan = () => Promise.resolve({ plan: { ...PLAN, approvals: 0 }, planHash: 'a'.repeat(64) });
    const handle = await begin();
    await submitThree(handle);

    expect((await handle.result()).status).toBe('completed');
  }, 60_000);
});

describe('a node that does not get in', () => {
  const { fakes, begin, waiting, update, approve, submitThree } = useRecoveries();

  it('is made again once by itself, and people are asked only then', async () => {
    let failures = 1;
    const { joinNode } = fakes().nodes['vault-3']!;
    fakes().nodes['vault-3']!.joinNode = (input) =>
      failures-- > 0
        ? Promise.reject(refusal('VaultRefused', 'raft storage is already initialized', 'Blank it.'))
        : joinNode(input);
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    const report = await handle.result();

    expect(fakes().calls.filter((call) => call === 'blank vault-3')).toHaveLength(1);
    expect(report.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'voter']);
    expect(report.errors).toEqual([
      expect.objectContaining({
        node: 'vault-3',
        problem: 'raft storage is already initialized',
        outcome: 'repaired by the run itself',
      }),
    ]);
    expect(fakes().notifications.map(({ event }) => event)).not.toContain('decision wanted');
  }, 60_000);

  it('has hours for what its Vault must load first; its agent knows when that stands still', async () => {
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    await handle.result();

    const { events } = await handle.fetchHistory();
    const hours = new Map(
      events?.flatMap(({ activityTaskScheduledEventAttributes: step }) =>
        step ? [[step.activityType?.name, Number(step.startToCloseTimeout?.seconds) / 3_600]] : [],
      ),
    );
    expect(hours.get('joinNode')).toBeGreaterThan(2);
    expect(hours.get('unsealNode')).toBeGreaterThan(2);
    expect(hours.get('stopNode')).toBeLessThan(0.1);
  }, 60_000);

  it('is made again when it was restarted before it was unsealed: the cluster may have sent it half of its data', async () => {
    let restarts = 2;
    const { unsealNode } = fakes().nodes['vault-2']!;
    fakes().nodes['vault-2']!.unsealNode = (input) =>
      restarts-- > 0
        ? Promise.resolve({ state: 'not joined', problem: 'vault-2 was restarted before it was unsealed.', dropped: 0 })
        : unsealNode(input);
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    const report = await handle.result();

    const calls = fakes().calls.filter((call) => call.endsWith('vault-2'));
    expect(calls.slice(calls.indexOf('join vault-2'), calls.indexOf('unseal vault-2'))).toEqual([
      'join vault-2',
      'blank vault-2',
      'join vault-2',
      'blank vault-2',
      'join vault-2',
    ]);
    expect(report.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'voter']);
    expect(fakes().notifications.map(({ event }) => event)).not.toContain('decision wanted');
  }, 60_000);

  it('joins again after it could not be unsealed', async () => {
    let failures = 1;
    const { unsealNode } = fakes().nodes['vault-2']!;
    fakes().nodes['vault-2']!.unsealNode = (input) =>
      failures-- > 0
        ? Promise.reject(refusal('VaultRefused', 'node was removed from a HA cluster', 'Blank it.'))
        : unsealNode(input);
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    await handle.result();

    const calls = fakes().calls.filter((call) => call.endsWith('vault-2'));
    expect(calls.slice(calls.indexOf('join vault-2'))).toEqual([
      'join vault-2',
      'blank vault-2',
      'join vault-2',
      'unseal vault-2',
      'end vault-2',
    ]);
  }, 60_000);

  it('parks when that did not help', async () => {
    fakes().nodes['vault-3']!.joinNode = () => Promise.reject(refusal('VaultRefused', 'no', 'Look.'));
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);

    const parked = await waiting(handle, 'operator');
    await update(handle, 'skipNode', { operator: 'bob', node: 'vault-3' });

    expect(parked.parked[0]?.choices).toEqual(['resume', 'skipNode', 'rollBack']);
    expect((await handle.result()).errors.map(({ outcome }) => outcome)).toEqual(['skipNode by bob']);
  }, 60_000);
});

describe('the other shapes', () => {
  const { fakes, begin, approve, submitThree, update, waiting } = useRecoveries();

  it('in place backs up first, stops nothing and asks nobody for shares', async () => {
    fakes().controller.makePlan = () =>
      Promise.resolve({ plan: { ...PLAN, method: 'inPlace' as const }, planHash: 'a'.repeat(64) });
    const handle = await begin('restoreCluster', { inPlace: true });
    await approve(handle);
    const report = await handle.result();

    const { calls } = fakes();
    expect(report).toMatchObject({ status: 'completed', method: 'inPlace', shares: null });
    expect(calls.indexOf('captureSnapshot')).toBeLessThan(calls.indexOf('install in place vault-1'));
    expect(calls.filter((call) => call === 'captureSnapshot')).toHaveLength(2);
    expect(calls.filter((call) => /^(stop|set aside|unseal|join)/.test(call))).toEqual([]);
  }, 60_000);

  it('auto-unseal waits for no people', async () => {
    const seal = { type: 'transit', secretShares: 1, secretThreshold: 1 };
    fakes().controller.makePlan = () =>
      Promise.resolve({ plan: { ...PLAN, seal, recoveryConfig: PLAN.seal }, planHash: 'a'.repeat(64) });
    const handle = await begin();
    await approve(handle);
    const report = await handle.result();

    expect(report).toMatchObject({ status: 'completed', shares: null });
    expect(fakes().calls.filter((call) => call.startsWith('await unsealed'))).toHaveLength(3);
    expect(fakes().calls.filter((call) => call.startsWith('unseal'))).toEqual([]);
  }, 60_000);

  it('restarts the followers and moves the leadership where the configuration asks for it', async () => {
    fakes().controller.makePlan = () =>
      Promise.resolve({ plan: { ...PLAN, rollingRestart: true }, planHash: 'a'.repeat(64) });
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    await handle.result();

    const { calls } = fakes();
    const converged = calls.flatMap((call, index) => (call.startsWith('converge') ? [index] : []));
    expect(converged).toHaveLength(2);
    for (const step of ['restart vault-2', 'restart vault-3', 'moveLeadership']) {
      expect(calls.indexOf(step)).toBeGreaterThan(converged[0] ?? 0);
      expect(calls.indexOf(step)).toBeLessThan(converged[1] ?? 0);
    }
    expect(calls).not.toContain('restart vault-1');
  }, 60_000);

  it('rebuildNode touches one node, needs no approval, and can not skip it', async () => {
    const { joinNode } = fakes().nodes['vault-3']!;
    let broken = true;
    fakes().nodes['vault-3']!.joinNode = (input) =>
      broken ? Promise.reject(refusal('NodeUnsafe', 'no', 'Look.')) : joinNode(input);
    const handle = await begin('rebuildNode', { node: 'vault-3' });
    await submitThree(handle);
    const parked = await waiting(handle, 'operator');
    const skip = await update(handle, 'skipNode', { operator: 'bob', node: 'vault-3' });
    const back = await update(handle, 'rollBack', { operator: 'bob' });
    broken = false;
    await update(handle, 'resume', { operator: 'bob' });
    const report = await handle.result();

    expect(parked.parked[0]?.choices).toEqual(['resume', 'abort']);
    expect([skip.accepted, back.accepted]).toEqual([false, false]);
    expect(report).toMatchObject({ status: 'completed', method: 'rebuild', plan: REBUILD_PLAN, rpoSeconds: null });
    const touched = fakes().calls.filter((call) => /^(stop|set aside|join|unseal|claim) /.test(call));
    expect(touched.every((call) => call.endsWith('vault-3'))).toBe(true);
    expect(fakes().calls).toContain('converge vault-1,vault-2,vault-3');
  }, 60_000);

  it('rebuildNode takes a dead peer out before it stops anything, and lets a non-voter join as one', async () => {
    const plan = { ...REBUILD_PLAN, removePeers: ['old-9'], nonVoters: ['vault-3'] };
    fakes().controller.makeRebuildPlan = () => Promise.resolve({ plan, planHash: 'c'.repeat(64) });
    const { joinNode } = fakes().nodes['vault-3']!;
    const joins: unknown[] = [];
    fakes().nodes['vault-3']!.joinNode = (input) => {
      joins.push(input.nonVoter);
      return joinNode(input);
    };
    const handle = await begin('rebuildNode', { node: 'vault-3', removePeers: ['old-9'] });
    await submitThree(handle);
    const report = await handle.result();

    expect(report).toMatchObject({
      status: 'completed',
      warnings: expect.arrayContaining([expect.stringContaining('old-9')]),
    });
    const { calls } = fakes();
    expect(calls.filter((call) => call === 'removePeer old-9')).toHaveLength(1);
    expect(calls.indexOf('removePeer old-9')).toBeLessThan(calls.indexOf('stop vault-3'));
    expect(joins).toEqual([true]);
  }, 60_000);

  it('rebuildNode asks nothing of a node that did not serve when it was planned', async () => {
    const plan = { ...REBUILD_PLAN, leftOut: ['vault-2'] };
    fakes().controller.makeRebuildPlan = () => Promise.resolve({ plan, planHash: 'c'.repeat(64) });
    const handle = await begin('rebuildNode', { node: 'vault-3' });
    await submitThree(handle);
    const report = await handle.result();

    expect(fakes().calls).toContain('converge vault-1,vault-3');
    expect(report.nodes.map(({ name, state }) => [name, state])).toContainEqual(['vault-2', 'skipped']);
    expect(report.status).toBe('completed');
  }, 60_000);

  it.each([
    ['rebuildNode', { node: 'vault-3' }, 'vault-dr rebuild-node --cluster prod --node vault-3'],
    ['restoreCluster', { inPlace: true }, 'may have been loaded or not'],
  ] as const)(
    '%s can be aborted in the middle of it, and says what it has left',
    async (workflow, input, left) => {
      const stuck = () => Promise.reject(refusal('NodeUnsafe', 'no', 'Look.'));
      fakes().nodes['vault-3']!.joinNode = stuck;
      fakes().nodes['vault-1']!.installInPlace = stuck;
      fakes().controller.makePlan = () =>
        Promise.resolve({ plan: { ...PLAN, method: 'inPlace' }, planHash: 'a'.repeat(64) });
      const handle = await begin(workflow, input);
      if (workflow === 'restoreCluster') await approve(handle);
      else await submitThree(handle);
      const parked = await waiting(handle, 'operator');

      const answer = await update(handle, 'abort', { operator: 'bob' });
      const report = await handle.result();

      expect(parked.parked[0]?.choices).toEqual(['resume', 'abort']);
      expect(answer).toEqual({ accepted: true, message: 'Ending the run; its report says what was left as it is.' });
      expect(report.status).toBe('aborted');
      expect(report.warnings.join()).toContain(left);
      expect(report.errors.map(({ outcome }) => outcome)).toEqual(['aborted by bob']);
      expect(fakes().reports.map(({ status }) => status)).toEqual(['aborted']);
      expect(fakes().calls.some((call) => call.startsWith('end '))).toBe(true);
    },
    60_000,
  );

  it('recoverQuorum copies the survivor aside before it is changed, and sets the others aside', async () => {
    const handle = await begin('recoverQuorum');
    await approve(handle, 'b'.repeat(12));
    await submitThree(handle);
    const report = await handle.result();

    const { calls } = fakes();
    const order = [
      'stop vault-3',
      'copy aside vault-1',
      'recover peers vault-1',
      'unseal vault-1',
      'verifyFirstNode',
      'join vault-2',
    ].map((call) => calls.indexOf(call));
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((left, right) => left - right));
    expect(calls.indexOf('set aside vault-2')).toBeLessThan(calls.indexOf('recover peers vault-1'));
    expect(calls).not.toContain('set aside vault-1');
    expect(report).toMatchObject({ status: 'completed', method: 'peers', rpoSeconds: null });
  }, 60_000);

  it('removeSetAside claims each node, removes, and reports what is gone', async () => {
    const run = '01a20752-189b-7247-a8d0-708bed2469e6';
    const handle = await begin('removeSetAside', { run });
    const report = await handle.result();

    expect(report.removed.map(({ node }) => node).toSorted()).toEqual(['vault-1', 'vault-2', 'vault-3']);
    expect(fakes().calls.indexOf('claim vault-1')).toBeLessThan(fakes().calls.indexOf('remove vault-1'));
  }, 60_000);

  it('removeSetAside also reports what an attempt that was killed had removed', async () => {
    fakes().nodes['vault-2']!.removeSetAsideData = () => Promise.resolve([]);
    const handle = await begin('removeSetAside', { run: '01a20752-189b-7247-a8d0-708bed2469e6' });
    const report = await handle.result();

    expect(report.removed.toSorted((left, right) => left.node.localeCompare(right.node))).toEqual(
      ['vault-1', 'vault-2', 'vault-3'].map((node) => ({ node, path: `/old.${node}`, sizeBytes: 1 })),
    );
  }, 60_000);
});
