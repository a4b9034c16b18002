import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { CONTROLLER_TASK_QUEUE } from '../../src/contract/names';
import { waitFor } from '../../src/lab/processes';
import { checkOpenRuns, type SkippedRuns } from '../../src/temporal/takeover/check-open-runs';
import { createReplayer, type Replayer } from '../../src/temporal/takeover/replayer';
import { useDirectory } from '../support/temporary';
import { QUIET, useWorkflowEnvironment } from '../support/workflow-environment';

const HOOK = join(__dirname, '../support/typescript-hook.js');

/** On a real Temporal server; the replays are in a process of their own, as in the product. */
describe('a controller that starts while runs are open', () => {
  const environment = useWorkflowEnvironment();
  const directory = useDirectory();
  let otherBundle: { code: string };
  let shipped: string;
  let replayers: Replayer[] = [];
  let begun: string[] = [];

  beforeAll(async () => {
    const workflowsPath = require.resolve('../support/other-version');
    otherBundle = await bundleWorkflowCode({ workflowsPath, logger: QUIET });
  }, 60_000);
  beforeEach(async () => {
    shipped = directory('workflow-bundle.js');
    await writeFile(shipped, environment().bundle.code);
  });
  afterEach(async () => {
    for (const replayer of replayers) replayer.close();
    replayers = [];
    const { workflow } = environment().temporal.client;
    await Promise.all(
      begun.map((workflowId) =>
        workflow
          .getHandle(workflowId)
          .terminate()
          .catch(() => undefined),
      ),
    );
    begun = [];
  });

  it('starts where this version would have decided the same', async () => {
    await begin('restore-prod', 'restoreCluster');
    await decide({ code: `// another build\n${environment().bundle.code}` }, '0.0.9', 'restore-prod');

    const { warnings, told } = await check();

    expect(warnings).toEqual([]);
    expect(told).toContainEqual(expect.objectContaining({ runs: 1, replayed: 1 }));
  });

  it('refuses, and names the run, what differs, and the version that can continue it', async () => {
    const runId = await begin('restore-prod', 'restoreCluster');
    await decide(otherBundle, '0.0.9', 'restore-prod');

    await expect(check()).rejects.toMatchObject({
      code: 'OtherVersionNeeded',
      message: expect.stringMatching(
        new RegExp(
          `restore-prod \\(run ${runId}\\), last handled by vault-dr 0\\.0\\.9: .*event 5 of its history is ActivityTaskScheduled`,
        ),
      ),
      advice: expect.stringContaining(`vault-dr worker --skip-replay-check ${runId}`),
    });
    await expect(check({ skip: [runId] })).resolves.toMatchObject({ warnings: [] });
    await expect(check({ skip: 'all' })).resolves.toMatchObject({
      warnings: [expect.stringContaining('not checked')],
    });
  });

  it('refuses for a backup that a schedule began, which only the list knows of', async () => {
    await begin('backup-prod-2026-11-26T02:00:00Z', 'backUpCluster');
    await decide(otherBundle, '0.0.9', 'backup-prod-2026-11-26T02:00:00Z');

    const refused = await waitFor(
      'it is listed, and refused for',
      () =>
        check().then(
          () => null,
          (error: Error) => error.message,
        ),
      { timeoutMs: 30_000 },
    );
    expect(refused).toContain('backup-prod-2026-11-26T02:00:00Z (run ');
  });

  it('starts, with a warning, over a run that no version of vault-dr has handled', async () => {
    const runId = await begin('restore-prod', 'restoreCluster');
    await decide(otherBundle, null, 'restore-prod');

    const { warnings } = await check();

    expect(warnings).toEqual([expect.stringContaining(`restore-prod (run ${runId}) does not replay and has stopped`)]);
  });

  it('starts, with a warning, over a run under an id that the product gives to no cluster of the configuration', async () => {
    await begin('restore-elsewhere', 'restoreCluster');
    await decide(otherBundle, '0.0.9', 'restore-elsewhere');

    const warning = await waitFor(
      'it is listed, and warned of',
      async () => (await check()).warnings.find((text) => text.startsWith('restore-elsewhere (run ')) ?? null,
      { timeoutMs: 30_000 },
    );
    expect(warning).toContain('does not replay and has stopped');
  });

  it('starts, with a warning, where a history can not be read', async () => {
    await begin('restore-prod', 'restoreCluster');
    await decide(otherBundle, '0.0.9', 'restore-prod');

    const { warnings } = await check({ address: '127.0.0.1:1' });

    expect(warnings).toEqual([
      expect.stringMatching(/restore-prod .* was not checked: Temporal does not answer at 127/),
    ]);
  });

  it('starts over a run that nobody has handled yet, and over one that has just ended', async () => {
    const runId = await begin('restore-prod', 'restoreCluster');
    const replayer = await replayerFor();

    const open = await check();
    const untouched = await replayer.replay({ workflowId: 'restore-prod', runId }, 30_000);
    const gone = await replayer.replay({ workflowId: 'restore-prod', runId: runId.replace(/^./, 'f') }, 30_000);

    expect(open.warnings).toEqual([]);
    expect(untouched.outcome).toEqual({ kind: 'untouched' });
    expect(gone.outcome).toEqual({ kind: 'over' });
  });

  it('replays nothing where this very build made the last decision: a restart costs nothing', async () => {
    await begin('restore-prod', 'restoreCluster');
    await decide({ codePath: shipped }, '0.0.9', 'restore-prod');

    const { warnings, told } = await check();

    expect(warnings).toEqual([]);
    expect(told).toContainEqual(expect.objectContaining({ runs: 1, replayed: 0 }));
  });

  it('is not held up by a replay that does not end, nor by many runs', async () => {
    const runId = await begin('restore-prod', 'restoreCluster');
    await decide(otherBundle, '0.0.9', 'restore-prod');
    const replayer = await replayerFor();
    const run = { workflowId: 'restore-prod', runId };

    const cutShort = await replayer.replay(run, 1);
    const then = await replayer.replay(run, 30_000);
    const { warnings } = await check({ withinMs: 0 });

    expect(cutShort.outcome).toEqual({ kind: 'unknown', reason: 'it was not replayed within 1 s.' });
    expect(then.outcome).toMatchObject({ kind: 'differs' });
    expect(warnings).toEqual([expect.stringContaining('1 were not checked within 0 s')]);
  });

  async function begin(workflowId: string, type: string): Promise<string> {
    const { workflow } = environment().temporal.client;
    const { firstExecutionRunId } = await workflow.start(type, {
      workflowId,
      taskQueue: CONTROLLER_TASK_QUEUE,
      args: [{ cluster: 'prod', requestedBy: 'ana' }],
    });
    begun.push(workflowId);
    return firstExecutionRunId;
  }

  /** Has a worker make the first decision, and go. @param version null for a worker of somebody else's */
  async function decide(
    workflowBundle: WorkflowBundleOption,
    version: string | null,
    workflowId: string,
  ): Promise<void> {
    const { client, nativeConnection: connection } = environment().temporal;
    const identity = version === null ? 'somebody' : `elsewhere/1 vault-dr ${version}`;
    const worker = await Worker.create({
      connection,
      taskQueue: CONTROLLER_TASK_QUEUE,
      workflowBundle,
      identity,
      // What is tried within the decision must be there; then it is a step like any other.
      activities: { planRestore: outage, planBackup: outage },
    });
    const running = worker.run();
    await waitFor(
      'a decision is made',
      async () => {
        const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
        return (events ?? []).some((event) => event.workflowTaskCompletedEventAttributes);
      },
      { timeoutMs: 30_000, everyMs: 50 },
    );
    worker.shutdown();
    await running;
  }

  async function outage(): Promise<never> {
    throw new Error('the configuration could not be read');
  }

  async function replayerFor(address = environment().temporal.address): Promise<Replayer> {
    const configFile = directory('temporal.toml');
    await writeFile(configFile, `[profile.default]\naddress = "${address}"\nnamespace = "default"\n`);
    const replayer = createReplayer({ configFile }, shipped, ['-r', HOOK]);
    replayers.push(replayer);
    return replayer;
  }

  /** The warnings, and what else was reported. */
  async function check(
    options: { skip?: SkippedRuns; address?: string; withinMs?: number } = {},
  ): Promise<{ warnings: string[]; told: object[] }> {
    const { address, skip = [], withinMs = 60_000 } = options;
    const warnings: string[] = [];
    const told: object[] = [];
    await checkOpenRuns({
      client: environment().temporal.client,
      replayer: await replayerFor(address),
      clusters: ['prod'],
      version: '0.2.0',
      bundle: shipped,
      skip,
      withinMs,
      log: { warn: (text: string) => warnings.push(text), info: (facts: object) => told.push(facts) },
    });
    return { warnings, told };
  }
});
