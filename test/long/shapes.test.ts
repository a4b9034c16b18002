import type { ShapeName } from '../../src/lab/shapes';
import { useLab } from '../support/lab';
import { valuesOf } from '../support/lab-view';
import { restoreDriver } from '../support/restore-driver';

interface Row {
  shape: ShapeName;
  nodes: number;
  /** What the plan says of it, in a finding that doesn't stop it. */
  warns?: string;
  /** The data is restored with a cluster that unseals itself. */
  unsealsItself?: boolean;
}

/** What operators run: each is backed up, lost altogether and restored. Shapes that only a plan is about are unit tests. */
const ROWS: Row[] = [
  { shape: 'retry-join', nodes: 3 },
  { shape: 'retry-join-transit', nodes: 3, unsealsItself: true },
  { shape: 'mutual-tls', nodes: 2 },
  { shape: 'one-address', nodes: 1 },
  { shape: 'no-node-id', nodes: 3 },
  { shape: 'environment-names', nodes: 1 },
];

describe.each(ROWS)('a cluster of the shape $shape', ({ shape, nodes, warns, unsealsItself = false }) => {
  const lab = useLab({ shape, nodes });

  it('is backed up, planned, lost and restored', async () => {
    const driver = restoreDriver(lab());
    const kept = await lab().writeSecrets(5);
    await driver.json(['backup', '--cluster', 'lab']);

    const plan = await lab().cli(['restore', '--cluster', 'lab', '--plan', '--accept', 'lose-newer-data']);
    await lab().destroyDataDirectories();
    await driver.start();
    await driver.approve();
    if (!unsealsItself) await driver.unsealAll(lab().unsealShares);
    const report = await driver.result();

    expect(plan).toMatchObject({ code: 0, stdout: expect.stringContaining(warns ?? '') as string });
    expect(report).toMatchObject({ status: 'completed', errors: [] });
    for (const { name } of lab().nodes) {
      expect(await valuesOf(lab(), kept, name)).toEqual(kept.map(({ value }) => value));
    }
  }, 180_000);
});
