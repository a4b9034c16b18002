import type { WorkflowFailedError, WorkflowHandle } from '@temporalio/client';
import { DrError } from '../../src/contract/failures';
import { CONTROLLER_TASK_QUEUE, PRIORITY } from '../../src/contract/names';
import type { GatheredFacts, ReadinessReport } from '../../src/contract/readiness';
import { type FakeActivities, fakeActivities, NODES, type RunningWorkers, startWorkers } from '../support/fake-agents';
import { waitFor } from '../../src/lab/processes';
import { isEvaluationFailureSaid } from '../../src/temporal/readiness';
import { useWorkflowEnvironment } from '../support/workflow-environment';

type Evaluate = (input: unknown) => Promise<ReadinessReport | null>;

/** Fakes, for what can't be made to happen at a chosen step on real servers. */
describe('evaluateReadiness', () => {
  const environment = useWorkflowEnvironment();
  const client = () => environment().temporal.client;
  let fakes: FakeActivities;
  let facts: GatheredFacts | undefined;
  const workers: RunningWorkers[] = [];

  beforeEach(() => {
    fakes = fakeActivities();
    facts = undefined;
    const { judgeReadiness } = fakes.controller;
    fakes.controller.judgeReadiness = (input) => {
      facts = input.facts;
      return judgeReadiness(input);
    };
  });
  afterEach(async () => {
    for (const id of ['readiness-prod', 'readiness-prod-later']) {
      await client()
        .workflow.getHandle(id)
        .terminate()
        .catch(() => undefined);
    }
    await Promise.all(workers.splice(0).map((running) => running.stop()));
  });

  async function work(answering?: string[]): Promise<void> {
    const { temporal, bundle } = environment();
    workers.push(await startWorkers(temporal.nativeConnection, bundle, fakes, 'prod', answering));
  }

  const begin = (workflowId = 'readiness-prod'): Promise<WorkflowHandle<Evaluate>> =>
    client().workflow.start<Evaluate>('evaluateReadiness', {
      workflowId,
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [{ cluster: 'prod', requestedBy: 'ana' }],
    });

  it('asks all at once, changes nothing, and its steps come after those of backups', async () => {
    await work();
    const handle = await begin();
    const report = await handle.result();

    expect(report).toMatchObject({ cluster: 'prod', requestedBy: 'ana', verdict: 'yes' });
    expect(fakes.calls.toSorted()).toEqual([
      'describe vault-1',
      'describe vault-2',
      'describe vault-3',
      'judgeReadiness',
      'lookAtCluster',
      'makeCanary',
      'open canary vault-1',
      'planRestore',
      'surveyBackups',
    ]);
    expect(fakes.audit).toEqual([]);
    expect(fakes.notifications).toEqual([]);
    expect(facts).toMatchObject({ live: { problem: null }, backups: { problem: null }, canary: { opened: {} } });
    const { events } = await handle.fetchHistory();
    const priorities = (events ?? []).flatMap(
      ({ activityTaskScheduledEventAttributes: step }) => step?.priority?.priorityKey ?? [],
    );
    expect(new Set(priorities)).toEqual(new Set([PRIORITY.evaluation.priorityKey]));
    expect(PRIORITY.evaluation.priorityKey).toBeGreaterThan(PRIORITY.backup.priorityKey);
  }, 60_000);

  it('has steps that fail, and an agent that is away, as part of the result', async () => {
    const broken = () => Promise.reject(new DrError('InvalidConfiguration', 'It is broken.'));
    fakes.controller.surveyBackups = broken;
    fakes.nodes['vault-2']!.describeNode = broken;
    fakes.controller.makeCanary = () => Promise.resolve(null);
    await work(NODES.slice(0, 2));
    const report = await (await begin()).result();

    expect(facts).toMatchObject({
      backups: { result: null, problem: 'It is broken.' },
      inspections: [
        { node: 'vault-1', problem: null },
        { node: 'vault-2', report: null, problem: 'It is broken.' },
        { node: 'vault-3', report: null, problem: expect.stringContaining('Nobody picked up') as string },
      ],
    });
    expect(facts).not.toHaveProperty('canary');
    expect(report?.checks.map(({ verdict }) => verdict)).toEqual(['yes', 'no', 'no']);
  }, 240_000);

  it('notifies people when it fails, and fails all the same; the next one knows that they were notified', async () => {
    const { judgeReadiness, notify } = fakes.controller;
    // A worker keeps the steps with which it was made.
    let isBroken = true;
    let isMute = false;
    fakes.controller.judgeReadiness = (input) =>
      isBroken
        ? Promise.reject(new DrError('InvalidConfiguration', 'It is broken.', { advice: 'Repair it.' }))
        : judgeReadiness(input);
    fakes.controller.notify = (input) =>
      isMute ? Promise.reject(new DrError('InvalidConfiguration', 'Its command is gone.')) : notify(input);
    await work();
    const failed = async () =>
      (await begin()).result().then(
        () => null,
        (error: WorkflowFailedError) => error.cause,
      );
    // Temporal lists what has ended a moment later.
    const untilSaid = (expected: boolean) =>
      waitFor(
        `it is ${expected ? '' : 'not '}known to be said`,
        async () => (await isEvaluationFailureSaid(client(), 'prod')) === expected,
        { timeoutMs: 20_000 },
      );

    expect(await failed()).toMatchObject({
      type: 'InvalidConfiguration',
      message: expect.stringContaining('It is broken.') as string,
    });
    expect(fakes.notifications).toEqual([
      expect.objectContaining({
        event: 'evaluation failed',
        cluster: 'prod',
        text: "Whether 'prod' is recoverable is unknown: It is broken. Repair it.",
      }),
    ]);
    await untilSaid(true);

    isMute = true;
    expect(await failed()).toMatchObject({ type: 'InvalidConfiguration' });
    await untilSaid(false);

    isMute = false;
    await failed();
    await untilSaid(true);
    isBroken = false;
    await (await begin()).result();
    await untilSaid(false);
  }, 120_000);

  it('never overlaps itself: one under another id runs under its own, or not at all', async () => {
    await work();
    const scheduled = await begin('readiness-prod-later');
    await expect(scheduled.result()).resolves.toMatchObject({ verdict: 'yes' });
    const own = client().workflow.getHandle<Evaluate>('readiness-prod');
    await expect(own.result()).resolves.toMatchObject({ verdict: 'yes', requestedBy: 'ana' });

    let goOn = () => {};
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const { lookAtCluster } = fakes.controller;
    fakes.controller.lookAtCluster = async (input) => {
      await held;
      return lookAtCluster(input);
    };
    const running = await begin();
    await expect((await begin('readiness-prod-later')).result()).resolves.toBeNull();
    goOn();
    await expect(running.result()).resolves.toMatchObject({ verdict: 'yes' });
  }, 120_000);

  it('continues where it was when its controller has died', async () => {
    let asked = 0;
    let goOn = () => {};
    const held = new Promise<never>((_resolve, reject) => (goOn = () => reject(new Error('It was killed.'))));
    held.catch(() => undefined);
    const { lookAtCluster } = fakes.controller;
    // Whoever takes the step up first is not heard of again.
    fakes.controller.lookAtCluster = (input) => (asked++ === 0 ? held : lookAtCluster(input));
    await work();

    await expect((await begin()).result()).resolves.toMatchObject({ verdict: 'yes' });
    expect(asked).toBe(2);
    expect(fakes.calls.filter((call) => call === 'surveyBackups')).toHaveLength(1);
    goOn();
  }, 120_000);
});
