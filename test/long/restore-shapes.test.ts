import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createNodeActivities } from '../../activities/node';
import { clusterOf, hostedNodeOf, loadConfig } from '../../src/config/load';
import type { RecoveryReport } from '../../src/contract/recovery';
import { MARKER } from '../../src/host/data/notes';
import { createServiceDriver } from '../../src/host/service/service';
import type { LabNode } from '../../src/lab/layout';
import { waitFor } from '../../src/lab/processes';
import type { SampleSecret } from '../../src/lab/secrets';
import { succeeded } from '../../src/lab/vault-api';
import { restoreEnvironment } from '../support/activity-environment';
import { useLab } from '../support/lab';
import { startedAt } from '../support/process-age';
import { leaderOf, leftBeside, reconfigure, sealStatus, untilReadable, valuesOf, votersOf } from '../support/lab-view';
import { restoreDriver } from '../support/restore-driver';

/** Restores that are not from a cluster onto itself as it was; each begins with what the one before left. */
describe('restores of another shape', () => {
  const lab = useLab({ staging: 1 });
  const driver = () => restoreDriver(lab());
  const intoStaging = () => restoreDriver(lab(), { cluster: 'staging', source: 'lab' });
  const names = () => lab().nodes.map(({ name }) => name);
  const node = (name: string): LabNode => lab().nodes.find((item) => item.name === name)!;
  let kept: SampleSecret[];
  let newer: SampleSecret[];
  let clusterId: string;

  beforeAll(async () => {
    kept = await lab().writeSecrets(10);
    await driver().json(['backup', '--cluster', 'lab']);
    newer = await lab().writeSecrets(2);
    clusterId = (await sealStatus(lab(), 'vault-1')).cluster_id;
  }, 60_000);

  describe('into another cluster', () => {
    const staging = () => lab().staging!;

    it('asks for a confirmation when there is something to lose', async () => {
      const [theirs] = await staging().writeSecrets(1);

      expect(await intoStaging().refusal()).toContain(
        'staging has its own data, which would be replaced by that of lab [other-cluster, override with --accept other-cluster]',
      );
      expect(await staging().readSecret(theirs!.path)).toBe(theirs!.value);
    }, 60_000);

    it('asks for none on blank nodes, in a drill; the other cluster is untouched', async () => {
      const pids = await Promise.all(names().map((name) => lab().vaultPid(name)));
      await staging().destroyDataDirectories();

      const { workflowId } = await intoStaging().start('--drill');
      await intoStaging().approve();
      await intoStaging().unsealAll(lab().unsealShares);
      const report = await intoStaging().result();

      expect(workflowId).toBe('restore-staging');
      expect(report).toMatchObject({ status: 'completed', cluster: 'staging', plan: { approvals: 1 } });
      await expectLabsData();
      expect(await Promise.all(names().map((name) => lab().vaultPid(name)))).toEqual(pids);
      expect(await valuesOf(lab(), newer)).toEqual(newer.map(({ value }) => value));
      // Its own login is not in the data of the other one.
      expect(report.backup).toBeNull();
      expect(await generationsOf('staging')).toEqual([]);
    }, 120_000);

    it('replaces what is there when that is confirmed', async () => {
      expect(await intoStaging().refusal()).toContain('--accept other-cluster');

      await intoStaging().start('--accept', 'other-cluster');
      await intoStaging().approve();
      await intoStaging().unsealAll(lab().unsealShares);
      const report = await intoStaging().result();

      expect(report).toMatchObject({ status: 'completed', backup: null, plan: { accepted: ['other-cluster'] } });
      expect(report.setAside).toEqual([{ node: 'staging-1', path: expect.stringContaining('.pre-restore-') }]);
      await expectLabsData();
    }, 120_000);

    it('is refused beside the living one, once that has given out what a second Vault would take back', async () => {
      await leaseOfAnEngine();
      await driver().json(['backup', '--cluster', 'lab']);

      const refused = await intoStaging().refusal('--drill', '--accept', 'other-cluster');
      const { plan } = await intoStaging().json<RecoveryReport>([
        'restore',
        '--cluster=lab',
        '--into=staging',
        '--drill',
        '--plan',
        '--accept=other-cluster',
        '--accept=live-credentials',
      ]);

      expect(refused).toMatch(
        /- lab is running, and the backup holds credentials and devices of other systems: leases \(pki 1\)\. As soon as staging is unsealed/,
      );
      expect(refused).toContain('--accept live-credentials');
      expect(plan).toMatchObject({ approvals: 1, accepted: ['live-credentials', 'other-cluster'] });
    }, 90_000);

    /** The one engine of the small build whose leases can be had without another server. */
    async function leaseOfAnEngine(): Promise<void> {
      const leader = await leaderOf(lab());
      const ask = async (path: string, body: object) =>
        succeeded(await lab().vault(leader, 'POST', path, { body }), `set up ${path}`);
      await ask('sys/mounts/pki', { type: 'pki' });
      await ask('pki/root/generate/internal', { common_name: 'lab' });
      await ask('pki/roles/app', { allow_any_name: true, generate_lease: true, ttl: '1h' });
      await ask('pki/issue/app', { common_name: 'app' });
    }

    /** With the root token, shares and identity of the cluster that was backed up. */
    async function expectLabsData(): Promise<void> {
      const { status, body } = await staging().vault('staging-1', 'GET', `secret/data/${kept[0]!.path}`, {
        token: lab().rootToken,
      });
      expect(status).toBe(200);
      expect(body).toMatchObject({ data: { data: { value: kept[0]!.value } } });
      const gone = { token: lab().rootToken };
      expect((await staging().vault('staging-1', 'GET', `secret/data/${newer[0]!.path}`, gone)).status).toBe(404);
      expect(await sealStatus(staging(), 'staging-1')).toMatchObject({ cluster_id: clusterId, sealed: false });
    }
  });

  describe('on a host that is not what it should be', () => {
    afterAll(async () => {
      await lab().agents['vault-3']!.start();
      await untilReadableAfterUnseal('vault-3');
    }, 60_000);

    it('refuses a node whose Vault goes by another name', async () => {
      const { vaultConfigFile } = node('vault-3');
      const config = await readFile(vaultConfigFile, 'utf8');
      await writeFile(vaultConfigFile, config.replace('"vault-3"', '"vault-9"'));
      try {
        expect(await driver().refusal('--accept', 'lose-newer-data')).toContain(
          "- vault-3: its Vault is configured as node 'vault-9', not 'vault-3': check that this is the right host",
        );
      } finally {
        await writeFile(vaultConfigFile, config);
      }
    }, 60_000);

    it('refuses the data of another cluster, in the plan and once more before it moves them', async () => {
      const { dataDir } = node('vault-3');
      await lab().agents['vault-3']!.stop();
      await lab().killVault('vault-3');
      await rename(dataDir, `${dataDir}.own`);
      await cp(lab().staging!.nodes[0]!.dataDir, dataDir, { recursive: true });
      await lab().agents['vault-3']!.start();

      const refused = await driver().refusal('--accept', 'lose-newer-data');
      await lab().agents['vault-3']!.stop();
      await lab().killVault('vault-3');
      const late = setAsideByHand('vault-3');

      expect(refused).toMatch(
        /- vault-3: \S+ holds the data of another cluster, with the peers staging-1 \(\S+\) \[other-cluster, override with --accept other-cluster\]/,
      );
      await expect(late).rejects.toMatchObject({
        code: 'NodeUnsafe',
        message: expect.stringContaining('It was not touched.'),
      });
      expect((await leftBeside(lab())).filter((path) => path.includes('pre-restore'))).toEqual([]);
      expect(await readdir(dataDir)).toContain('vault.db');
      await rm(dataDir, { recursive: true });
      await rename(`${dataDir}.own`, dataDir);
      await writeFile(join(node('vault-3').stateDir, 'vault.wanted'), 'running\n');
    }, 60_000);

    /** The step itself, on the node itself: what came after the plan can't be put there in time from outside. */
    async function setAsideByHand(name: string): Promise<void> {
      const config = await loadConfig(lab().configFile);
      const configured = clusterOf(config, 'lab');
      // There is no open run that anybody could have approved either.
      const cluster = { ...configured, restore: { ...configured.restore, approvers: undefined } };
      const own = hostedNodeOf(cluster, name);
      const driverOfNode = createServiceDriver(own);
      const steps = createNodeActivities({
        config,
        clusterName: 'lab',
        cluster,
        node: own,
        driver: driverOfNode,
        // There is no open run at Temporal whose attempt this could be.
        confirmAttempt: () => Promise.resolve({ startedAt: claim.startedAt }),
        isOver: () => Promise.resolve(false),
      });
      const claim = {
        run: '019ab3c4-0000-7000-8000-000000000001',
        cluster: 'lab',
        startedAt: new Date().toISOString(),
      };
      const environment = restoreEnvironment(claim.run, 'lab');
      await environment.run(() => steps.claimForRun({ claim, approved: null }));
      await environment.run(() => steps.stopNode({ claim }));
      await environment.run(() => steps.setAsideData({ claim, how: 'rename', otherCluster: false }));
    }
  });

  describe('with another number of nodes', () => {
    let before: Awaited<ReturnType<typeof reconfigure>>;

    it('refuses to delete old data, or to rehearse, where that was not allowed', async () => {
      for (const name of ['vault-2', 'vault-3']) await stopForGood(name);
      before = await reconfigure(
        lab(),
        ({ clusters }) => {
          clusters['lab']!.nodes = clusters['lab']!.nodes.slice(0, 1);
          clusters['lab']!.restore = { ...clusters['lab']!.restore, setAside: 'delete' };
          delete clusters['staging']!.restore!.drills;
        },
        { without: ['vault-2', 'vault-3'] },
      );

      expect(await driver().refusal('--accept', 'lose-newer-data')).toContain(
        'restore.setAside is `delete`: the old data directories are deleted, and there is no roll-back [delete-data, override with --accept delete-data]',
      );
      const drill = await lab().cli(['restore', '--cluster', 'lab', '--into', 'staging', '--drill', '--plan']);
      expect(drill.code).not.toBe(0);
      expect(drill.stderr).toContain("The configuration does not allow drills on 'staging'.");
    }, 90_000);

    it('brings a snapshot of three nodes back on one; what was deleted has no way back', async () => {
      await driver().start('--accept', 'delete-data', '--accept', 'lose-newer-data');
      await driver().approve();
      await driver().reached('unseal', 90_000);
      const back = await lab().cli(['roll-back', '--cluster', 'lab', '--as', 'bob']);
      await driver().unsealAll(lab().unsealShares);
      const report = await driver().result();

      expect(back.code).toBe(5);
      expect(back.stdout).toContain('The old data was deleted, as configured, so there is no roll-back.');
      expect(report).toMatchObject({
        status: 'completed',
        setAside: [{ node: 'vault-1', path: null }],
        setAsideUntil: null,
      });
      expect(report.warnings.join()).toContain('nothing stops vault-2, vault-3: make sure that they are off');
      expect(await votersOf(lab(), 'vault-1')).toEqual(['vault-1']);
      expect(await valuesOf(lab(), kept, 'vault-1')).toEqual(kept.map(({ value }) => value));
      expect((await leftBeside(lab())).filter((path) => path.includes('/vault-1/'))).toEqual([]);
    }, 120_000);

    it('brings a snapshot of one node back on three, and restarts them one by one without asking again', async () => {
      const [last] = await lab().writeSecrets(1);
      await driver().json(['backup', '--cluster', 'lab']);
      await reconfigure(lab(), (config) => {
        const { restore } = before.clusters['lab']!;
        config.clusters['lab'] = { ...before.clusters['lab']!, restore: { ...restore, rollingRestart: true } };
      });

      await driver().start('--accept', 'lose-newer-data');
      await driver().approve();
      await driver().unsealAll(lab().unsealShares);
      const report = await driver().result();

      expect(report).toMatchObject({ status: 'completed', errors: [] });
      expect(report.shares?.accepted).toHaveLength(3);
      const converge = report.phases.find(({ phase }) => phase === 'converge');
      expect(converge?.humanSeconds).toBe(0);
      // By the age of the processes: the first restart may come before anybody can look.
      const since = Date.parse(converge?.startedAt ?? '');
      const isNew = async (name: string) => (await startedAt((await lab().vaultPid(name)) ?? 0)) >= since;
      expect(await Promise.all(names().map(isNew))).toEqual([false, true, true]);
      for (const name of names()) {
        expect(await votersOf(lab(), name)).toEqual(names());
        await untilReadable(lab(), last!, name);
      }
      expect(await leaderOf(lab())).not.toBe('vault-1');
    }, 180_000);

    it('rebuilds a node whose empty directory got old data, and starts nothing on a directory of others', async () => {
      await driver().json(['backup', '--cluster', 'lab']);
      await driver().start('--accept', 'lose-newer-data');
      await driver().approve();
      const { run } = await driver().waitUntil('shares are taken', (now) => now.waitingFor === 'shares', 90_000);
      // Old data comes back into the directory that the run has made, and in place of it.
      const [two, three] = [node('vault-2').dataDir, node('vault-3').dataDir];
      for (const name of ['vault.db', 'raft']) {
        await cp(join(`${two}.pre-restore-${run}`, name), join(two, name), { recursive: true });
      }
      await rm(three, { recursive: true });
      await cp(`${three}.pre-restore-${run}`, three, { recursive: true });
      await rm(join(three, MARKER), { force: true });
      await driver().unsealAll(lab().unsealShares);
      const { parked } = await driver().waitUntil('vault-3 is parked', (now) => now.parked.length > 0, 90_000);
      await rename(three, `${three}.theirs`);
      await driver().json(['resume', '--cluster', 'lab', '--as', 'ana']);
      const report = await driver().result();

      expect(parked).toMatchObject([{ node: 'vault-3', code: 'NodeUnsafe', phase: 'join' }]);
      expect(report.status).toBe('completed');
      expect(report.errors.toSorted((left, right) => left.code.localeCompare(right.code))).toMatchObject([
        { node: 'vault-3', code: 'NodeUnsafe', outcome: 'resume by ana' },
        { node: 'vault-2', code: 'ServiceFailed', outcome: 'repaired by the run itself' },
      ]);
      for (const name of names()) {
        expect(await votersOf(lab(), name)).toEqual(names());
        await untilReadable(lab(), kept[0]!, name);
      }
      expect(await readdir(`${three}.theirs`)).toContain('vault.db');
    }, 180_000);
  });

  async function untilReadableAfterUnseal(name: string): Promise<void> {
    await waitFor(`${name} answers`, () => sealStatus(lab(), name), { timeoutMs: 30_000 });
    for (const key of lab().unsealShares.slice(0, 3)) {
      await lab().vault(name, 'POST', 'sys/unseal', { body: { key } });
    }
    await untilReadable(lab(), kept[0]!, name);
  }

  async function stopForGood(name: string): Promise<void> {
    await lab().agents[name]!.stop();
    await lab().killVault(name);
  }

  async function generationsOf(cluster: string): Promise<string[]> {
    const { copies } = await driver().json<{ copies: { generation: string }[] }>([
      'generations',
      'list',
      '--cluster',
      cluster,
    ]);
    return [...new Set(copies.map(({ generation }) => generation))].toSorted();
  }
});
