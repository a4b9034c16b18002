import type { Client, WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { CONTROLLER_TASK_QUEUE, PROGRESS_QUERY, type WORKFLOW } from '../../src/contract/names';
import type { RecoveryProgress, RecoveryReport } from '../../src/contract/recovery';
import type { Answer } from '../../src/contract/update-answers';
import { waitFor } from '../../src/lab/processes';
import { type FakeActivities, fakeActivities, type RunningWorkers, startWorkers } from './fake-agents';
import { useWorkflowEnvironment } from './workflow-environment';

export type Handle = WorkflowHandle<(input: unknown) => Promise<RecoveryReport>>;

/** One Temporal server for the file; new activities, and workers for them, for each test. */
export function useRecoveries() {
  const environment = useWorkflowEnvironment();
  let fakes: FakeActivities;
  let workers: RunningWorkers | undefined;
  const client = (): Client => environment().temporal.client;

  beforeEach(() => {
    fakes = fakeActivities();
  });
  afterEach(async () => {
    await client()
      .workflow.getHandle('restore-prod')
      .terminate()
      .catch(() => undefined);
    await workers?.stop();
    workers = undefined;
  });

  /** Workers for whatever is started. */
  async function work(answering?: string[]): Promise<void> {
    const { temporal, bundle } = environment();
    workers ??= await startWorkers(temporal.nativeConnection, bundle, fakes, 'prod', answering);
  }

  async function begin(
    workflow: keyof typeof WORKFLOW = 'restoreCluster',
    input: object = {},
    answering?: string[],
  ): Promise<Handle> {
    await work(answering);
    return client().workflow.start<(input: unknown) => Promise<RecoveryReport>>(workflow, {
      workflowId: 'restore-prod',
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [{ cluster: 'prod', requestedBy: 'ana', ...input }],
    });
  }

  const inspection = (handle: Handle) => handle.query<RecoveryProgress>(PROGRESS_QUERY);

  async function until(
    handle: Handle,
    what: string,
    test: (progress: RecoveryProgress) => boolean,
    timeoutMs = 45_000,
    everyMs = 30,
  ) {
    return waitFor(
      what,
      async () => {
        const progress = await inspection(handle);
        return test(progress) ? progress : null;
      },
      { timeoutMs, everyMs },
    ) as Promise<RecoveryProgress>;
  }

  const waiting = (handle: Handle, what: RecoveryProgress['waitingFor']) =>
    until(handle, `it waits for ${what}`, (now) => now.waitingFor === what);

  const update = (handle: Handle, name: string, input: object) =>
    handle.executeUpdate<Answer, [object]>(name, { args: [input] });

  async function approve(handle: Handle, planHash = 'a'.repeat(12)): Promise<void> {
    await waiting(handle, 'approval');
    await update(handle, 'approve', { approver: 'bob', planHash });
  }

  function submit(handle: Handle, holder: string, number: number): Promise<Answer> {
    const body = Buffer.from(`age-encryption.org/v1 share-${number}`).toString('base64');
    const share = `-----BEGIN AGE ENCRYPTED FILE-----\n${body}\n-----END AGE ENCRYPTED FILE-----\n`;
    return update(handle, 'submitShare', { holder, share });
  }

  async function submitThree(handle: Handle): Promise<void> {
    await until(handle, 'shares are taken', (now) => now.shares !== null, 60_000);
    for (const number of [1, 2, 3]) await submit(handle, `holder-${number}`, number);
  }

  return {
    environment,
    client,
    fakes: () => fakes,
    work,
    begin,
    inspection,
    until,
    waiting,
    update,
    approve,
    submit,
    submitThree,
  };
}

/** A step that can't succeed until somebody fixes something. */
export function refusal(type: string, message: string, advice: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true, details: [{ advice, where: null }] });
}

/** Each of these was called, and for the first time after the one before it. */
export function expectInOrder(calls: readonly string[], sequence: readonly string[]): void {
  const at = sequence.map((call) => calls.indexOf(call));
  expect(at).not.toContain(-1);
  expect(at).toEqual(at.toSorted((left, right) => left - right));
}
