import type { BackupResult } from '../../src/contract/backup';
import type { SampleSecret } from '../../src/lab/secrets';
import { useLab } from '../support/lab';
import { untilReadable, valuesOf, votersOf } from '../support/lab-view';
import { restoreDriver } from '../support/restore-driver';

/** Both halves of it together: a backup for which a node was stopped, and the cluster back from it. */
describe('a cluster that is backed up by copies of a node', () => {
  const lab = useLab({ shape: 'raft-copied' });
  const driver = () => restoreDriver(lab());
  let kept: SampleSecret[];

  it('is backed up with the help of its key holders', async () => {
    kept = await lab().writeSecrets(10);
    const backup = driver().json<BackupResult>(['backup', '--cluster', 'lab']);
    await driver().unsealAll(lab().unsealShares);

    expect(await backup).toMatchObject({ missing: [], copies: [{ check: 'hashed' }, { check: 'hashed' }] });
    expect(await votersOf(lab(), 'vault-1')).toHaveLength(3);
  }, 180_000);

  it('comes back when all data is lost, and is backed up by a snapshot at the end', async () => {
    for (const { name } of lab().nodes) await lab().killVault(name);
    await lab().destroyDataDirectories();

    await driver().start();
    await driver().approve();
    await driver().unsealAll(lab().unsealShares, 180_000);
    const report = await driver().result();

    expect(report).toMatchObject({ status: 'completed', plan: { archive: 'filesystem' } });
    expect(report.backup).toHaveProperty('generation');
    expect(await votersOf(lab(), 'vault-1')).toEqual(['vault-1', 'vault-2', 'vault-3']);
    await untilReadable(lab(), kept[0]!, 'vault-3');
    expect(await valuesOf(lab(), kept)).toEqual(kept.map(({ value }) => value));
  }, 300_000);
});
