import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from '@temporalio/worker';
import { CONTROLLER_TASK_QUEUE } from '../../src/contract/names';
import { waitFor } from '../../src/lab/processes';
import { BackupTurnInterceptor, endFinishedBackups } from '../../src/temporal/backup-turn-interceptor';
import { Turns } from '../../src/temporal/turns';
import { startBackup } from '../../src/temporal/runs';
import { fakeActivities } from '../support/fake-agents';
import { useWorkflowEnvironment } from '../support/workflow-environment';

const CLUSTERS = Array.from({ length: 10 }, (_, index) => `cluster-${index}`);

/** Real Temporal; fakes because captures must last as long as the test wants. */
describe('backups of many clusters that are due at once', () => {
  const environment = useWorkflowEnvironment();
  const over = new AbortController();
  let worker: Worker;
  let running: Promise<void>;
  let turns: Turns;
  let capturing: Set<string>;
  let most: number;
  /** Those captures end. */
  let gate: Promise<void>;
  let open: () => void;

  beforeEach(async () => {
    const { temporal, bundle } = environment();
    const fakes = fakeActivities();
    [capturing, most] = [new Set(), 0];
    gate = new Promise((resolve) => (open = resolve));
    turns = new Turns(2);
    const { planBackup, captureSnapshot } = fakes.controller;
    fakes.controller.planBackup = async (input) => ({
      ...(await planBackup(input)),
      cluster: input.cluster,
      configNodes: [],
    });
    fakes.controller.captureSnapshot = async (input) => {
      capturing.add(input.plan.cluster);
      most = Math.max(most, capturing.size);
      await gate;
      await sleep(50);
      capturing.delete(input.plan.cluster);
      return captureSnapshot(input);
    };
    worker = await Worker.create({
      connection: temporal.nativeConnection,
      taskQueue: CONTROLLER_TASK_QUEUE,
      workflowBundle: bundle,
      activities: fakes.controller,
      interceptors: { activity: [() => ({ inbound: new BackupTurnInterceptor(turns) })] },
      maxHeartbeatThrottleInterval: '2s',
    });
    running = worker.run();
    void endFinishedBackups(() => temporal.client, turns, over.signal);
  });
  afterEach(async () => {
    open();
    worker.shutdown();
    await running;
  });
  afterAll(() => over.abort());

  it('are made two at a time, and each is made', async () => {
    const handles = await Promise.all(CLUSTERS.map((cluster) => startBackup(environment().temporal.client, cluster)));
    await waitFor(
      'two capture, and the others wait',
      () => Promise.resolve(capturing.size === 2 && turns.waiting === 8),
      {
        timeoutMs: 60_000,
      },
    );

    open();
    const results = await Promise.all(handles.map((handle) => handle.result()));

    expect(results).toHaveLength(10);
    expect(most).toBe(2);
    expect(turns.waiting).toBe(0);
  }, 180_000);

  it('wait for none that was terminated', async () => {
    const { client } = environment().temporal;
    const [first, second] = [await startBackup(client, 'stuck-1'), await startBackup(client, 'stuck-2')];
    await waitFor('both capture', () => Promise.resolve(capturing.size === 2), { timeoutMs: 60_000 });
    const waits = await startBackup(client, 'waits');
    await waitFor('the third waits', () => Promise.resolve(turns.waiting === 1), { timeoutMs: 60_000 });

    await first.terminate('stuck');
    await waitFor('the third captures in its place', () => Promise.resolve(capturing.has('waits')), {
      timeoutMs: 60_000,
    });

    open();
    await expect(Promise.all([second.result(), waits.result()])).resolves.toHaveLength(2);
  }, 180_000);
});
