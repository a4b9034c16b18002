import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createControllerActivities, type ControllerActivities } from '../../../../activities/controller';
import {
  backupPlanOf,
  confirmCanary,
  confirmLogin,
  confirmNodes,
  confirmSettings,
  settingsOf,
} from '../../../../activities/controller/confirm';
import { Controller } from '../../../../activities/controller/context';
import { parseConfig } from '../../../../src/config/load';
import type { Config } from '../../../../src/config/schema';
import { digestOf } from '../../../../src/repository/digest';
import { backupEnvironment, restoreEnvironment } from '../../../support/activity-environment';
import { PLAN, REBUILD_PLAN } from '../../../support/fake-agents';
import { signingPair, stageSample } from '../../../support/generation';
import { sampleConfig } from '../../../support/sample-config';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const CANARY = { path: 'secret/data/canary', sha256: '0'.repeat(64), writtenAt: '2026-11-23T04:00:00.000Z' };
const RUN = { cluster: 'prod', run: 'run-1' };

let config: Config;
let controller: Controller;
beforeEach(() => {
  const text = sampleConfig({ repositories: { local: inTest('local') }, publicKeyFile: inTest('signing.pub') });
  config = parseConfig(`${text}stateDir: ${inTest('state')}\n`, 'vault-dr.yaml');
  config.clusters['staging'] = structuredClone(controllerOf().cluster('prod'));
  controller = controllerOf();
});

const controllerOf = () => new Controller({ config });
const plan = { ...PLAN, nodes: PLAN.nodes.slice(0, 1) };

describe('the configuration, not what a plan in history says,', () => {
  it('decides whose login is sent to a node', () => {
    const into = { ...plan, cluster: 'staging', source: 'prod', loginOf: 'prod' };

    expect(confirmLogin(controller, plan)).toBe('prod');
    expect(confirmLogin(controller, into)).toBe('prod');
    const denied = expect.objectContaining({ code: 'PermissionDenied', retryable: false });
    expect(() => confirmLogin(controller, { ...plan, loginOf: 'staging' })).toThrow(denied);
    expect(() => confirmLogin(controller, { ...into, method: 'inPlace' })).toThrow(denied);
    expect(() => confirmLogin(controller, { ...REBUILD_PLAN, loginOf: 'staging' })).toThrow(denied);
    expect(() => confirmLogin(controller, { ...into, source: 'other', loginOf: 'other' })).toThrow(
      expect.objectContaining({ code: 'UnknownCluster' }),
    );
  });

  it('decides which nodes there are, and which node each is; not where it was when this was planned', () => {
    const [first] = plan.nodes;
    const moved = { ...plan, nodes: [{ ...first!, address: 'https://attacker:8200' }] };

    expect(() => confirmNodes(controller, moved, ['vault-1'])).not.toThrow();
    for (const nodes of [[{ ...first!, nodeId: 'other' }], []]) {
      expect(() => confirmNodes(controller, { ...plan, nodes }, ['vault-1'])).toThrow(
        expect.objectContaining({ code: 'InvalidConfiguration', retryable: false, where: 'vault-1' }),
      );
    }
    expect(() => confirmNodes(controller, plan, ['vault-9'])).toThrow(/has no node 'vault-9'/);
  });

  it.each([
    ['approvals', { approvals: 0 }],
    ['repositories', { repositories: ['other'] }],
    ['setAside', { setAside: 'delete' }],
    ['graceDays', { graceDays: 0 }],
    ['nodes', { nodes: [] }],
  ] as const)('decides what a recovery is planned with: %s', (what, change) => {
    const settings = settingsOf(controller, { cluster: 'prod' });

    expect(confirmSettings(controller, settings, { cluster: 'prod' })).toEqual(settings);
    expect(() =>
      confirmSettings(controller, { ...settings, ...change } as typeof settings, { cluster: 'prod' }),
    ).toThrow(
      expect.objectContaining({
        code: 'InvalidConfiguration',
        message: `The configuration was changed while a recovery of 'prod' was planned: ${what} [configuration-changed].`,
        advice: 'Resume, or start it again: it is planned again.',
      }),
    );
  });

  it('lets nothing touch hosts of which it does not know how', () => {
    const nodes = controller.cluster('prod').nodes;
    nodes.push({ ...nodes[0]!, name: 'vault-2', service: undefined });

    const refused = expect.objectContaining({
      code: 'InvalidConfiguration',
      where: 'vault-2',
      message: expect.stringMatching(/ on vault-2 \[not-enrolled\]\.$/),
    });
    expect(() => settingsOf(controller, { cluster: 'prod' })).toThrow(refused);
    expect(() => settingsOf(controller, { cluster: 'staging', into: 'prod' })).toThrow(refused);
    expect(backupPlanOf(controller, 'prod').nodes).toHaveLength(2);
    controller.cluster('prod').method = 'filesystem';
    expect(() => backupPlanOf(controller, 'prod')).toThrow(refused);
  });

  it('decides what is read as proof', () => {
    expect(confirmCanary(controller, plan)).toEqual({ canary: null, remarks: [] });
    expect(confirmCanary(controller, { ...plan, canary: CANARY })).toEqual({
      canary: null,
      remarks: [expect.stringContaining('none is configured now')],
    });
    controller.cluster('prod').backup.canary = { path: CANARY.path };
    expect(confirmCanary(controller, { ...plan, canary: CANARY })).toEqual({ canary: CANARY, remarks: [] });
    expect(confirmCanary(controller, { ...plan, canary: { ...CANARY, path: 'secret/data/other' } })).toMatchObject({
      canary: null,
    });
  });
});

describe('what somebody else asks of the controller', () => {
  let steps: ControllerActivities;
  beforeEach(() => {
    steps = createControllerActivities({ config });
  });
  const inBackup = <T>(work: () => Promise<T>, run = RUN.run) => backupEnvironment(run).run(work);

  it.each(['bundles', '..', '.', '', '0a1b2c3d/..', '../run-2/0a1b2c3d', '../../../outside'])(
    'publishes nothing but what this run has staged: %j',
    async (name) => {
      const keys = signingPair();
      const staged = await stageSample(inTest('outside'), keys, Buffer.from('bytes'));
      for (const directory of [`${inTest('state', 'staging', 'prod', 'run-1')}/${name}`, staged.directory]) {
        const published = inBackup(() =>
          steps.publishGeneration({
            staged: { ...staged, generation: staged.manifest.generation, directory },
            repository: 'local',
          }),
        );
        await expect(published).rejects.toMatchObject({ code: 'StagingLost' });
      }
    },
  );

  it('captures nothing for other recipients than the configured ones, nor with anything else that is not configured', async () => {
    config.clusters['prod']!.backup.encryption = { age: ['age1ana'] };
    const own = backupPlanOf(controller, 'prod');
    const health = { leader: 'vault-1', clusterId: '', clusterName: '', serverVersion: '', nodes: [], warnings: [] };
    for (const change of [
      { encryption: { method: 'age' as const, recipients: ['age1eve'], gpgHome: null } },
      { encryption: { method: 'none' as const, recipients: [], gpgHome: null } },
      { canary: 'secret/data/other' },
      { nodes: [{ name: 'vault-1', address: 'https://attacker:8200' }] },
      { repositories: ['attackers'] },
    ]) {
      const capture = inBackup(() =>
        steps.captureSnapshot({ plan: { ...own, ...change }, health, bundles: [], run: RUN.run }),
      );
      await expect(capture).rejects.toMatchObject({ code: 'InvalidConfiguration', retryable: false });
    }
    await expect(readdir(inTest('state'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('keeps configuration files only of nodes that have any, under their own name', async () => {
    const content = Buffer.from('sealed');
    const stage = (bundle: object) =>
      inBackup(() =>
        steps.stageBundle({
          ...RUN,
          bundle: {
            node: 'vault-1',
            file: 'config-vault-1.tar.gz.age',
            ...digestOf(content),
            content: content.toString('base64'),
            ...bundle,
          },
        }),
      );
    const damaged = { code: 'CopyDamaged', retryable: false };

    await expect(stage({})).rejects.toMatchObject(damaged);
    controller.cluster('prod').nodes[0]!.configFiles = ['/etc/vault.d'];
    await expect(stage({})).resolves.toMatchObject({ node: 'vault-1' });
    await expect(stage({ file: 'config-vault-2.tar.gz.age' })).rejects.toMatchObject(damaged);
    await expect(stage({ node: 'vault-2', file: 'config-vault-2.tar.gz.age' })).rejects.toMatchObject(damaged);
    expect(await readdir(inTest('state/staging/prod/run-1/bundles'))).toEqual(['config-vault-1.tar.gz.age']);
  });

  it('is written down as of its own run alone, and of a recovery only when one asked', async () => {
    const record = {
      ...RUN,
      id: 'run-1/1',
      at: '2026-11-23T04:00:00.000Z',
      action: 'restore.plan',
      outcome: 'info' as const,
      actor: 'ana',
      details: {},
    };
    const denied = { code: 'PermissionDenied', retryable: false };

    await expect(
      restoreEnvironment('run-1').run(() => steps.recordAudit({ ...record, id: 'run-2/1' })),
    ).rejects.toMatchObject(denied);
    await expect(
      restoreEnvironment('run-1').run(() => steps.recordAudit({ ...record, action: 'backup' })),
    ).rejects.toMatchObject(denied);
    await expect(inBackup(() => steps.recordAudit(record))).rejects.toMatchObject(denied);
    await restoreEnvironment('run-1').run(() => steps.recordAudit(record));

    expect((await readFile(inTest('state/audit.jsonl'), 'utf8')).trim().split('\n')).toHaveLength(1);
  });

  it('is closed as a backup of its own alone: a line, then its staging is gone, and the trail is where it can be', async () => {
    const record = {
      ...RUN,
      id: 'run-1/success',
      at: '2026-11-23T04:00:00.000Z',
      action: 'backup',
      outcome: 'success' as const,
      actor: 'vault-dr',
      details: {},
    };
    const denied = { code: 'PermissionDenied', retryable: false };
    await mkdir(inTest('state', 'staging', 'prod', 'run-1', '0a1b2c3d'), { recursive: true });
    await mkdir(inTest('state', 'staging', 'prod', 'run-2'), { recursive: true });
    await mkdir(inTest('local'));
    const close = (change: object, repositories = ['local']) =>
      steps.closeBackup({ record: { ...record, ...change }, repositories });

    await expect(inBackup(() => close({ run: 'run-2', id: 'run-2/success' }))).rejects.toMatchObject(denied);
    await expect(inBackup(() => close({ action: 'restore.approve' }))).rejects.toMatchObject(denied);
    await expect(restoreEnvironment('run-1').run(() => close({}))).rejects.toMatchObject(denied);
    await expect(restoreEnvironment('run-1').run(() => close({ action: 'restore.end' }))).rejects.toMatchObject(denied);
    expect(await readdir(inTest('state'))).toEqual(['staging']);

    const left = await inBackup(() => close({}, ['local', 'another']));
    await inBackup(() => close({}, ['local']));

    expect(left).toEqual(['another']);
    expect((await readFile(inTest('state/audit.jsonl'), 'utf8')).trim().split('\n')).toHaveLength(1);
    expect(await readdir(inTest('state/staging/prod'))).toEqual(['run-2']);
    expect(await readdir(inTest('local', 'prod'))).toEqual(['audit', 'trail']);
  });

  it('is reported to the alternates that are configured, and to nobody else', async () => {
    await mkdir(inTest('told'));
    await writeFile(inTest('tell.sh'), `cat > ${inTest('told', 'message')}`);
    config.notify = { command: ['sh', inTest('tell.sh')] };
    controller.cluster('prod').restore.reminders.alternates = ['frank'];
    const message = {
      ...RUN,
      id: 'run-1/notification/1',
      event: 'escalation' as const,
      text: 'x',
      alternates: ['eve'],
    };

    await restoreEnvironment('run-1').run(() => steps.notify(message));

    expect(JSON.parse(await readFile(inTest('told/message'), 'utf8'))).toMatchObject({ alternates: ['frank'] });
  });
});
