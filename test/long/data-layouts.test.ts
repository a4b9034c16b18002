import { readdir } from 'node:fs/promises';
import type { RecoveryReport } from '../../src/contract/recovery';
import type { RestorePlan } from '../../src/contract/plan';
import type { LabNode } from '../../src/lab/layout';
import type { SampleSecret } from '../../src/lab/secrets';
import { waitFor } from '../../src/lab/processes';
import { useLab } from '../support/lab';
import { untilReadable, valuesOf } from '../support/lab-view';
import { describeWithMounts } from '../support/mounts';
import { restoreDriver } from '../support/restore-driver';

/** Real Vaults serve beside what was set aside in their own directory; none of them minds what it doesn't know. */
describeWithMounts('data directories that are links to volumes', () => {
  const lab = useLab({ shape: 'data-link' });
  const driver = () => restoreDriver(lab());
  const nodes = () => lab().nodes as readonly LabNode[];
  let kept: SampleSecret[];

  beforeAll(async () => {
    kept = await lab().writeSecrets(5);
    await driver().json(['backup', '--cluster', 'lab']);
  }, 60_000);

  it('are set aside inside, as the plan says, and put back', async () => {
    const newer = await lab().writeSecrets(2);
    const { plan } = await driver().json<{ plan: RestorePlan }>([
      'restore',
      '--cluster=lab',
      '--plan',
      '--accept=lose-newer-data',
    ]);
    const run = await restoreUntilUnseal();
    const during = await insideOf('vault-1');
    await lab().cli(['roll-back', '--cluster', 'lab', '--as', 'bob']);
    await driver().unsealAll(lab().unsealShares);
    const report = await driver().result(1);

    for (const { name, dataDir } of nodes()) {
      expect(plan.steps.find(({ node }) => node === name)?.steps).toContain(
        `move the contents of ${dataDir} into ${dataDir}/.pre-restore-…`,
      );
    }
    expect(during).toEqual(expect.arrayContaining([`.pre-restore-${run}`, '.vault-dr-run', 'vault.db']));
    expect(report).toMatchObject({ status: 'rolled back', setAside: [] });
    for (const { name } of nodes()) {
      await untilReadable(lab(), newer[0]!, name);
      expect((await insideOf(name)).filter((entry) => entry.startsWith('.pre-restore'))).toEqual([]);
    }
    expect(await insideOf('vault-1')).toContain(`.rolled-back-${run}`);
  }, 180_000);

  it('survive on one disk: the quorum is recovered from a copy inside, and what was set aside is removed', async () => {
    const acknowledged = await lab().writeSecrets(2);
    await lab().destroyDataDirectories(['vault-1', 'vault-2']);

    await driver().json(['recover-quorum', '--cluster', 'lab', '--as', 'ana', '--detach']);
    await driver().approve();
    await driver().unsealAll(lab().unsealShares);
    const report = await driver().result();
    const { run, setAside } = report;
    await driver().json([
      'remove-set-aside',
      '--cluster=lab',
      `--run=${run}`,
      '--accept=grace',
      '--as=ana',
      '--detach',
    ]);
    await driver().approve();
    const removal = await driver().result();

    expect(report).toMatchObject({ status: 'completed', method: 'peers', plan: { firstNode: 'vault-3' } });
    for (const { name } of nodes()) await untilReadable(lab(), acknowledged[0]!, name);
    expect(await valuesOf(lab(), kept)).toEqual(kept.map(({ value }) => value));
    const paths = setAside.flatMap(({ path }) => path ?? []);
    expect(paths).toContain(`${nodes()[2]!.volume}/.pre-restore-${run}`);
    expect(removal.removed.map(({ path }) => path).toSorted()).toEqual(paths.toSorted());
    for (const { name } of nodes()) expect((await insideOf(name)).join()).not.toContain(run);
  }, 180_000);

  async function restoreUntilUnseal(): Promise<string> {
    await driver().start('--accept', 'lose-newer-data');
    await driver().approve();
    const { run } = await driver().reached('unseal', 90_000);
    return run;
  }

  const insideOf = (name: string) => readdir(nodes().find((node) => node.name === name)?.volume ?? '');
});

describeWithMounts('a data directory that is a mount point', () => {
  const lab = useLab({ shape: 'mount-point', nodes: 1 });

  it('is lost, and restored into the empty volume', async () => {
    const driver = restoreDriver(lab());
    const kept = await lab().writeSecrets(3);
    await driver.json(['backup', '--cluster', 'lab']);
    await lab().destroyDataDirectories();
    await driver.start();
    await driver.approve();
    await driver.unsealAll(lab().unsealShares);

    expect(await driver.result()).toMatchObject({ status: 'completed', errors: [] });
    expect(await valuesOf(lab(), kept)).toEqual(kept.map(({ value }) => value));
  }, 120_000);
});

describe('logs that raft-wal keeps', () => {
  const lab = useLab({ shape: 'raft-wal' });
  const driver = () => restoreDriver(lab());

  it('say which disk is the newest; what is recovered from it is backed up, lost and restored', async () => {
    const kept = await lab().writeSecrets(3);
    await driver().json(['backup', '--cluster', 'lab']);
    await stop('vault-3');
    const newer = await lab().writeSecrets(3);
    await stop('vault-2');
    await lab().destroyDataDirectories(['vault-1']);
    await Promise.all(['vault-2', 'vault-3'].map((name) => lab().agents[name]!.start()));

    await driver().json(['recover-quorum', '--cluster', 'lab', '--as', 'ana', '--detach']);
    await driver().approve();
    await driver().unsealAll(lab().unsealShares);
    const recovered = await driver().result();
    const values = await valuesOf(lab(), [...kept, ...newer]);
    await lab().destroyDataDirectories();
    await driver().start();
    await driver().approve();
    await driver().unsealAll(lab().unsealShares);
    const restored = await driver().result();

    expect(recovered).toMatchObject({
      status: 'completed',
      plan: { firstNode: 'vault-2', lastLogIndex: expect.any(Number) as number, accepted: [] },
    } satisfies { status: string; plan: unknown });
    expect(restored).toMatchObject({ status: 'completed', errors: [] } satisfies Partial<RecoveryReport>);
    for (const found of [values, await valuesOf(lab(), [...kept, ...newer])]) {
      expect(found).toEqual([...kept, ...newer].map(({ value }) => value));
    }
  }, 240_000);

  /** The agent first, or it would start the Vault again. */
  async function stop(name: string): Promise<void> {
    await lab().agents[name]!.kill();
    await lab().killVault(name);
    await waitFor(`${name} is down`, async () => (await lab().vaultPid(name)) === undefined, {
      timeoutMs: 10_000,
    });
  }
});
