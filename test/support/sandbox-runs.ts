import type { WorkflowHandle } from '@temporalio/client';
import { CONTROLLER_TASK_QUEUE, PROGRESS_QUERY, type WORKFLOW } from '../../src/contract/names';
import type { SandboxProgress } from '../../src/contract/drill';
import type { Answer } from '../../src/contract/update-answers';
import { waitFor } from '../../src/lab/processes';
import { type FakeActivities, fakeActivities, type RunningWorkers, startSandbox, startWorkers } from './fake-agents';
import { useWorkflowEnvironment } from './workflow-environment';

/**
 * As `useRecoveries`, for a run in a sandbox of the cluster prod.
 * @param asked besides the cluster and who asks
 */
export function useSandboxRuns<P extends SandboxProgress, R>(
  workflow: keyof typeof WORKFLOW,
  workflowId: string,
  asked: object = {},
) {
  type Handle = WorkflowHandle<(input: unknown) => Promise<R>>;
  const environment = useWorkflowEnvironment();
  const workers: RunningWorkers[] = [];
  let fakes: FakeActivities;

  beforeEach(() => {
    fakes = fakeActivities();
  });
  afterEach(async () => {
    await environment()
      .temporal.client.workflow.getHandle(workflowId)
      .terminate()
      .catch(() => undefined);
    await stopAll();
  });

  const stopAll = () => Promise.all(workers.splice(0).map((running) => running.stop()));
  const connection = () => environment().temporal.nativeConnection;
  const controller = () => startWorkers(connection(), environment().bundle, fakes, 'prod', []);

  async function host(name: string): Promise<RunningWorkers> {
    const running = await startSandbox(connection(), fakes, name);
    workers.push(running);
    return running;
  }

  async function begin(input: object = {}, hosts = ['sandbox-1']): Promise<Handle> {
    workers.push(await controller());
    for (const name of hosts) await host(name);
    return environment().temporal.client.workflow.start<(input: unknown) => Promise<R>>(workflow, {
      workflowId,
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [{ cluster: 'prod', requestedBy: 'ana', ...asked, ...input }],
    });
  }

  const until = (handle: Handle, what: string, test: (progress: P) => boolean) =>
    waitFor(
      what,
      async () => {
        const progress = await handle.query<P>(PROGRESS_QUERY);
        return test(progress) ? progress : null;
      },
      { timeoutMs: 60_000, everyMs: 50 },
    );

  const send = (handle: Handle, name: string, input: object) =>
    handle.executeUpdate<Answer, [object]>(name, { args: [input] });

  async function submit(handle: Handle, ...numbers: number[]): Promise<Answer[]> {
    await until(handle, 'shares are taken', ({ shares }) => shares !== null);
    const answers: Answer[] = [];
    for (const number of numbers) {
      const body = Buffer.from(`age-encryption.org/v1 share-${number}`).toString('base64');
      const share = `-----BEGIN AGE ENCRYPTED FILE-----\n${body}\n-----END AGE ENCRYPTED FILE-----\n`;
      answers.push(await send(handle, 'submitShare', { holder: `holder-${number}`, share }));
    }
    return answers;
  }

  /** For another run in the same test. */
  async function startOver(): Promise<void> {
    await stopAll();
    fakes = fakeActivities();
  }

  const sandbox = (name = 'sandbox-1') => fakes.sandboxes[name]!;

  return { fakes: () => fakes, sandbox, workers, controller, host, begin, startOver, until, send, submit };
}
