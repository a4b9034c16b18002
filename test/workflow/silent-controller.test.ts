import { controllerTaskQueue } from '../../src/contract/names';
import { fakeActivities, GENERATION, startControllers } from '../support/fake-agents';
import { useRecoveries } from '../support/workflow-driver';

/** Fakes, because it must be away between the plan and the end of a recovery, and what asks for it is counted. */
describe('a controller that serves a directory and does not answer', () => {
  const recoveries = useRecoveries();
  const { fakes, begin, until, approve, submitThree } = recoveries;

  it('is asked once by a restore and by the backup at its end, which do without it', async () => {
    const { planRestore, planBackup } = fakes().controller;
    const without: (string | undefined)[] = [];
    fakes().controller.planRestore = async (input) => ({ ...(await planRestore(input)), servedBy: 'first' });
    fakes().controller.planBackup = async (input) => {
      without.push(input.without);
      return { ...(await planBackup(input)), controller: 'second', servedBy: 'first' };
    };
    const second = fakeActivities();
    const { nativeConnection } = recoveries.environment().temporal;
    const running = await startControllers(nativeConnection, { second: second.controller });
    try {
      const handle = await begin();
      // Planned after half a minute.
      await until(handle, 'it is planned', ({ waitingFor }) => waitingFor === 'approval', 120_000);
      await approve(handle);
      await submitThree(handle);
      const report = await handle.result();

      const { events } = await handle.fetchHistory();
      const asked = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: step }) =>
        step?.taskQueue?.name === controllerTaskQueue('first') ? [step.activityType?.name] : [],
      );
      // A step that nobody takes up is requested once more.
      expect(asked).toEqual(['chooseGeneration', 'chooseGeneration']);
      expect(report).toMatchObject({ status: 'completed', warnings: [] });
      expect(fakes().calls).toContain(`mark ${GENERATION} as restored`);
      expect(without).toEqual(['first']);
      expect(second.calls).toEqual(expect.arrayContaining(['captureSnapshot', 'publish local', 'publish offsite']));
    } finally {
      await running.stop();
    }
  }, 240_000);
});
