import type { BackupResult } from '../../src/contract/backup';
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../src/lab/processes';
import { backUpWithout, restoreWithout, startTwoControllers, type TwoControllers } from '../chaos/two-controllers';
import { useLab } from '../support/lab';
import { untilHealthy } from '../support/lab-view';
import { restoreDriver } from '../support/restore-driver';

/** A few of the cases; `npm run test:chaos -- --controllers 2` runs all of them. */
describe('two controllers on one queue', () => {
  const lab = useLab();
  let two: TwoControllers;

  beforeAll(async () => {
    await lab().writeSecrets(5);
    await untilHealthy(lab());
    two = await startTwoControllers(lab());
  }, 60_000);
  afterAll(() => two?.stop());

  it('make a backup together, each doing what it has the disk for', async () => {
    const backup = await restoreDriver(lab()).json<BackupResult>(['backup', '--cluster', 'lab']);

    expect(backup).toMatchObject({ missing: [], warnings: [] });
    expect(backup.copies.map(({ repository }) => repository)).toEqual(['local', 'offsite']);
  }, 120_000);

  it.each(['captureSnapshot', 'publishGeneration', 'closeBackup'])(
    'keep one backup and every line when the one that does %s dies for good',
    async (step) => {
      const { died, problems } = await backUpWithout(two, step);

      expect(problems).toEqual([]);
      expect(died).toMatch(/^(first|second)$/);
    },
    900_000,
  );

  it('bring a lost cluster back though the one that verifies the first node dies for good', async () => {
    const { died, problems } = await restoreWithout(two, 'verifyFirstNode');

    expect(problems).toEqual([]);
    expect(died).toMatch(/^(first|second)$/);
  }, 900_000);

  it('are not two of one directory: the second waits, and says so', async () => {
    let said = '';
    const second = spawn(process.execPath, ['bin/vault-dr.js', 'worker', '--config', `${lab().directory}/first.yaml`], {
      env: { ...lab().env },
    });
    for (const output of [second.stdout, second.stderr]) output.on('data', (text: Buffer) => (said += text.toString()));
    try {
      await waitFor('it waits', async () => said.includes('waiting for it to end.'), { timeoutMs: 20_000 });
      // It looks for the end of the first one every second.
      await sleep(2_500);
    } finally {
      second.kill('SIGKILL');
    }

    expect(said).toContain('(a second controller needs a stateDir of its own); waiting for it to end.');
    expect(said).not.toContain('"msg":"polling"');
  }, 30_000);
});
