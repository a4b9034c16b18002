import type { RecoveryReport } from '../../src/contract/recovery';
import { waitFor } from '../../src/lab/processes';
import type { SampleSecret } from '../../src/lab/secrets';
import { useLab } from '../support/lab';
import { lostTemporal } from '../support/lost-temporal';
import { restoreDriver } from '../support/restore-driver';

/** Temporal's database is gone in the middle of a restore, and nothing that runs after it takes its leavings for the original. */
describe('recoveries after a restore whose Temporal lost everything', () => {
  const lab = useLab();
  const driver = () => restoreDriver(lab());
  const { loseIn } = lostTemporal(lab);
  const names = () => lab().nodes.map(({ name }) => name);

  it('lead back to the original data: the next restore by its own roll-back, the others after it only', async () => {
    await driver().json(['backup', '--cluster', 'lab']);
    const [newer] = await lab().writeSecrets(1);
    const lost = await loseIn('unseal');

    const quorum = await lab().cli(['recover-quorum', '--cluster', 'lab', '--as', 'ana']);
    const early = await lab().cli(['remove-set-aside', '--cluster', 'lab', '--run', lost.run, '--as', 'ana']);
    await driver().start('--accept', 'lose-newer-data');
    await driver().approve();
    await driver().waitUntil('shares are waited for', (now) => now.waitingFor === 'shares', 90_000);
    const answer = await lab().cli(['roll-back', '--cluster', 'lab', '--as', 'bob']);
    await driver().unsealAll(lab().unsealShares);
    const done: RecoveryReport = await driver().result(1);

    expect(quorum).toMatchObject({ code: 5, stderr: expect.stringContaining(`--of ${lost.run}\` puts it back`) });
    expect(early.stderr).toContain('is the original data of the node');
    expect(answer.code).toBe(0);
    expect(done.status).toBe('rolled back');
    for (const name of names()) await untilReadable(newer!, name);
  }, 150_000);

  async function untilReadable({ path, value }: SampleSecret, node: string): Promise<void> {
    await waitFor(`${node} serves ${path}`, async () => (await lab().readSecret(path, node)) === value, {
      timeoutMs: 30_000,
    });
  }
});
