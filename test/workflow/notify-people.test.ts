import { ApplicationFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import { dedupKey, deliveryWorkflowId, type Notification } from '../../src/contract/notification';
import { CONTROLLER_TASK_QUEUE } from '../../src/contract/names';
import { waitFor } from '../../src/lab/processes';
import { useRecoveries } from '../support/workflow-driver';

const CHANNELS = ['mail', 'ops', 'pager'];

type Delivered = Notification & { channel: string };
type Outcome = { failed: { channel: string; problem: string }[] };

/** Fakes, because a channel has to fail, to hang and to be killed at a chosen moment. */
describe('notifyPeople', () => {
  const { fakes, client, work, begin, approve, submitThree } = useRecoveries();
  let delivered: Delivered[];
  let attempts: Delivered[];
  /** What becomes of an attempt; by default it succeeds. */
  let onDelivery: (attempt: Delivered) => Promise<void>;
  const started = new Set<string>();

  beforeEach(() => {
    delivered = [];
    attempts = [];
    onDelivery = () => Promise.resolve();
    fakes().controller.notify = (notification) => {
      fakes().notifications.push(notification);
      return Promise.resolve(CHANNELS);
    };
    fakes().controller.deliver = async ({ channel, notification }) => {
      const attempt = { channel, ...notification };
      attempts.push(attempt);
      await onDelivery(attempt);
      delivered.push(attempt);
    };
  });
  afterEach(async () => {
    for (const id of started) {
      await client()
        .workflow.getHandle(id)
        .terminate()
        .catch(() => undefined);
    }
    started.clear();
  });

  const eventually = (what: string, test: () => boolean) =>
    waitFor(what, () => Promise.resolve(test() ? true : null), { timeoutMs: 45_000, everyMs: 50 });
  /** Until the attempt is cancelled, or its worker stops. */
  const hang = () => Context.current().cancelled;
  const told = (event: Notification['event'], channel?: string) =>
    delivered.filter((item) => item.event === event && (channel === undefined || item.channel === channel));
  const outcomeOf = (id: string) => {
    const workflowId = deliveryWorkflowId('prod', id);
    started.add(workflowId);
    return client().workflow.getHandle(workflowId).result() as Promise<Outcome>;
  };

  async function failingBackup(): Promise<{ run: string; result: Promise<unknown> }> {
    fakes().controller.checkHealth = () =>
      Promise.reject(ApplicationFailure.nonRetryable('No leader.', 'ClusterUnhealthy'));
    const handle = await startBackup();
    return { run: handle.firstExecutionRunId, result: handle.result() };
  }

  async function startBackup() {
    await work();
    started.add('backup-prod');
    return client().workflow.start('backUpCluster', {
      workflowId: 'backup-prod',
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [{ cluster: 'prod' }],
    });
  }

  it('delivers after the run has ended: no channel holds it up', async () => {
    onDelivery = ({ channel }) => (channel === 'ops' ? hang() : Promise.resolve());
    const { run, result } = await failingBackup();

    await expect(result).rejects.toMatchObject({ cause: { message: expect.stringContaining('No leader.') as string } });
    await eventually('the others have it', () => told('backup failed').length === 2);
    expect(told('backup failed', 'ops')).toEqual([]);
    const delivery = client().workflow.getHandle(deliveryWorkflowId('prod', `${run}/backup failed`));
    await expect(delivery.describe()).resolves.toMatchObject({ status: { name: 'RUNNING' } });
    await delivery.cancel();
    await expect(delivery.result()).rejects.toThrow('cancelled');
    expect(told('channel failed')).toEqual([]);
  }, 90_000);

  it('tries again, and says the same under the same id', async () => {
    let failures = 2;
    onDelivery = ({ channel }) =>
      channel === 'ops' && failures-- > 0 ? Promise.reject(new Error('It was killed.')) : Promise.resolve();
    const { run, result } = await failingBackup();
    await result.catch(() => undefined);

    await expect(outcomeOf(`${run}/backup failed`)).resolves.toEqual({ failed: [] });
    const ofOps = attempts.filter(({ channel }) => channel === 'ops');
    expect(ofOps).toHaveLength(3);
    expect(new Set(ofOps.map((item) => JSON.stringify(item))).size).toBe(1);
    expect(told('channel failed')).toEqual([]);
  }, 90_000);

  it('says through the others that a channel fails, once, and not through that one', async () => {
    onDelivery = ({ channel }) =>
      channel === 'mail'
        ? Promise.reject(ApplicationFailure.nonRetryable('it answered with 404.', 'Internal'))
        : Promise.resolve();
    const { run, result } = await failingBackup();
    await result.catch(() => undefined);

    await expect(outcomeOf(`${run}/backup failed`)).resolves.toEqual({
      failed: [{ channel: 'mail', problem: 'it answered with 404.' }],
    });
    expect(
      told('channel failed')
        .map(({ channel }) => channel)
        .toSorted(),
    ).toEqual(['ops', 'pager']);
    expect(told('channel failed')[0]).toMatchObject({
      id: `${run}/backup failed/channels`,
      text: expect.stringMatching(
        /^channel mail could not be notified: it answered with 404\. What it was to say \(backup failed\): The backup of prod failed/,
      ) as string,
    });
  }, 90_000);

  it('tries a channel for hours that fails for minutes, and the others know by then', async () => {
    let isUp = false;
    onDelivery = ({ channel, event }) => {
      if (event === 'channel failed' && channel === 'pager') isUp = true;
      if (channel !== 'mail' || isUp) return Promise.resolve();
      // There is no time for another attempt within the first minutes; in the hours after them there is.
      const nextRetryDelay = attempts.filter((item) => item.channel === 'mail').length === 1 ? '6 minutes' : '1 second';
      return Promise.reject(ApplicationFailure.create({ message: 'it refuses connections.', nextRetryDelay }));
    };
    const { run, result } = await failingBackup();
    await result.catch(() => undefined);

    await expect(outcomeOf(`${run}/backup failed`)).resolves.toEqual({ failed: [] });
    expect(told('backup failed', 'mail')).toHaveLength(1);
    expect(told('channel failed', 'ops')).toMatchObject([
      { text: expect.stringContaining('it refuses connections. It is tried for another 2 hours.') as string },
    ]);
  }, 90_000);

  it('says that all is well only where somebody wants to hear it', async () => {
    const { planBackup, captureSnapshot } = fakes().controller;
    let isTold = false;
    fakes().controller.planBackup = async (input) => ({ ...(await planBackup(input)), ...(isTold ? { isTold } : {}) });
    fakes().controller.captureSnapshot = async (input) => {
      if (isTold) await eventually('its start is said', () => told('backup started').length === 3);
      return captureSnapshot(input);
    };
    await startBackup().then((handle) => handle.result());
    expect(fakes().notifications).toEqual([]);

    isTold = true;
    const handle = await startBackup();
    await handle.result();
    await outcomeOf(`${handle.firstExecutionRunId}/backup succeeded`);
    expect(told('backup succeeded').map(dedupKey)).toEqual(Array(3).fill('vault-dr/prod/backup'));
  }, 90_000);

  it('ends an alert when nobody is waited for any more, after the last word of what opened it', async () => {
    onDelivery = ({ channel, event }) =>
      channel === 'pager' && event === 'approval wanted' ? hang() : Promise.resolve();
    const handle = await begin();
    await eventually('the pager is tried', () =>
      attempts.some(({ channel, event }) => channel === 'pager' && event === 'approval wanted'),
    );
    await approve(handle);
    await submitThree(handle);
    await expect(handle.result()).resolves.toMatchObject({
      status: 'completed',
      warnings: expect.any(Array) as string[],
    });
    await eventually('the pager hears of the end', () => told('wait over', 'pager').length >= 2);

    expect(told('approval wanted', 'pager')).toEqual([]);
    const [approval, shares] = ['approval wanted', 'shares wanted'].map((event) =>
      delivered.find((item) => item.event === event && item.channel === 'ops'),
    ) as [Delivered, Delivered];
    const over = told('wait over', 'ops').map(dedupKey);
    expect(over.toSorted()).toEqual([dedupKey(approval), dedupKey(shares)].toSorted());
    expect(over[0]).not.toBe(over[1]);
  }, 120_000);

  it('says nothing of the end of a wait of which no channel has said anything', async () => {
    fakes().controller.notify = (notification) => {
      fakes().notifications.push(notification);
      return Promise.resolve(undefined);
    };
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    await handle.result();

    expect(fakes().notifications.map(({ event }) => event)).toEqual(['approval wanted', 'shares wanted', 'restored']);
    expect(attempts).toEqual([]);
  }, 90_000);

  it('tells of an evaluation what its step says, and leaves that out of the result', async () => {
    const { judgeReadiness } = fakes().controller;
    fakes().controller.judgeReadiness = async (input) => ({
      ...(await judgeReadiness(input)),
      verdict: 'no',
      tell: ['not ready'],
    });
    await work();
    started.add('readiness-prod');
    const handle = await client().workflow.start('evaluateReadiness', {
      workflowId: 'readiness-prod',
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [{ cluster: 'prod', requestedBy: 'ana' }],
    });
    const report: unknown = await handle.result();

    expect(report).not.toHaveProperty('tell');
    await outcomeOf(`${handle.firstExecutionRunId}/not ready`);
    expect(told('not ready').map(dedupKey)).toEqual(Array(3).fill('vault-dr/prod/readiness'));
    expect(told('not ready')[0]?.text).toContain('vault-dr ready --cluster prod --last');
  }, 90_000);

  it('tells that the break-glass kit has changed, and what of it, beside the verdict', async () => {
    const kit = { sha256: 'ab'.repeat(32), parts: { holders: 'cd'.repeat(32) } };
    const { judgeReadiness } = fakes().controller;
    fakes().controller.judgeReadiness = async (input) => ({
      ...(await judgeReadiness(input)),
      kit,
      kitChanged: ['holders', 'repositories'],
    });
    await work();
    started.add('readiness-prod');
    const handle = await client().workflow.start('evaluateReadiness', {
      workflowId: 'readiness-prod',
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [{ cluster: 'prod', requestedBy: 'ana' }],
    });
    const report: unknown = await handle.result();

    expect(report).toMatchObject({ verdict: 'yes', kit });
    expect(report).not.toHaveProperty('kitChanged');
    await outcomeOf(`${handle.firstExecutionRunId}/kit changed`);
    expect(told('kit changed')[0]?.text).toBe(
      'The break-glass kit of prod has changed: who holds shares, where the backups lie. Print it again, and replace every copy: vault-dr kit --cluster prod --directory DIRECTORY. The new ones have the code abababababab.',
    );
  }, 90_000);
});
