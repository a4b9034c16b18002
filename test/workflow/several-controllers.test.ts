import { ApplicationFailure } from '@temporalio/common';
import type { ControllerActivities } from '../../activities/controller';
import type { BackupResult } from '../../src/contract/backup';
import { CONTROLLER_TASK_QUEUE } from '../../src/contract/names';
import {
  type FakeActivities,
  fakeActivities,
  GENERATION,
  type RunningWorkers,
  startControllers,
  startWorkers,
} from '../support/fake-agents';
import { useWorkflowEnvironment } from '../support/workflow-environment';

const BUNDLE = { node: 'vault-1', file: 'config-vault-1.tar.gz.age', sha256: '0'.repeat(64), sizeBytes: 3 };
const DONE_BY_ONE = [
  'stage bundle vault-1',
  'captureSnapshot',
  'publish local',
  'publish offsite',
  'discardStaging',
  'audit head local',
  'audit head offsite',
];
/** The two repositories are published to at a time. */
const byName = (calls: readonly string[]) => calls.toSorted();

/**
 * Where the steps of a backup are done when there are several controllers, and what becomes of it when the one that holds
 * what was staged goes away for good. Fakes, because it must go away just between two steps.
 */
describe('a backup among several controllers', () => {
  const environment = useWorkflowEnvironment();
  const running: RunningWorkers[] = [];
  let any: FakeActivities;
  let first: FakeActivities;
  let second: FakeActivities;

  beforeEach(() => {
    [any, first, second] = [fakeActivities(), fakeActivities(), fakeActivities()];
    any.nodes['vault-1']!.collectConfig = () =>
      Promise.resolve({ bundle: { ...BUNDLE, signature: 'c2ln', content: 'YWJj' }, problems: [] });
    plannedBy('first', 'second');
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((workers) => workers.stop()));
  });

  it('has what needs one disk done by the controller that has it, and the rest by any', async () => {
    await start('first', first);
    await start('second', second);

    const result = await backUp();

    expect(byName(first.calls)).toEqual(byName(DONE_BY_ONE));
    expect(second.calls).toEqual([]);
    expect(any.calls).toEqual(expect.arrayContaining(['checkHealth', 'retention local', 'retention offsite']));
    expect(result.warnings).toEqual([]);
  });

  it('is made by another one when the first is gone, configuration files included, and says so', async () => {
    await start('second', second);

    const result = await backUp();

    expect(byName(second.calls)).toEqual(byName(DONE_BY_ONE));
    expect(result.warnings).toEqual([
      'the controller first went away; the backup was made again by second [controller-gone]',
    ]);
  }, 120_000);

  it('is captured again when the first went away before it had published', async () => {
    any.controller.publishGeneration = () =>
      Promise.reject(ApplicationFailure.nonRetryable('not staged here', 'StagingLost'));
    await startAndEndAfterCapture();
    await start('second', second);

    const result = await backUp();

    expect(byName(second.calls)).toEqual(byName(DONE_BY_ONE));
    expect(result.copies.map(({ repository }) => repository)).toEqual(['local', 'offsite']);
    expect(result.warnings.join()).toContain('[controller-gone]');
  }, 120_000);

  it('is not captured again when the first had published it, and could not say so any more', async () => {
    await startAndEndAfterCapture();
    await start('second', second);

    const result = await backUp();

    expect(any.calls).toEqual(expect.arrayContaining(['publish local', 'replicate offsite']));
    expect(second.calls).toEqual([]);
    expect(result).toMatchObject({ generation: GENERATION, missing: [] });
  }, 120_000);

  it('has everything around a directory done by the controller that serves it', async () => {
    servedBy('first');
    await start('first', first);

    const result = await backUp();

    expect(first.calls).toEqual(expect.arrayContaining([...DONE_BY_ONE, 'listCatchUps', 'retention local']));
    expect(any.calls).toEqual(['planBackup', 'checkHealth']);
    expect(result.warnings).toEqual([]);
  });

  it('is made without a directory whose controller is away', async () => {
    servedBy('first');
    const asked: (string | undefined)[] = [];
    const { planBackup } = any.controller;
    any.controller.planBackup = async (input) => {
      asked.push(input.without);
      return { ...(await planBackup(input)), ...(input.without === undefined ? {} : { controller: 'second' }) };
    };
    second.controller.publishGeneration = away(second.controller.publishGeneration);
    any.controller.replicateGeneration = ({ to }) => Promise.reject(elsewhere(to));
    await start('second', second);

    const result = await backUp();

    expect(asked).toEqual([undefined, 'first']);
    expect(result.copies.map(({ repository }) => repository)).toEqual(['offsite']);
    expect(result.missing).toMatchObject([{ repository: 'local', code: 'RepositoryUnavailable' }]);
    expect(any.calls).toContain('retention offsite');
    expect(second.calls).toContain('audit head offsite');
  }, 120_000);

  it('is chosen for a restore by the controller that serves the directory', async () => {
    const { planRestore } = any.controller;
    any.controller.planRestore = async (input) => ({ ...(await planRestore(input)), servedBy: 'first' });
    await start('first', first);
    running.push(await startAll());

    await environment().temporal.client.workflow.execute('restoreCluster', {
      workflowId: 'restore-prod',
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [{ cluster: 'prod', requestedBy: 'ana', planOnly: true }],
    });

    expect(first.calls).toEqual(['chooseGeneration']);
    expect(any.calls).not.toContain('chooseGeneration');
  });

  function servedBy(name: string): void {
    const { planBackup } = any.controller;
    any.controller.planBackup = async (input) => ({ ...(await planBackup(input)), controller: name, servedBy: name });
  }

  function elsewhere(repository: string): ApplicationFailure {
    return ApplicationFailure.nonRetryable(`${repository} is served by another controller`, 'RepositoryUnavailable');
  }

  function away(publish: ControllerActivities['publishGeneration']): ControllerActivities['publishGeneration'] {
    return (input) => (input.repository === 'local' ? Promise.reject(elsewhere('local')) : publish(input));
  }

  function startAll(): Promise<RunningWorkers> {
    const { nativeConnection } = environment().temporal;
    return startWorkers(nativeConnection, environment().bundle, any, 'prod');
  }

  /** In this order, each time that the backup asks who will stage it. */
  function plannedBy(...names: string[]): void {
    const { planBackup } = any.controller;
    any.controller.planBackup = async (input) => ({
      ...(await planBackup(input)),
      configNodes: ['vault-1'],
      controller: names.shift() ?? 'nobody',
    });
  }

  async function start(name: string, { controller }: FakeActivities): Promise<RunningWorkers> {
    const workers = await startControllers(environment().temporal.nativeConnection, { [name]: controller });
    running.push(workers);
    return workers;
  }

  async function startAndEndAfterCapture(): Promise<void> {
    const { captureSnapshot } = first.controller;
    let ended: Promise<void> | undefined;
    const workers = await startControllers(environment().temporal.nativeConnection, {
      first: {
        ...first.controller,
        captureSnapshot: async (input) => {
          const staged = await captureSnapshot(input);
          ended = workers.stop();
          return staged;
        },
      },
    });
    running.push({ stop: async () => ended });
  }

  async function backUp(): Promise<BackupResult> {
    const { nativeConnection, client } = environment().temporal;
    running.push(await startWorkers(nativeConnection, environment().bundle, any, 'prod', ['vault-1']));
    return client.workflow.execute<(input: unknown) => Promise<BackupResult>>('backUpCluster', {
      workflowId: 'backup-prod',
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [{ cluster: 'prod' }],
    });
  }
});
