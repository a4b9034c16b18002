import { readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { Worker } from '@temporalio/worker';
import { CONTROLLER_TASK_QUEUE } from '../../src/contract/names';
import { ownIdentity } from '../../src/files/process-identity';
import { patient, waitFor } from '../../src/lab/processes';
import { HeartbeatInterceptor } from '../../src/temporal/heartbeat-interceptor';
import {
  AttemptNoter,
  type AttemptNotes,
  failAttemptsOfTheDead,
  openAttemptNotes,
} from '../../src/temporal/open-attempts';
import { fakeActivities } from '../support/fake-agents';
import { useDirectory } from '../support/temporary';
import { useWorkflowEnvironment } from '../support/workflow-environment';

/** On a real Temporal server. The worker lives in this process, so a note is given the name of a dead one by hand. */
describe('a step whose worker died', () => {
  const environment = useWorkflowEnvironment();
  const directory = useDirectory();
  let worker: Worker;
  let running: Promise<void>;
  let notes: AttemptNotes;
  let attempts: number[];
  let release: () => void;

  beforeEach(async () => {
    notes = (await openAttemptNotes(directory()))!;
    const fakes = fakeActivities();
    const { captureSnapshot } = fakes.controller;
    attempts = [];
    const held = new Promise<void>((resolve) => (release = resolve));
    fakes.controller.captureSnapshot = async (input) => {
      attempts.push(Context.current().info.attempt);
      if (attempts.length === 1) await held;
      return captureSnapshot(input);
    };
    worker = await Worker.create({
      connection: environment().temporal.nativeConnection,
      taskQueue: CONTROLLER_TASK_QUEUE,
      workflowBundle: environment().bundle,
      activities: fakes.controller,
      // It sends heartbeats all the while, so that nothing else can be why it is tried again.
      interceptors: {
        activity: [() => ({ inbound: new HeartbeatInterceptor() }), () => ({ inbound: new AttemptNoter(notes) })],
      },
    });
    running = worker.run();
  });
  afterEach(async () => {
    release();
    worker.shutdown();
    await running;
  });

  it('is tried again as soon as a worker is there again, and one whose worker lives is left alone', async () => {
    const { client } = environment().temporal;
    const { workflow } = client;
    const handle = await workflow.start('backUpCluster', {
      workflowId: 'backup-dies',
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [{ cluster: 'prod' }],
    });
    await waitFor('the first attempt has begun', async () => attempts.length === 1, { timeoutMs: 20_000 });
    const [note = ''] = await readdir(notes.directory);
    const { mode } = await stat(join(notes.directory, note));

    expect(await failAttemptsOfTheDead(client, notes, 'the controller')).toBe(0);
    const predecessor = (await ownIdentity())!.replace(/[^-]+$/, '1');
    await rename(join(notes.directory, note), join(notes.directory, `${predecessor}.note`));
    const began = Date.now();
    expect(await failAttemptsOfTheDead(client, notes, 'the controller')).toBe(1);
    await waitFor('the second attempt has begun', async () => attempts.length === 2, {
      timeoutMs: 20_000,
      everyMs: 20,
    });

    expect(Date.now() - began).toBeLessThan(patient(4_000));
    expect(attempts).toEqual([1, 2]);
    expect(mode & 0o077).toBe(0);
    await handle.result();
    expect(await readdir(notes.directory)).toEqual([]);
  }, 60_000);

  it('of a run that is over is forgotten', async () => {
    const { client } = environment().temporal;
    const handle = await client.workflow.start('backUpCluster', {
      workflowId: 'backup-terminated',
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [{ cluster: 'prod' }],
    });
    await waitFor('the first attempt has begun', async () => attempts.length === 1, { timeoutMs: 20_000 });
    const [note = ''] = await readdir(notes.directory);
    const predecessor = (await ownIdentity())!.replace(/[^-]+$/, '1');
    await rename(join(notes.directory, note), join(notes.directory, `${predecessor}.note`));
    await handle.terminate();

    expect(await failAttemptsOfTheDead(client, notes, 'the controller')).toBe(0);
    expect(await readdir(notes.directory)).toEqual([]);
  }, 60_000);
});
