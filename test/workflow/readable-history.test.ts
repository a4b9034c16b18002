import { defaultPayloadConverter } from '@temporalio/common';
import { bundleWorkflowCode, Worker } from '@temporalio/worker';
import { PRIORITY } from '../../src/contract/names';
import { useRecoveries } from '../support/workflow-driver';
import { QUIET } from '../support/workflow-environment';

/** What the list of events in the Web UI, and `temporal workflow show`, have to say; as a real server keeps it. */
describe('the history of a run', () => {
  const { environment, client, begin, approve, submitThree } = useRecoveries();

  it('says of each step and timer what it is about, and gives each step its priority', async () => {
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    await handle.result();

    const { steps, timers, quick } = await historyOf('restore-prod');

    expect(steps.map(({ summary }) => summary)).toEqual(
      expect.arrayContaining([
        'inspect vault-2',
        'choose and verify a backup (latest)',
        'stop vault-2',
        'set the data of vault-3 aside',
        'install the snapshot on vault-1',
        'join vault-3 to the cluster',
        'unseal vault-2 with 3 shares',
        expect.stringMatching(/^audit: .*approve by bob/),
        'notify: approval wanted',
      ]),
    );
    expect(steps.filter(({ summary }) => summary === null)).toEqual([]);
    expect(quick).toEqual(expect.arrayContaining(['read the configuration of prod', 'plan the restore of prod']));
    expect(timers).toContain('waiting for approval; then remind people');
    expect(new Set(steps.map(({ priority }) => priority))).toEqual(new Set([PRIORITY.recovery.priorityKey]));
  }, 60_000);

  it.each([
    ['wide', '\u{20000}'],
    ['quoted', '"\\'],
    ['plain', 'x'],
  ])(
    'keeps the longest summary that there can be, of %s characters',
    async (what, characters) => {
      const { nativeConnection: connection, client: starter } = environment().temporal;
      const workflowBundle = await bundleWorkflowCode({
        workflowsPath: require.resolve('../support/long-summary'),
        logger: QUIET,
      });
      const worker = await Worker.create({ connection, taskQueue: 'long-summary', workflowBundle });

      const workflowId = `long-summary-${what}`;
      await worker.runUntil(
        starter.workflow.execute('summariseAtLength', {
          workflowId,
          taskQueue: 'long-summary',
          args: [characters.repeat(1_000)],
          workflowExecutionTimeout: '10s',
        }),
      );

      expect((await historyOf(workflowId)).timers).toEqual([expect.stringMatching(/…$/)]);
    },
    30_000,
  );

  it('gives the backup that a recovery makes its own priority, and any other one a later one', async () => {
    const handle = await begin();
    await approve(handle);
    await submitThree(handle);
    await handle.result();
    const { runId } = await handle.describe();
    await client().workflow.execute('backUpCluster', {
      workflowId: 'backup-prod',
      taskQueue: 'vault-dr',
      args: [{ cluster: 'prod' }],
    });

    const within = await historyOf(`backup-prod-after-restore-${runId}`);
    const alone = await historyOf('backup-prod');

    expect(new Set(within.steps.map(({ priority }) => priority))).toEqual(new Set([1]));
    expect(new Set(alone.steps.map(({ priority }) => priority))).toEqual(new Set([4]));
  }, 60_000);

  async function historyOf(workflowId: string) {
    const { events } = await client().workflow.getHandle(workflowId).fetchHistory();
    const summaries = (events ?? []).map(({ userMetadata, ...event }) => ({
      event,
      summary: userMetadata?.summary ? defaultPayloadConverter.fromPayload<string>(userMetadata.summary) : null,
    }));
    return {
      steps: summaries.flatMap(({ event: { activityTaskScheduledEventAttributes: step }, summary }) =>
        step ? [{ summary, priority: step.priority?.priorityKey }] : [],
      ),
      quick: summaries.flatMap(({ event: { markerRecordedEventAttributes: marker }, summary }) =>
        marker?.markerName === 'core_local_activity' ? [summary] : [],
      ),
      timers: summaries.flatMap(({ event, summary }) => (event.timerStartedEventAttributes ? [summary] : [])),
    };
  }
});
