import type { SampleSecret } from '../../src/lab/secrets';
import { useLab } from '../support/lab';
import { valuesOf } from '../support/lab-view';
import { restoreDriver } from '../support/restore-driver';

/** Where Vault makes its node ids a node that was blank has another one than before, at the same address. */
describe.each(['no-node-id', 'retry-join'] as const)('recoveries of single nodes of the shape %s', (shape) => {
  const lab = useLab({ shape });
  const driver = () => restoreDriver(lab());
  let kept: SampleSecret[];

  beforeAll(async () => {
    kept = await lab().writeSecrets(3);
  }, 30_000);

  it('rebuilds a node that lost its data', async () => {
    await lab().destroyDataDirectories(['vault-3']);

    await driver().json(['rebuild-node', '--cluster', 'lab', '--node', 'vault-3', '--as', 'ana', '--detach']);
    await driver().approve();
    await driver().unsealAll(lab().unsealShares);

    expect(await driver().result()).toMatchObject({ status: 'completed', method: 'rebuild', errors: [] });
    expect(await valuesOf(lab(), kept, 'vault-3')).toEqual(kept.map(({ value }) => value));
  }, 120_000);

  it('recovers a lost quorum from the disk of that node', async () => {
    await lab().destroyDataDirectories(['vault-1', 'vault-2']);

    await driver().json(['recover-quorum', '--cluster', 'lab', '--as', 'ana', '--detach']);
    await driver().approve();
    await driver().unsealAll(lab().unsealShares);

    expect(await driver().result()).toMatchObject({ status: 'completed', plan: { firstNode: 'vault-3' }, errors: [] });
    expect(await valuesOf(lab(), kept)).toEqual(kept.map(({ value }) => value));
  }, 120_000);

  it('replaces wrong data in place', async () => {
    await driver().json(['backup', '--cluster', 'lab']);
    const newer = await lab().writeSecrets(1);

    await driver().start('--in-place', '--accept', 'lose-newer-data');
    await driver().approve();

    expect(await driver().result()).toMatchObject({ status: 'completed', method: 'inPlace', errors: [] });
    expect(await valuesOf(lab(), kept)).toEqual(kept.map(({ value }) => value));
    expect(await valuesOf(lab(), newer)).toEqual([null]);
  }, 120_000);
});
