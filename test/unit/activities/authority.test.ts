import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import type { MockActivityEnvironment } from '@temporalio/testing';
import { type ControllerActivities, createControllerActivities } from '../../../activities/controller';
import { askedByRun } from '../../../activities/first-run';
import { createNodeActivities, type NodeActivities } from '../../../activities/node';
import { parseConfig } from '../../../src/config/load';
import type { CONTROLLER_INPUTS } from '../../../src/contract/step-input/controller';
import { NODE_INPUTS } from '../../../src/contract/step-input/node';
import { backupEnvironment, restoreEnvironment } from '../../support/activity-environment';
import { agentHost } from '../../support/agent-host';
import { sampleConfig } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const CLAIM = { run: 'run-1', cluster: 'prod', startedAt: '9998-11-23T04:00:00.000Z' };
const NO_WORKFLOW = { inWorkflow: false, workflowExecution: undefined, workflowType: undefined };
const MADE_UP = { workflowType: 'myOwn', workflowExecution: { workflowId: 'my-own', runId: 'run-1' } };

const denied = expect.objectContaining({ code: 'PermissionDenied', retryable: false });

describe('a node agent', () => {
  let node: NodeActivities;
  const input = { claim: CLAIM, of: 'run-0', source: 'prod', shares: [], recipients: [], seconds: 0 };
  const ask = (environment: MockActivityEnvironment, step: string, given: object = input) =>
    environment.run(() => (node[step as keyof NodeActivities] as (input: object) => Promise<unknown>)(given));

  beforeEach(async () => {
    for (const name of ['data', 'state', 'runtime', 'etc']) await mkdir(inTest(name));
    node = createNodeActivities(agentHost(inTest).deps);
  });
  // Whatever was asked for, nothing of it was done.
  const untouched = async () => {
    expect(await readdir(inTest('state'))).toEqual([]);
    expect(await readdir(inTest('runtime'))).toEqual([]);
  };

  it.each(Object.keys(NODE_INPUTS))(
    "does %s for no workflow, and for none that is not the own cluster's",
    async (step) => {
      const strangers = [
        restoreEnvironment('run-1', 'prod', NO_WORKFLOW),
        restoreEnvironment('run-1', 'prod', MADE_UP),
        restoreEnvironment('run-1', 'staging'),
        restoreEnvironment('run-1', 'prod-2'),
        restoreEnvironment('run-1', 'prod', { workflowType: 'myOwn' }),
        backupEnvironment('run-1', 'staging'),
        backupEnvironment('run-1', 'prod', { workflowType: 'restoreCluster' }),
        ...(step === 'collectConfig' ? [restoreEnvironment('run-1')] : [backupEnvironment('run-1')]),
      ];
      for (const stranger of strangers) await expect(ask(stranger, step)).rejects.toEqual(denied);
      await untouched();
    },
  );

  it.each(
    Object.entries(NODE_INPUTS).flatMap(([step, schema]) =>
      'shape' in schema && 'claim' in schema.shape ? [step] : [],
    ),
  )('does %s in the name of no other run, and of no other cluster, than that which asks', async (step) => {
    const ours = restoreEnvironment('run-1');
    for (const claim of [
      { ...CLAIM, run: 'run-2' },
      { ...CLAIM, run: '../..' },
      { ...CLAIM, cluster: 'staging' },
    ]) {
      await expect(ask(ours, step, { ...input, claim })).rejects.toEqual(denied);
    }
    await untouched();
  });

  it('takes a run that continues in a new execution for the one that people know', async () => {
    const next = restoreEnvironment('run-2');
    const claimIn = (run: string) =>
      next.run(() => node.claimForRun({ claim: { ...CLAIM, run }, approved: null })) as Promise<unknown>;

    await askedByRun('run-1', () => claimIn('run-1'));
    await expect(askedByRun('run-1', () => claimIn('run-2'))).rejects.toEqual(denied);
    await expect(claimIn('run-1')).rejects.toEqual(denied);

    expect(JSON.parse(await readFile(inTest('state', 'claim.json'), 'utf8'))).toMatchObject({ run: 'run-1' });
  });

  it('takes the start of a run from Temporal, whatever the run says of itself', async () => {
    await restoreEnvironment('run-1').run(() => node.claimForRun({ claim: CLAIM, approved: null }));

    const claim = JSON.parse(await readFile(inTest('state', 'claim.json'), 'utf8')) as unknown;
    expect(claim).toEqual({ run: 'run-1', cluster: 'prod', startedAt: '2026-11-23T04:00:00.000Z' });
  });

  it.each(['backup-prod', 'backup-prod-2026-11-23T04:00:00Z', 'backup-prod-before-restore-run-1'])(
    'collects its files for %s',
    async (workflowId) => {
      const asking = backupEnvironment('run-1', 'prod', { workflowExecution: { workflowId, runId: 'run-1' } });
      await expect(asking.run(() => node.collectConfig())).resolves.toMatchObject({ bundle: null });
    },
  );
});

describe('the controller', () => {
  let steps: ControllerActivities;
  const plan = { cluster: 'prod' };
  const manifest = { cluster: 'prod' };
  const everything = {
    cluster: 'prod',
    run: 'run-1',
    plan,
    settings: plan,
    staged: { manifest },
    report: { cluster: 'prod', run: 'run-1' },
    subject: { cluster: 'prod', run: 'run-1' },
    record: { id: 'run-1/1', cluster: 'prod', run: 'run-1', action: 'backup' },
    records: [{ id: 'run-1/1', cluster: 'prod', run: 'run-1', action: 'restore.plan' }],
    notification: { id: 'run-1/1', cluster: 'prod', run: 'run-1' },
  };
  const ask = (environment: MockActivityEnvironment, step: string, given: object = everything) =>
    environment.run(() => (steps[step as keyof ControllerActivities] as (input: object) => Promise<unknown>)(given));

  beforeEach(async () => {
    const text = sampleConfig({ repositories: { local: inTest('repository') }, publicKeyFile: inTest('signing.pub') });
    await writeFile(inTest('vault-dr.yaml'), `${text}stateDir: ${inTest('state')}\n`);
    steps = createControllerActivities({ config: parseConfig(await readFile(inTest('vault-dr.yaml'), 'utf8'), 'x') });
  });
  const untouched = async () => expect(await readdir(inTest())).toEqual(['vault-dr.yaml']);

  const names = () => Object.keys(steps) as (keyof typeof CONTROLLER_INPUTS)[];

  it("does nothing for no workflow, nor for any that is not the cluster's own", async () => {
    for (const step of names()) {
      for (const stranger of [
        restoreEnvironment('run-1', 'prod', NO_WORKFLOW),
        restoreEnvironment('run-1', 'prod', MADE_UP),
        restoreEnvironment('run-1', 'prod', { workflowType: 'backUpCluster' }),
        backupEnvironment('run-1', 'prod', { workflowType: 'restoreCluster' }),
        backupEnvironment('run-1', 'staging'),
        // Marks may be of another cluster than the one whose nodes are changed.
        ...(step.startsWith('mark') ? [] : [restoreEnvironment('run-1', 'staging')]),
      ]) {
        await expect(ask(stranger, step)).rejects.toEqual(denied);
      }
    }
    await untouched();
  });

  it.each([
    ['discardStaging', backupEnvironment],
    ['closeBackup', backupEnvironment],
    ['stageBundle', backupEnvironment],
    ['captureSnapshot', backupEnvironment],
    ['recordAudit', backupEnvironment],
    ['recordAudit', restoreEnvironment],
    ['recordAudits', restoreEnvironment],
    ['notify', restoreEnvironment],
    ['markRestored', restoreEnvironment],
    ['markRolledBack', restoreEnvironment],
  ])('does %s in the name of the run alone that asks', async (step, environment) => {
    await expect(ask(environment('run-2'), step)).rejects.toEqual(denied);
    await untouched();
  });

  describe('delivers', () => {
    const delivering = (workflowId: string) =>
      restoreEnvironment('run-9', 'prod', {
        workflowType: 'notifyPeople',
        workflowExecution: { workflowId, runId: 'run-9' },
      });

    it.each([
      'restore-prod',
      'notify-prod-',
      'notify-prod-run',
      'notify-prod-run-2/1',
      'notify-staging-run-1/1',
      'notify-prod-run-1/1/2',
    ])('nothing for %s', async (workflowId) => {
      await expect(ask(delivering(workflowId), 'deliver')).rejects.toEqual(denied);
      await expect(ask(delivering(workflowId), 'notify')).rejects.toEqual(denied);
    });

    it('one notification for the workflow of its id, and what is to be said of that', async () => {
      const own = delivering('notify-prod-run-1/1');
      const unknown = expect.objectContaining({ code: 'InvalidConfiguration' }) as Error;
      const notification = {
        id: 'run-1/1',
        event: 'restored',
        cluster: 'prod',
        run: 'run-1',
        text: '',
        alternates: [],
      };
      const given = { channel: 'ops', notification };

      await expect(ask(own, 'deliver', given)).rejects.toEqual(unknown);
      await expect(ask(own, 'notify', { ...notification, id: 'run-1/1/channels' })).resolves.toBeUndefined();
      await expect(ask(own, 'recordAudit')).rejects.toEqual(denied);
    });
  });

  it('keeps the report of the run alone that asks', async () => {
    await expect(ask(restoreEnvironment('run-2'), 'storeReport')).rejects.toEqual(denied);
    await untouched();
  });
});
