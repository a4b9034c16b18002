import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { bundleWorkflowCode, Worker, type WorkerOptions } from '@temporalio/worker';
import { waitFor } from '../../src/lab/processes';
import { QUIET, useWorkflowEnvironment } from '../support/workflow-environment';

/** How often a step is asked for, whose time is over; on a real Temporal server, with a step that fails on demand. */
describe('a step whose time is over', () => {
  const environment = useWorkflowEnvironment();
  const running: (() => Promise<void>)[] = [];
  let bundle: { code: string };

  beforeAll(async () => {
    const workflowsPath = require.resolve('../support/patient-workflow');
    bundle = await bundleWorkflowCode({ workflowsPath, logger: QUIET });
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((stop) => stop()));
  });

  it('is asked for once more, where nobody had picked it up', async () => {
    await controller();
    const handle = await begin();
    // Made before: it is waited for no longer the second time.
    const worker = await Worker.create(agentOptions(() => Promise.resolve('here')));
    await waitFor('it is asked for again', async () => (await asked(handle)) > 1, { timeoutMs: 30_000, everyMs: 20 });
    start(worker);

    expect(await handle.result()).toBe('here');
    expect(await asked(handle)).toBe(2);
  });

  it('is said to have no answer, where nobody picked it up then either', async () => {
    await controller();
    const handle = await begin();

    expect(await problemOf(handle)).toMatchObject({ timeoutType: 'SCHEDULE_TO_START' });
    expect(await asked(handle)).toBe(2);
  });

  it('is asked for once more, where all attempts fell silent', async () => {
    await controller();
    const handle = await begin();
    await agent(() => (isFirst() ? sleep(5_000, 'too late') : Promise.resolve('here')));

    expect(await handle.result()).toBe('here');
    expect(await asked(handle)).toBe(2);
  });

  it('is not asked for again, where it was answered', async () => {
    await controller();
    const handle = await begin();
    await agent(() => Promise.reject(new Error('the disk is full')));

    await problemOf(handle);
    expect(await asked(handle)).toBe(1);
  });

  it('is asked for again, however it was answered, where an outage ate its time', async () => {
    const stop = await controller();
    const handle = await begin();
    let tries = 0;
    await agent(() => {
      tries++;
      return isFirst() ? Promise.reject(new Error('not yet')) : Promise.resolve('here');
    });
    await waitFor('it is tried', () => Promise.resolve(tries > 0), { timeoutMs: 30_000, everyMs: 20 });
    // Nobody is there who hears that the time is over; it is the same with a Temporal that is away.
    await stop();
    await sleep(15_000);
    await controller();

    expect(await handle.result()).toBe('here');
    expect(await asked(handle)).toBe(2);
  }, 60_000);

  const controller = () => run({ taskQueue: 'patient', workflowBundle: bundle });
  const agent = (answer: () => Promise<string>) => run(agentOptions(answer));
  const agentOptions = (answer: () => Promise<string>): WorkerOptions => ({
    connection: environment().temporal.nativeConnection,
    taskQueue: 'patient-step',
    activities: { answer },
  });
  /** Whether a step runs because it was asked for the first time, by whichever attempt. */
  const isFirst = () => activityInfo().activityId === '1';

  async function run(options: WorkerOptions): Promise<() => Promise<void>> {
    return start(await Worker.create({ connection: environment().temporal.nativeConnection, ...options }));
  }

  function start(worker: Worker): () => Promise<void> {
    const ended = worker.run();
    const stop = async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended;
    };
    running.push(stop);
    return stop;
  }

  function begin(): Promise<WorkflowHandle<() => Promise<string>>> {
    const { workflow } = environment().temporal.client;
    return workflow.start<() => Promise<string>>('askOneStep', {
      taskQueue: 'patient',
      workflowId: `patient-${Date.now()}`,
      workflowTaskTimeout: '1s',
    });
  }

  async function problemOf(handle: WorkflowHandle): Promise<unknown> {
    const failure = (await handle.result().catch((error: unknown) => error)) as { cause: { cause: unknown } };
    return failure.cause.cause;
  }

  async function asked(handle: WorkflowHandle): Promise<number> {
    const { events } = await handle.fetchHistory();
    return (events ?? []).filter((event) => event.activityTaskScheduledEventAttributes).length;
  }
});
