import type { WorkflowHandle } from '@temporalio/client';
import type { GuardInput, Serving } from '../../src/contract/guard';
import { CONTROLLER_TASK_QUEUE } from '../../src/contract/names';
import { type FakeActivities, fakeActivities, type RunningWorkers, startWorkers } from '../support/fake-agents';
import { useWorkflowEnvironment } from '../support/workflow-environment';

type Guard = (input: GuardInput) => Promise<Serving>;

const INPUT: GuardInput = {
  cluster: 'prod',
  requestedBy: 'ana',
  wanted: { clusterId: null, version: null, raftIndex: null, voters: [], canary: null },
  withinSeconds: 30,
  settleSeconds: 0,
};
const CHANGE = {
  program: 'helm',
  backup: '20261128T040000Z-000000001234-0a1b2c3d',
  exitCode: null,
  signal: null,
};

/** Fakes, for what can't be made to happen at a chosen step on real servers. */
describe('guardChange', () => {
  const environment = useWorkflowEnvironment();
  let fakes: FakeActivities;
  let missing: readonly string[];
  let workers: RunningWorkers;

  beforeEach(async () => {
    fakes = fakeActivities();
    missing = [];
    const { watchServing } = fakes.controller;
    fakes.controller.watchServing = async (input) => ({ ...(await watchServing(input)), gaps: [...missing] });
    const { temporal, bundle } = environment();
    workers = await startWorkers(temporal.nativeConnection, bundle, fakes, 'prod');
  });
  afterEach(() => workers.stop());

  const begin = (input: GuardInput, workflowId = 'guard-prod'): Promise<WorkflowHandle<Guard>> =>
    environment().temporal.client.workflow.start<Guard>('guardChange', {
      workflowId,
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [input],
    });

  it('only looks where no change is named', async () => {
    const serving = await (await begin(INPUT)).result();

    expect(serving).toMatchObject({ gaps: [] });
    expect(fakes.calls).toEqual(['watchServing']);
    expect(fakes.audit).toEqual([]);
  }, 60_000);

  it.each([
    ['begins', [], 'guard.begins', 'info'],
    ['begins', ['no node leads'], 'guard.refused', 'info'],
    ['ended', [], 'guard.passed', 'success'],
    ['ended', ['no node leads'], 'guard.failed', 'failure'],
    ['not started', ['no node leads'], 'guard.not-started', 'info'],
  ] as const)(
    'has recorded that a change %s, with %j missing',
    async (stage, gaps, action, outcome) => {
      missing = gaps;
      const handle = await begin({ ...INPUT, change: { ...CHANGE, stage } });
      const serving = await handle.result();

      expect(serving.gaps).toEqual(gaps);
      expect(fakes.audit).toMatchObject([{ actor: 'ana', action, outcome, details: { ...CHANGE, gaps } }]);
    },
    60_000,
  );

  it('runs under its own id alone', async () => {
    const handle = await begin(INPUT, 'guard-prod-2');

    await expect(handle.result()).rejects.toThrow('Workflow execution failed');
    expect(fakes.calls).toEqual([]);
  }, 60_000);
});
