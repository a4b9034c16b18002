import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RestorePlan } from '../../src/contract/plan';
import type { RecoveryReport } from '../../src/contract/recovery';
import type { SampleSecret } from '../../src/lab/secrets';
import { addBallast } from '../support/ballast';
import { copyNode } from '../support/copied-backup';
import { describeWithMounts } from '../support/mounts';
import { useLab } from '../support/lab';
import { sealStatus, untilReadable, valuesOf, votersOf } from '../support/lab-view';
import { restoreDriver } from '../support/restore-driver';

const ALL = ['vault-1', 'vault-2', 'vault-3'];
const plansOf = (plan: RestorePlan) => plan.steps.map(({ steps }) => steps);

/** Copies of data directories come back on hosts other than those they were taken on: vault-2's on vault-1. */
describe('a cluster that has lost all its data', () => {
  const lab = useLab();
  const driver = () => restoreDriver(lab());
  const dataDir = () => lab().nodes[0]!.dataDir;
  let kept: SampleSecret[];
  let newer: SampleSecret[];
  let generation: string;
  let clusterId: string;

  beforeAll(async () => {
    kept = await lab().writeSecrets(10);
    await addBallast(lab(), 40);
    generation = await copyNode(lab(), 'vault-2', { lag: 7 });
    newer = await lab().writeSecrets(2);
    clusterId = (await sealStatus(lab(), 'vault-1')).cluster_id;
  }, 120_000);

  it('would lose what was written since, and its plan says so', async () => {
    const refused = await driver().refusal('--generation', generation);
    const inPlace = await driver().refusal('--generation', generation, '--in-place');
    const { plan } = await driver().json<{ plan: RestorePlan }>([
      'restore',
      '--cluster=lab',
      '--plan',
      `--generation=${generation}`,
      '--accept=lose-newer-data',
    ]);

    expect(refused).toContain('[lose-newer-data, override with --accept lose-newer-data]');
    expect(inPlace).toContain("a backup by the method 'filesystem' can't be restored in place");
    expect(plan).toMatchObject({ method: 'snapshot', archive: 'filesystem', firstNode: 'vault-1' });
    expect(plan.storage).toBeUndefined();
    expect(plansOf(plan)[0]).toContain(
      'unpack the data directory of vault-2, make it the only peer (raft/peers.json), start',
    );
    expect(plan.warnings).toContainEqual(
      expect.stringMatching(/^vault-2 was 7 entries behind the leader when it was stopped and copied/),
    );
  }, 60_000);

  it('is rolled back to what it had, from the middle', async () => {
    await driver().start('--generation', generation, '--accept', 'lose-newer-data');
    await driver().approve();
    await driver().reached('unseal', 60_000);
    await lab().cli(['roll-back', '--cluster', 'lab', '--as', 'bob']);
    await driver().unsealAll(lab().unsealShares);
    const report = await driver().result(1);

    expect(report).toMatchObject({ status: 'rolled back', setAside: [] });
    for (const name of ALL) await untilReadable(lab(), newer[0]!, name);
  }, 150_000);

  it('comes back though the agent dies while it unpacks: original shares, no throwaway key, all members', async () => {
    await lab().destroyDataDirectories();

    await driver().start('--generation', generation);
    await driver().approve();
    const killed = await killWhileUnpacking();
    await driver().unsealAll(lab().unsealShares, 120_000);
    const report: RecoveryReport = await driver().result();

    expect(killed).toBe(true);
    expect(report).toMatchObject({ status: 'completed', plan: { archive: 'filesystem', generation } });
    expect(await votersOf(lab(), 'vault-1')).toEqual(ALL);
    expect((await sealStatus(lab(), 'vault-3')).cluster_id).toBe(clusterId);
    for (const name of ALL) expect(await valuesOf(lab(), kept, name)).toEqual(kept.map(({ value }) => value));
    expect(await lab().readSecret(newer[0]!.path)).toBeNull();
    expect(report.backup).toMatchObject({ generation: expect.any(String) as string });
    // Read and deleted by Vault; and nothing of the attempt that was killed is left.
    expect(existsSync(join(dataDir(), 'raft/peers.json'))).toBe(false);
    expect((await readdir(dataDir())).filter((name) => name.endsWith('.unpacking'))).toEqual([]);
    expect((await readdir(join(dataDir(), '..'))).filter((name) => name.includes('discarded'))).toEqual([]);
  }, 240_000);

  /** The archive in clear is nowhere but in the data directory. */
  async function killWhileUnpacking(): Promise<boolean> {
    const begun = Date.now();
    while (Date.now() - begun < 60_000) {
      if (existsSync(join(dataDir(), 'vault.db.unpacking'))) {
        await lab().agents['vault-1']!.kill();
        const inTime = existsSync(join(dataDir(), 'vault.db.unpacking'));
        await lab().agents['vault-1']!.start();
        return inTime;
      }
      await sleep(2);
    }
    return false;
  }
});

describe('a cluster with its log in files (`raft_wal`), whose login does not work', () => {
  const lab = useLab({ shape: 'raft-wal' });
  const driver = () => restoreDriver(lab());

  it('comes back, and says what it could not check', async () => {
    const kept = await lab().writeSecrets(5);
    const { cluster_id: clusterId } = await sealStatus(lab(), 'vault-1');
    await lab().vault('vault-1', 'DELETE', 'sys/auth/approle');
    const withoutLogin = await copyNode(lab(), 'vault-3', { overrides: { credential: 'c'.repeat(64) } });
    await lab().destroyDataDirectories();

    const refused = await driver().refusal('--generation', withoutLogin);
    await driver().start('--generation', withoutLogin, '--accept', 'login');
    await driver().approve();
    await driver().unsealAll(lab().unsealShares, 120_000);
    const report = await driver().result();

    expect(refused).toContain('[login, override with --accept login]');
    expect(report).toMatchObject({ status: 'completed' });
    expect(report.warnings).toContainEqual(
      expect.stringMatching(
        /^no login works .* so the members of the cluster, the canary and the keys were not checked/,
      ),
    );
    expect((await sealStatus(lab(), 'vault-2')).cluster_id).toBe(clusterId);
    expect(await votersOf(lab(), 'vault-1')).toEqual(ALL);
    for (const name of ALL) expect(await valuesOf(lab(), kept, name)).toEqual(kept.map(({ value }) => value));
  }, 240_000);
});

describe('a single Vault with `storage "file"`', () => {
  const lab = useLab({ shape: 'file-storage' });
  const driver = () => restoreDriver(lab());
  let kept: SampleSecret[];
  let generation: string;

  beforeAll(async () => {
    kept = await lab().writeSecrets(5);
    generation = await copyNode(lab(), 'vault-1');
  }, 60_000);

  it('is not replaced while its data is still there', async () => {
    const serving = await driver().refusal('--generation', generation);
    expect(serving).toContain('[lose-newer-data, override with --accept lose-newer-data]');
  }, 60_000);

  it('comes back from the copy of its files, and back again to what it had', async () => {
    const newer = await lab().writeSecrets(1);
    await driver().start('--generation', generation, '--accept', 'lose-newer-data');
    await driver().approve();
    await driver().reached('unseal', 60_000);
    const { dataDir } = lab().nodes[0]!;
    expect(existsSync(join(dataDir, 'raft'))).toBe(false);
    expect(JSON.parse(await readFile(join(dataDir, 'core/_seal-config'), 'utf8'))).toHaveProperty('Value');
    await lab().cli(['roll-back', '--cluster', 'lab', '--as', 'bob']);
    await driver().unsealAll(lab().unsealShares);
    const back = await driver().result(1);
    expect(back).toMatchObject({ status: 'rolled back' });
    await untilReadable(lab(), newer[0]!, 'vault-1');

    await lab().destroyDataDirectories();
    await driver().start('--generation', generation);
    await driver().approve();
    await driver().unsealAll(lab().unsealShares);
    const report = await driver().result();

    expect(report).toMatchObject({ status: 'completed', plan: { archive: 'filesystem', storage: 'file' } });
    expect(await valuesOf(lab(), kept)).toEqual(kept.map(({ value }) => value));
    expect(await lab().readSecret(newer[0]!.path)).toBeNull();
  }, 240_000);
});

describeWithMounts('a data directory on a mount point of its own', () => {
  const lab = useLab({ shape: 'mount-point' });
  const driver = () => restoreDriver(lab());

  it('takes the copy in, beside what was set aside in it', async () => {
    const kept = await lab().writeSecrets(5);
    const generation = await copyNode(lab(), 'vault-2');

    await driver().start('--generation', generation, '--accept', 'lose-newer-data');
    await driver().approve();
    await driver().unsealAll(lab().unsealShares, 120_000);
    const report = await driver().result();

    expect(report).toMatchObject({ status: 'completed' });
    for (const name of ALL) expect(await valuesOf(lab(), kept, name)).toEqual(kept.map(({ value }) => value));
    const inside = await readdir(lab().nodes[0]!.volume ?? '');
    expect(inside).toEqual(expect.arrayContaining(['vault.db', `.pre-restore-${report.run}`]));
  }, 240_000);
});
