import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../src/lab/processes';
import type { SampleSecret } from '../../src/lab/secrets';
import { copiesOf, wholeBackup } from '../support/backups';
import { addBallast } from '../support/ballast';
import { useFaultTable } from '../support/fault-table';
import { useLab } from '../support/lab';
import { valuesOf } from '../support/lab-view';
import { attemptsOf } from '../support/pending';
import { restoreDriver } from '../support/restore-driver';
import { describeWithSlowDisks, type SlowDisk, slowDisk } from '../support/slow-disk';

/**
 * Longer than a run waits for a silent agent: heartbeats stop after 20 s without progress, and time out after 10 more.
 */
const STANDSTILL_MS = 35_000;

/** Real disks that take their time with each flush, under the controller, under Vault, and under the agents. */
describeWithSlowDisks('a run takes its time on a slow disk, and does nothing twice', () => {
  const lab = useLab();
  const report = useFaultTable();
  let secrets: SampleSecret[];
  /** Seconds of a backup with nothing slow. */
  let usual: number;
  let disk: SlowDisk | undefined;

  beforeAll(async () => {
    await addBallast(lab(), 10);
    secrets = await lab().writeSecrets(10);
    // The first one waits for what is started only then.
    await wholeBackup(lab());
    usual = (await wholeBackup(lab())).seconds;
  }, 60_000);

  afterEach(async () => {
    await disk?.repair();
    disk = undefined;
  });

  it('a backup, on a controller whose disk takes 0.1 s for each flush', async () => {
    const before = await generations();
    disk = await slowDisk([controllerPid()], 100, lab().directory);
    const { result, seconds } = await wholeBackup(lab());

    const flushed = await disk.flushed();
    expect(snapshotsIn(flushed)).toHaveLength(1);
    // Some overlap. Not compared with the usual time, which was measured while the machine did something else.
    expect(seconds).toBeGreaterThan((flushed.length * 0.1) / 2);
    await expectOneBackup(before);
    expect(copiesOf(result)).toEqual(['local hashed', 'offsite hashed']);
    report(`Each of ${flushed.length} flushes of the controller takes 0.1 s`, `backed up; usually ${usual} s`, seconds);
  }, 60_000);

  it('a backup, on a controller whose disk stands still when it is to flush the snapshot', async () => {
    const before = await generations();
    const running = wholeBackup(lab());
    const staging = join(lab().directory, 'controller', 'staging', 'lab');
    const hasBegun = async () => snapshotsIn(await readdir(staging, { recursive: true })).length > 0;
    await waitFor('the snapshot is being written', hasBegun, { timeoutMs: 30_000, everyMs: 2 });
    lab().controller.freeze();
    disk = await slowDisk([controllerPid()], 600_000, lab().directory);
    lab().controller.thaw();
    await sleep(STANDSTILL_MS);
    const flushed = await disk.flushed();
    await disk.repair();
    const { result, seconds } = await running;

    expect(snapshotsIn(flushed)).toHaveLength(1);
    await expectOneBackup(before);
    expect(copiesOf(result)).toEqual(['local hashed', 'offsite hashed']);
    report(
      `The staging disk stands still for ${STANDSTILL_MS / 1_000} s`,
      `waited, backed up; usually ${usual} s`,
      seconds,
    );
  }, 90_000);

  it('a backup of a cluster whose disks take 0.05 s for each flush', async () => {
    const before = await generations();
    const vaults = await Promise.all(lab().nodes.map(({ name }) => lab().vaultPid(name)));
    disk = await slowDisk(vaults as number[], 50, lab().directory);
    const { result, seconds } = await wholeBackup(lab());

    const flushed = await disk.flushed();
    for (const { dataDir } of lab().nodes) expect(flushed).toContain(join(dataDir, 'raft', 'raft.db'));
    expect(seconds).toBeGreaterThan(2);
    await expectOneBackup(before);
    expect(copiesOf(result)).toEqual(['local hashed', 'offsite hashed']);
    report(`Each of ${flushed.length} flushes of the Vaults takes 0.05 s`, `backed up; usually ${usual} s`, seconds);
  }, 60_000);

  it('a restore onto nodes whose disks take 0.02 s for each flush, under agent and Vault', async () => {
    const driver = restoreDriver(lab());
    const agents = Object.values(lab().agents).map(({ pid }) => pid ?? 0);
    // A Vault that they start is as slow.
    disk = await slowDisk(agents, 20, lab().directory);
    await lab().destroyDataDirectories();
    await driver.start();
    await driver.approve();
    await driver.unsealAll(lab().unsealShares);
    const restored = await driver.result();

    const flushed = await disk.flushed();
    const [first] = lab().nodes;
    expect(flushed).toContain(join(first?.dataDir ?? '', 'vault.db'));
    expect(snapshotsIn(flushed)).toHaveLength(1);
    expect(restored).toMatchObject({ status: 'completed', errors: [], warnings: [] });
    expect(restored.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'voter']);
    expect(await repeatedSteps('restore-lab')).toEqual([]);
    expect(await valuesOf(lab(), secrets)).toEqual(secrets.map(({ value }) => value));
    report(`Each of ${flushed.length} flushes on the nodes takes 0.02 s`, 'restored', restored.rtoMachineSeconds);
  }, 150_000);

  function controllerPid(): number {
    return lab().controller.pid ?? 0;
  }

  function snapshotsIn(paths: string[]): string[] {
    return paths.filter((path) => /\/snapshot\.snap\.[^/]+$/.test(path));
  }

  async function generations(): Promise<number> {
    const names = await readdir(lab().localRepository, { recursive: true });
    return names.filter((name) => name.endsWith('/manifest.json')).length;
  }

  async function expectOneBackup(before: number): Promise<void> {
    expect(await repeatedSteps('backup-lab')).toEqual([]);
    expect(await generations()).toBe(before + 1);
  }

  async function repeatedSteps(workflowId: string): Promise<string[]> {
    const attempts = Object.entries(await attemptsOf(lab(), workflowId));
    expect(attempts.length).toBeGreaterThan(4);
    return attempts.filter(([, count]) => count > 1).map(([step]) => step);
  }
});
