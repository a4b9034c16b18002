import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupResult } from '../../src/contract/backup';
import { useFaultTable } from '../support/fault-table';
import { useLab } from '../support/lab';
import { pending } from '../support/pending';
import { restoreDriver } from '../support/restore-driver';
import { temporalCli } from '../support/temporal-cli';

/** Longer than the limits of the steps that are pending meanwhile: 45 s for a look at a node, 60 s for one at the cluster. */
const OUTAGE = 70;

/** Temporal is away for longer than a step may take, where no run parks: in the plan of a restore, and in the backup that ends one. */
describe("a run continues after an outage that its step can't outlast", () => {
  const lab = useLab();
  const report = useFaultTable();

  it(
    'in a plan, and in the beginning of a backup',
    async () => {
      const driver = restoreDriver(lab());
      await driver.json(['backup', '--cluster', 'lab']);

      // Agents and Vaults that hang, so that the steps are under way when Temporal dies.
      const agents = freeze(Object.values(lab().agents).map((agent) => agent.pid));
      await driver.start('--accept', 'lose-newer-data');
      await pending(lab(), 'restore-lab', 'describeNode');
      const vaults = freeze(await Promise.all(lab().nodes.map(({ name }) => lab().vaultPid(name))));
      const backup = ['--type', 'backUpCluster', '--workflow-id', 'backup-lab', '--input', '{"cluster":"lab"}'];
      await lab().temporalCli(['workflow', 'start', '--task-queue', 'vault-dr', ...backup]);
      await pending(lab(), 'backup-lab', 'checkHealth');
      await lab().temporal.server.kill();
      agents.thaw();
      vaults.thaw();
      await sleep(OUTAGE * 1_000);
      await lab().temporal.server.start();
      const backAt = Date.now();

      const { plan, errors } = await driver.waitUntil('the plan is made', (now) => now.waitingFor === 'approval');
      const result = await temporalCli(lab()).resultOf<BackupResult>('backup-lab');
      const seconds = (Date.now() - backAt) / 1_000;

      expect(plan).toMatchObject({ method: 'snapshot', nodes: lab().nodes.map(({ name }) => ({ name })) });
      expect(errors).toEqual([]);
      expect(result.copies.map(({ repository }) => repository)).toEqual(['local', 'offsite']);
      report(
        `Temporal is away for ${OUTAGE} s, longer than steps may take`,
        'planned, backed up; s since then',
        seconds,
      );
    },
    (OUTAGE + 110) * 1_000,
  );

  function freeze(pids: (number | null | undefined)[]): { thaw(): void } {
    const all = pids.map((pid) => pid ?? NaN);
    for (const pid of all) process.kill(pid, 'SIGSTOP');
    return { thaw: () => all.forEach((pid) => process.kill(pid, 'SIGCONT')) };
  }
});
