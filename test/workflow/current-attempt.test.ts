import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { CONTROLLER_TASK_QUEUE } from '../../src/contract/names';
import { confirmAttempt } from '../../src/temporal/current-attempt';
import { type FakeActivities, fakeActivities, type RunningWorkers, startWorkers } from '../support/fake-agents';
import { useWorkflowEnvironment } from '../support/workflow-environment';

/** What a step is reported that asks whether it is still wanted; on a real Temporal server. */
describe('confirmAttempt', () => {
  const environment = useWorkflowEnvironment();
  let fakes: FakeActivities;
  let workers: RunningWorkers | undefined;

  beforeEach(() => {
    fakes = fakeActivities();
  });
  afterEach(async () => {
    await workers?.stop();
    workers = undefined;
  });

  it('lets an attempt continue while its run waits for it, and refuses it when the run was terminated', async () => {
    const { client } = environment().temporal;
    const handle = () => client.workflow.getHandle('backup-asks');
    const { asked, answered } = askInside(async () => {
      const before = await outcomeOf(confirmAttempt(client, 'vault-1'));
      await handle().terminate();
      return [before, await outcomeOf(confirmAttempt(client, 'vault-1'))];
    });

    await begin();

    expect(await answered).toEqual(['wanted', 'NodeFenced']);
    expect(asked()).toBe(1);
  });

  it('refuses an attempt that runs on after the next one was scheduled', async () => {
    const { client } = environment().temporal;
    let late: Promise<string> | undefined;
    const { answered } = askInside(async () => {
      if (Context.current().info.attempt === 1) {
        late = sleep(3_000).then(() => outcomeOf(confirmAttempt(client, 'vault-1')));
        throw new Error('given up');
      }
      return [await (late as Promise<string>), await outcomeOf(confirmAttempt(client, 'vault-1'))];
    });

    const handle = await begin();

    expect(await answered).toEqual(['NodeFenced', 'wanted']);
    await handle.terminate();
  });

  /** Lets one activity of a backup ask; the first one that takes a while will do. */
  function askInside(ask: () => Promise<string[]>) {
    let count = 0;
    const { captureSnapshot } = fakes.controller;
    const answered = new Promise<string[]>((resolve) => {
      fakes.controller.captureSnapshot = async (input) => {
        count++;
        resolve(await ask());
        return captureSnapshot(input);
      };
    });
    return { asked: () => count, answered };
  }

  async function begin() {
    workers = await startWorkers(environment().temporal.nativeConnection, environment().bundle, fakes, 'prod');
    return environment().temporal.client.workflow.start('backUpCluster', {
      workflowId: 'backup-asks',
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [{ cluster: 'prod' }],
    });
  }

  async function outcomeOf(work: Promise<unknown>): Promise<string> {
    return work.then(
      () => 'wanted',
      (error: { code: string }) => error.code,
    );
  }
});
