import { waitFor } from '../../src/lab/processes';
import type { SampleSecret } from '../../src/lab/secrets';
import { useFaultTable } from '../support/fault-table';
import { useLab } from '../support/lab';
import { lostTemporal } from '../support/lost-temporal';
import { restoreDriver } from '../support/restore-driver';

/** Temporal's database is gone in the middle of a restore; the way back to the data before it is still open. */
describe('the way back from a restore whose Temporal lost everything', () => {
  const lab = useLab();
  const report = useFaultTable();
  const driver = () => restoreDriver(lab());
  const { loseIn, besideData } = lostTemporal(lab);
  const names = () => lab().nodes.map(({ name }) => name);

  it.each(['stop', 'set aside', 'verify', 'join', 'converge', 'finish'] as const)(
    'in the phase %s leads to the original data of every node',
    async (phase) => {
      await driver().json(['backup', '--cluster', 'lab']);
      const [newer] = await lab().writeSecrets(1);
      const lost = await loseIn(phase);
      const accept = ['stop', 'set aside'].includes(phase) ? [] : ['--accept', 'lose-newer-data'];

      const started = Date.now();
      const back = ['roll-back', '--cluster', 'lab', '--of', lost.run, '--as', 'ana', '--detach'];
      await driver().json([...back, ...accept]);
      const { plan, run } = await driver().waitUntil('it is planned', (now) => now.waitingFor === 'approval');
      await driver().approve();
      await driver().unsealAll(lab().unsealShares);
      const done = await driver().result();
      report(`Temporal lost in ${phase}`, 'rolled back by run id; s', (Date.now() - started) / 1_000);

      const undone = plan?.method === 'rollBack' ? plan.lost : [];
      expect(undone.length).toBeGreaterThanOrEqual({ stop: 0, 'set aside': 1 }[phase as string] ?? names().length);
      expect(done).toMatchObject({ status: 'completed', method: 'rollBack' });
      expect(done.warnings.join()).not.toContain('does not serve');
      for (const { name, dataDir } of lab().nodes) {
        await untilReadable(newer!, name);
        const made = undone.some(({ node }) => node === name) ? [`rolled-back-${lost.run}`] : [];
        expect(await besideData(dataDir, lost.run, run)).toEqual(made);
      }
      // Over is over: neither the next plan nor a second roll-back has anything of it.
      const again = await lab().cli(['roll-back', '--cluster', 'lab', '--of', lost.run, '--as', 'ana']);
      expect(again).toMatchObject({
        code: 5,
        stderr: expect.stringContaining(`no node has an unfinished run ${lost.run}`),
      });
    },
    150_000,
  );

  async function untilReadable({ path, value }: SampleSecret, node: string): Promise<void> {
    await waitFor(`${node} serves ${path}`, async () => (await lab().readSecret(path, node)) === value, {
      timeoutMs: 30_000,
    });
  }
});
