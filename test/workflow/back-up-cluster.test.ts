import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { BackupResult } from '../../src/contract/backup';
import { CONTROLLER_TASK_QUEUE } from '../../src/contract/names';
import { type FakeActivities, fakeActivities, type RunningWorkers, startWorkers } from '../support/fake-agents';
import { useWorkflowEnvironment } from '../support/workflow-environment';

/** What the backup does when repositories are down or staging is lost; fakes as for the restore. */
describe('backUpCluster', () => {
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

  it('succeeds with one copy when the other repository is down, and says which one lacks it', async () => {
    refuse('offsite');

    const result = await backUp();

    expect(result.copies.map(({ repository }) => repository)).toEqual(['local']);
    expect(result.missing).toEqual([
      { repository: 'offsite', code: 'RepositoryUnavailable', problem: 'offsite does not answer' },
    ]);
    expect(fakes.calls).toContain('retention local');
    expect(fakes.calls).not.toContain('retention offsite');
    expect(fakes.audit.at(-1)).toMatchObject({ action: 'backup', outcome: 'success' });
  });

  it('tells people which repository lacks the copy and which could not be tidied up, and why', async () => {
    refuse('offsite');
    fakes.controller.applyRetention = () =>
      Promise.reject(ApplicationFailure.nonRetryable('the bucket may not be listed.', 'RepositoryUnavailable'));

    const { warnings } = await backUp();

    expect(warnings).toContain('retention in local: the bucket may not be listed.');
    expect(fakes.notifications).toEqual([
      expect.objectContaining({
        event: 'copy missing',
        text: expect.stringContaining(
          'no copy in offsite: offsite does not answer; retention in local: the bucket may not be listed. Fix the cause',
        ),
      }),
    ]);
  });

  it('is made all the same when people can not be notified that a copy is missing', async () => {
    refuse('offsite');
    fakes.controller.notify = () => Promise.reject(ApplicationFailure.nonRetryable('no such command', 'Internal'));

    const result = await backUp();

    expect(result.missing).toMatchObject([{ repository: 'offsite' }]);
    expect(fakes.calls).toContain('audit head local');
    expect(fakes.calls).toContain('discardStaging');
  });

  it('publishes to the others when the first is down', async () => {
    refuse('local');

    const result = await backUp();

    expect(result.copies.map(({ repository }) => repository)).toEqual(['offsite']);
    expect(result.missing).toMatchObject([{ repository: 'local' }]);
    expect(fakes.calls).not.toContain('replicate local');
  });

  it('publishes to all repositories at a time', async () => {
    const publish = fakes.controller.publishGeneration;
    const begun: string[] = [];
    let bothBegan = () => {};
    const both = new Promise<void>((resolve) => (bothBegan = resolve));
    fakes.controller.publishGeneration = async (input) => {
      begun.push(input.repository);
      if (begun.length === 2) bothBegan();
      await both;
      return publish(input);
    };

    const result = await backUp();

    expect(result.copies.map(({ repository }) => repository)).toEqual(['local', 'offsite']);
    expect(fakes.calls).not.toContain('replicate offsite');
  });

  it('copies to the others from the first that has it when what was staged is lost meanwhile', async () => {
    const publish = fakes.controller.publishGeneration;
    fakes.controller.publishGeneration = (input) =>
      input.repository === 'offsite'
        ? Promise.reject(ApplicationFailure.nonRetryable('staging is gone', 'StagingLost'))
        : publish(input);

    const result = await backUp();

    expect(result.copies.map(({ repository }) => repository)).toEqual(['local', 'offsite']);
    expect(result.missing).toEqual([]);
    expect(fakes.calls.filter((call) => call === 'captureSnapshot')).toHaveLength(1);
    expect(fakes.calls).toContain('replicate offsite');
  });

  it('does not begin a short step again because it takes longer than a heartbeat', async () => {
    const { closeBackup } = fakes.controller;
    let begun = 0;
    fakes.controller.closeBackup = async (input) => {
      begun++;
      await sleep(8_000);
      return closeBackup(input);
    };

    await backUp();

    expect(begun).toBe(1);
  });

  it.each(['offsite', 'local'])('brings %s what it missed when it was down', async (repository) => {
    const missed = '20261122T040000Z-000000000040-0a1b2c3d';
    const { listCatchUps } = fakes.controller;
    fakes.controller.listCatchUps = async (input) => {
      await listCatchUps(input);
      return input.to === repository ? [missed] : [];
    };

    const result = await backUp();

    expect(result.caughtUp).toEqual([{ repository, generation: missed }]);
    expect(fakes.calls.indexOf(`replicate ${repository}`)).toBeLessThan(fakes.calls.indexOf('retention local'));
    expect(fakes.notifications).toEqual([]);
  });

  it('gives the comparison of repositories that hold thousands of generations more than a minute', async () => {
    let limitMs = 0;
    fakes.controller.listCatchUps = () => {
      limitMs = Context.current().info.startToCloseTimeoutMs;
      return Promise.resolve([]);
    };

    await backUp();

    expect(limitMs).toBeGreaterThan(60_000);
  });

  it('tells what the manifest and retention warn of, once', async () => {
    const { captureSnapshot, applyRetention, checkHealth } = fakes.controller;
    fakes.controller.checkHealth = async (input) => ({ ...(await checkHealth(input)), warnings: ['vault-3 is down'] });
    fakes.controller.captureSnapshot = async (input) => {
      const staged = await captureSnapshot(input);
      return { ...staged, manifest: { ...staged.manifest, warnings: ['vault-3 is down', 'the snapshot shrank'] } };
    };
    fakes.controller.applyRetention = async (input) => ({
      ...(await applyRetention(input)),
      warnings: ['a forged mark'],
    });

    const { warnings } = await backUp();

    expect(warnings.slice(0, 2)).toEqual(['vault-3 is down', 'the snapshot shrank']);
    expect(warnings).toContain('retention in local: a forged mark');
  });

  it('checks the health as a step of its own where that does not succeed at once', async () => {
    const { checkHealth } = fakes.controller;
    let tries = 0;
    fakes.controller.checkHealth = (input) =>
      tries++ === 0
        ? Promise.reject(ApplicationFailure.retryable('nobody leads just now', 'ClusterUnhealthy'))
        : checkHealth(input);

    const { warnings } = await backUp();

    expect([tries, warnings]).toEqual([2, []]);
    expect(await scheduled()).toEqual(expect.arrayContaining(['checkHealth', 'captureSnapshot']));
  });

  it('goes step by step where the repositories can not be tidied up together, nor the backup closed', async () => {
    const refused = () => Promise.reject(ApplicationFailure.nonRetryable('not here', 'RepositoryUnavailable'));
    Object.assign(fakes.controller, { tidyRepositories: refused, closeBackup: refused });

    const { retention, warnings } = await backUp();

    expect(retention.map(({ repository }) => repository)).toEqual(['local', 'offsite']);
    expect(warnings).toEqual([]);
    expect(fakes.audit).toMatchObject([{ action: 'backup', outcome: 'success' }]);
    expect(fakes.calls.slice(-3).toSorted()).toEqual(['audit head local', 'audit head offsite', 'discardStaging']);
  });

  it('brings the audit trail to a repository that did not take it with the rest', async () => {
    const { closeBackup } = fakes.controller;
    fakes.controller.closeBackup = async ({ repositories, ...input }) => {
      await closeBackup({ ...input, repositories: repositories.filter((name) => name !== 'offsite') });
      return ['offsite'];
    };

    await backUp();

    expect(fakes.calls.slice(-3)).toEqual(['discardStaging', 'audit head local', 'audit head offsite']);
  });

  it('makes few events', async () => {
    await backUp();

    // On a machine that is busy they may take a step of their own.
    const quick: unknown[] = ['planBackup', 'checkHealth'];
    expect((await scheduled()).filter((step) => !quick.includes(step))).toEqual([
      'captureSnapshot',
      'publishGeneration',
      'publishGeneration',
      'tidyRepositories',
      'closeBackup',
    ]);
  });

  it('captures again when what was staged is lost', async () => {
    const publish = fakes.controller.publishGeneration;
    let lost = 2;
    fakes.controller.publishGeneration = (input) => {
      if (lost === 0) return publish(input);
      lost--;
      return Promise.reject(ApplicationFailure.nonRetryable('staging is gone', 'StagingLost'));
    };

    await backUp();

    expect(fakes.calls.filter((call) => call === 'captureSnapshot')).toHaveLength(2);
  });

  it('fails with the reason and the way out, records that, and leaves nothing in staging', async () => {
    fakes.controller.checkHealth = () =>
      Promise.reject(
        ApplicationFailure.create({
          message: 'No node leads the cluster.',
          type: 'ClusterUnhealthy',
          nonRetryable: true,
          details: [{ advice: 'Unseal more than half of the voters.', where: 'vault-2' }],
        }),
      );

    const failure = await backUp().catch((error: { cause: ApplicationFailure }) => error.cause);

    expect(failure).toMatchObject({
      type: 'ClusterUnhealthy',
      details: [{ advice: 'Unseal more than half of the voters.', where: 'vault-2' }],
    });
    expect((failure as ApplicationFailure).message).toContain(
      'No node leads the cluster. Unseal more than half of the voters.',
    );
    expect(fakes.audit.at(-1)).toMatchObject({ action: 'backup', outcome: 'failure' });
    expect(fakes.calls).toContain('discardStaging');
    expect(fakes.notifications).toEqual([expect.objectContaining({ event: 'backup failed' })]);
  });

  it.each([
    ['no input', [], 'no input was given'],
    ['a text', ['prod'], 'input:'],
    ['a number as name', [{ cluster: 7 }], 'cluster: must be a name in quotes'],
  ])('refuses %s at once', async (_what, args, wanted) => {
    const failure = await backUp(args).catch((error: { cause: ApplicationFailure }) => error.cause);

    expect(failure).toMatchObject({ type: 'InvalidInput' });
    expect((failure as ApplicationFailure).message).toContain(wanted);
    expect(fakes.calls).toEqual([]);
  });

  /** Workers take the activities as they are at their start, so it comes after the faults were made. */
  async function backUp(args: unknown[] = [{ cluster: 'prod' }]): Promise<BackupResult> {
    workers = await startWorkers(environment().temporal.nativeConnection, environment().bundle, fakes, 'prod', []);
    return environment().temporal.client.workflow.execute<(...input: unknown[]) => Promise<BackupResult>>(
      'backUpCluster',
      {
        workflowId: 'backup-prod',
        taskQueue: CONTROLLER_TASK_QUEUE,
        args,
      },
    );
  }

  /** The steps of the run that are steps of their own in its history. */
  async function scheduled(): Promise<(string | null | undefined)[]> {
    const { events } = await environment().temporal.client.workflow.getHandle('backup-prod').fetchHistory();
    return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: step }) =>
      step ? [step.activityType?.name] : [],
    );
  }

  function refuse(repository: string): void {
    const publish = fakes.controller.publishGeneration;
    fakes.controller.publishGeneration = (input) =>
      input.repository === repository ? Promise.reject(down(repository)) : publish(input);
  }

  function down(repository: string): ApplicationFailure {
    return ApplicationFailure.nonRetryable(`${repository} does not answer`, 'RepositoryUnavailable');
  }
});
