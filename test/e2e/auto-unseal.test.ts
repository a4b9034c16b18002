import { readFile, rename, rm, mkdir } from 'node:fs/promises';
import type { RecoveryPhase, RecoveryReport } from '../../src/contract/recovery';
import { writePrivateFile } from '../../src/lab/lab-files';
import { waitFor } from '../../src/lab/processes';
import type { SampleSecret } from '../../src/lab/secrets';
import { createVaultApi } from '../../src/lab/vault-api';
import { formCluster, furnishCluster } from '../../src/lab/vault-cluster';
import { useLab } from '../support/lab';
import { leftBeside, sealStatus, untilReadable, valuesOf, votersOf } from '../support/lab-view';
import { restoreDriver } from '../support/restore-driver';

/** A cluster that another Vault unseals: nobody has shares, and nothing works without that Vault. */
describe('recoveries of an auto-unseal cluster', () => {
  const lab = useLab({ seal: 'transit', staging: 1 });
  const driver = () => restoreDriver(lab());
  const names = () => lab().nodes.map(({ name }) => name);
  let kept: SampleSecret[];
  let newer: SampleSecret[];
  let original: { cluster_id: string; cluster_name: string };

  beforeAll(async () => {
    kept = await lab().writeSecrets(10);
    await driver().json(['backup', '--cluster', 'lab']);
    newer = await lab().writeSecrets(3);
    original = await sealStatus(lab(), 'vault-1');
  }, 60_000);

  it('plans with the token that the seal itself uses, so that the seal counts as checked', async () => {
    const planned = await driver().json<RecoveryReport>([
      'restore',
      '--cluster=lab',
      '--plan',
      '--accept=lose-newer-data',
    ]);

    expect(planned.warnings.join()).not.toContain('not checked');
    expect(planned.plan).toMatchObject({
      seal: { type: 'transit' },
      recoveryConfig: { secretShares: 5, secretThreshold: 3 },
    });
    expect(planned.plan?.steps[0]?.steps).toContain('unseals by itself (transit)');
  }, 60_000);

  it('refuses to plan while the Vault of the seal is down, node by node, and changes nothing', async () => {
    await lab().sealVault!.stop();
    await Promise.all(names().map((name) => lab().killVault(name)));

    const refused = await driver().refusal('--accept', 'lose-newer-data');
    await lab().sealVault!.start();

    for (const name of names()) {
      expect(refused).toMatch(new RegExp(`- ${name}: The transit seal's Vault at https://\\S+ does not answer\\.`));
    }
    expect(refused).toContain('Nothing was changed');
    expect(await leftBeside(lab())).toEqual([]);
    for (const name of names()) await untilReadable(lab(), newer[0]!, name);
  }, 120_000);

  it('comes back whole without a share, though an agent is killed during the install', async () => {
    await lab().destroyDataDirectories();

    await driver().start();
    await driver().approve();
    await driver().reached('install');
    await lab().agents['vault-1']!.kill();
    await lab().agents['vault-1']!.start();
    const report = await driver().result();

    expect(report).toMatchObject({ status: 'completed', shares: null, backup: { generation: expect.any(String) } });
    // Nobody was waited for, but the one who approves.
    expect(report.phases.filter(({ humanSeconds }) => humanSeconds > 0).map(({ phase }) => phase)).toEqual(['approve']);
    expect(report.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'voter']);
    for (const name of names()) {
      expect(await sealStatus(lab(), name)).toMatchObject({
        sealed: false,
        cluster_id: original.cluster_id,
        cluster_name: original.cluster_name,
        t: 3,
        n: 5,
      });
      expect(await votersOf(lab(), name)).toEqual(names());
      expect(await valuesOf(lab(), kept, name)).toEqual(kept.map(({ value }) => value));
    }
    expect(await valuesOf(lab(), newer)).toEqual(newer.map(() => null));
  }, 180_000);

  // Nobody is waited for, so the run stands still only where something fails: an agent that is gone, an agent that hangs.
  it.each<[RecoveryPhase, string]>([
    ['install', 'vault-1'],
    ['join', 'vault-3'],
  ])(
    'leads back from the phase %s, in which the agent of %s hangs, with all that was written before',
    async (phase, name) => {
      const agent = lab().agents[name]!;
      const [last] = await lab().writeSecrets(1);

      await driver().start('--accept', 'lose-newer-data');
      await driver().approve();
      await driver().reached('install', 90_000);
      agent.freeze();
      await driver().reached(phase, 90_000);
      const { stdout } = await lab().cli(['roll-back', '--cluster', 'lab', '--as', 'bob']);
      agent.thaw();
      const report = await driver().result(1);

      expect(stdout).toContain(`Rolling back from the phase '${phase}'`);
      expect(report).toMatchObject({ status: 'rolled back', shares: null, rollBack: { by: 'bob' }, setAside: [] });
      expect(report.warnings.join()).not.toContain('does not serve');
      for (const member of names()) await untilReadable(lab(), last!, member);
      expect((await leftBeside(lab())).filter((path) => path.includes('pre-restore'))).toEqual([]);
    },
    180_000,
  );

  it('rebuilds one lost node without asking anyone', async () => {
    const { dataDir } = lab().nodes[2]!;
    await rename(dataDir, `${dataDir}.lost`);
    await lab().killVault('vault-3');

    await driver().json(['rebuild-node', '--cluster', 'lab', '--node', 'vault-3', '--as', 'ana', '--detach']);
    await driver().approve();
    const report = await driver().result();

    expect(report).toMatchObject({ status: 'completed', method: 'rebuild', shares: null });
    expect(report.phases.filter(({ humanSeconds }) => humanSeconds > 0).map(({ phase }) => phase)).toEqual(['approve']);
    await untilReadable(lab(), kept[0]!, 'vault-3');
    expect(await votersOf(lab(), 'vault-3')).toEqual(names());
  }, 120_000);

  it('recovers a lost quorum from the disk that survived, and nobody is asked for a share', async () => {
    const acknowledged = await lab().writeSecrets(2);
    for (const { name, dataDir } of lab().nodes.slice(0, 2)) {
      await rename(dataDir, `${dataDir}.gone`);
      await lab().killVault(name);
    }

    await driver().json(['recover-quorum', '--cluster', 'lab', '--as', 'ana', '--detach']);
    await driver().approve();
    const report = await driver().result();

    expect(report).toMatchObject({
      status: 'completed',
      method: 'peers',
      shares: null,
      plan: { firstNode: 'vault-3' },
    });
    for (const name of names()) await untilReadable(lab(), acknowledged[0]!, name);
    expect(await votersOf(lab(), 'vault-3')).toEqual(names());
  }, 180_000);

  it('restores in place, and is refused nothing that Shamir is not', async () => {
    const [lost] = await lab().writeSecrets(1);

    await driver().start('--in-place');
    await driver().approve();
    const report = await driver().result();

    expect(report).toMatchObject({ status: 'completed', method: 'inPlace', shares: null });
    expect(await lab().readSecret(lost!.path)).toBeNull();
    expect(await valuesOf(lab(), kept)).toEqual(kept.map(({ value }) => value));
  }, 120_000);

  it('refuses a snapshot of key holders on nodes with a seal, and the reverse, and says what to do', async () => {
    await makeShamirCluster();
    await driver().json(['backup', '--cluster', 'staging']);

    const accept = ['--accept', 'other-cluster', '--accept', 'login'];
    const shamirIntoAuto = await restoreDriver(lab(), { cluster: 'lab', source: 'staging' }).refusal(...accept);
    const autoIntoShamir = await restoreDriver(lab(), { cluster: 'staging', source: 'lab' }).refusal(...accept);

    for (const name of names()) {
      expect(shamirIntoAuto).toContain(
        `- ${name}: it has the auto-unseal seal 'transit', but the snapshot needs the key holders' shares (shamir): restore with the old seal first`,
      );
    }
    expect(autoIntoShamir).toContain(
      "- staging-1: it has no auto-unseal seal, but the snapshot opens only with the seal 'transit' (recovery keys never unseal)",
    );
    expect(await valuesOf(lab(), kept)).toEqual(kept.map(({ value }) => value));
    expect(await leftBeside(lab().staging!)).toEqual([]);
  }, 120_000);

  /** The second cluster, rebuilt without a seal stanza: one that is unsealed with shares, beside one that is not. */
  async function makeShamirCluster(): Promise<void> {
    const staging = lab().staging!;
    const [node] = staging.nodes;
    const config = await readFile(node!.vaultConfigFile, 'utf8');
    await staging.agents[node!.name]!.stop();
    await staging.killVault(node!.name);
    await writePrivateFile(node!.vaultConfigFile, config.replace(/\nseal "transit" \{[^}]*\}\n/, ''));
    await rm(node!.dataDir, { recursive: true });
    await mkdir(node!.dataDir);
    await staging.agents[node!.name]!.start();
    await waitFor('staging-1 is blank', async () => !(await sealStatus(staging, node!.name)).initialized, {
      timeoutMs: 30_000,
    });

    const caPem = await readFile(`${lab().directory}/tls/ca.pem`, 'utf8');
    const api = createVaultApi(caPem);
    const { rootToken } = await formCluster(api, [node!], { caPem, seal: 'shamir' });
    const { backup } = await furnishCluster(api, node!, rootToken);
    await writePrivateFile(`${lab().directory}/secrets/staging-role-id`, `${backup.roleId}\n`);
    await writePrivateFile(`${lab().directory}/secrets/staging-secret-id`, `${backup.secretId}\n`);
  }
});
