import type { RestorePlan } from '../../src/contract/plan';
import { waitFor } from '../../src/lab/processes';
import type { SampleSecret } from '../../src/lab/secrets';
import { useFaultTable } from '../support/fault-table';
import { useLab } from '../support/lab';
import { type LostIn, lostTemporal } from '../support/lost-temporal';
import { restoreDriver } from '../support/restore-driver';

/** Temporal's database is gone in the middle of a restore; the next one finds on the hosts what the lost one had done. */
describe('a restore whose Temporal lost everything', () => {
  const lab = useLab();
  const report = useFaultTable();
  const driver = () => restoreDriver(lab());
  const { loseIn, besideData, dateClaimAhead } = lostTemporal(lab);

  it.each<LostIn>(['approve', 'stage'])(
    'in the phase %s is planned again as if it had never been, and says so',
    async (phase) => {
      await driver().json(['backup', '--cluster', 'lab']);
      const lost = await loseIn(phase);

      const started = Date.now();
      await driver().start('--accept', 'lose-newer-data');
      const { plan } = await driver().waitUntil('it is planned', (now) => now.waitingFor === 'approval');
      report(`Temporal lost in ${phase}`, 'planned again; s', (Date.now() - started) / 1_000);
      await driver().json(['abort', '--cluster', 'lab', '--as', 'ana']);
      await driver().result(1);

      expect(plan).not.toHaveProperty('lost');
      const said = plan?.warnings.filter((text) => text.includes(`run ${lost.run}`)) ?? [];
      expect(said.length > 0).toBe(phase === 'stage');
      expect(said.every((text) => text.endsWith('It had not touched the data.'))).toBe(true);
    },
    120_000,
  );

  it.each<LostIn>(['set aside', 'install'])(
    'in the phase %s is brought to its end by the next one, which keeps the original data',
    async (phase) => {
      const [kept] = await lab().writeSecrets(1);
      await driver().json(['backup', '--cluster', 'lab']);
      await lab().writeSecrets(1);
      const lost = await loseIn(phase);

      const started = Date.now();
      await dateClaimAhead('vault-2');
      const refused = await driver().refusal();
      await driver().start('--accept', 'lose-newer-data');
      const { plan, run } = await driver().waitUntil('it is planned', (now) => now.waitingFor === 'approval');
      await driver().approve();
      await driver().unsealAll(lab().unsealShares);
      const done = await driver().result();
      report(`Temporal lost in ${phase}`, 'restored by the next run; s', (Date.now() - started) / 1_000);

      const undone = (plan as RestorePlan).lost ?? [];
      const all = lab().nodes.map(({ name }) => name);
      const expected = phase === 'set aside' ? undone.map(({ node }) => node) : all;
      expect(undone.length).toBeGreaterThan(0);
      expect(undone.map(({ node, run: of }) => [node, of])).toEqual(expected.map((node) => [node, lost.run]));
      const [first] = undone;
      expect(plan?.warnings.join('\n')).toMatch(
        new RegExp(
          `${first?.node}: run ${lost.run}, started .* did not end here; it had .*set the original data aside`,
        ),
      );
      expect(refused).toContain(`vault-dr roll-back --cluster lab --of ${lost.run}\` puts it back and loses nothing`);
      expect(done.status).toBe('completed');
      expect(done.setAside.map(({ node }) => node).toSorted()).toEqual(all);
      for (const { name, dataDir } of lab().nodes) {
        await untilReadable(kept!, name);
        const made = undone.some(({ node }) => node === name) ? [`rolled-back-${lost.run}`] : [];
        expect(await besideData(dataDir, lost.run, run)).toEqual([`pre-restore-${run}`, ...made]);
      }
    },
    180_000,
  );

  async function untilReadable({ path, value }: SampleSecret, node: string): Promise<void> {
    await waitFor(`${node} serves ${path}`, async () => (await lab().readSecret(path, node)) === value, {
      timeoutMs: 30_000,
    });
  }
});
