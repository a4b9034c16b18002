import type { BackupResult } from '../../src/contract/backup';
import type { RecoveryReport } from '../../src/contract/recovery';
import { waitFor } from '../../src/lab/processes';
import { evaluate, type LedgerEntry, readBack, startWriters, type Writers } from '../support/ledger';
import { useLab } from '../support/lab';
import { restoreDriver } from '../support/restore-driver';

const WRITERS = 6;
/** That many writes at least lie before the backup that is restored, and after it. */
const WRITES = 100;
const BACKUPS = 4;
/** Neither the first nor the newest one. */
const RESTORED = 2;

/**
 * Clients write and keep account of every write that Vault acknowledged; backups are made meanwhile, all data is destroyed,
 * one of the backups restored. The account then says what must be there and what must not.
 */
describe('a restore, by the account of those who wrote', () => {
  const lab = useLab();
  let ledger: LedgerEntry[];
  let restored: BackupResult;
  let report: RecoveryReport;
  const values = new Map<LedgerEntry, string | null>();
  const isThere = (entry: LedgerEntry) => values.get(entry) !== null;

  beforeAll(async () => {
    // Each workflow task then replays its whole history: whatever isn't deterministic fails here.
    await lab().controller.stop();
    await lab().controller.start(['env', 'VAULT_DR_MAX_CACHED_WORKFLOWS=0']);

    const driver = restoreDriver(lab());
    const writers = startWriters(lab(), WRITERS);
    const backups: BackupResult[] = [];
    while (backups.length < BACKUPS) {
      // Each owes something, however slowly the machine writes.
      await writtenSince(writers, backups.at(-1)?.raftIndex ?? 0);
      backups.push(await driver.json<BackupResult>(['backup', '--cluster', 'lab']));
    }
    restored = backups[RESTORED] as BackupResult;
    await writtenSince(writers, restored.raftIndex);
    await lab().destroyDataDirectories();
    await writers.stop();
    ({ ledger } = writers);

    await driver.start('--generation', restored.generation);
    await driver.approve();
    await driver.waitUntil('shares are taken', (now) => now.shares !== null);
    await driver.submitShares(lab().unsealShares);
    report = await driver.result();
    for (const entry of ledger) values.set(entry, await readBack(lab(), entry));
  }, 180_000);

  it('has every write that was acknowledged up to the raft index of its backup, and none that began after it', () => {
    const { covered, later, undecided, lost, ghosts } = evaluate(ledger, restored.raftIndex, isThere);
    const acknowledged = ledger.filter(({ after }) => after !== null);
    const gone = acknowledged.filter((entry) => !isThere(entry));
    const lastAt = Math.max(...acknowledged.map(({ at }) => at));
    process.stdout.write(
      `${acknowledged.length} writes acknowledged to ${WRITERS} clients, ${ledger.length - acknowledged.length} not; ` +
        `backup ${RESTORED + 1} of ${BACKUPS} restored, raft index ${restored.raftIndex}: ${covered} owed, ${later} after it, ` +
        `${undecided} around it. Lost ${lost.length}, ghosts ${ghosts.length}. RPO: ${gone.length} writes, ` +
        `${((lastAt - Date.parse(restored.capturedAt)) / 1_000).toFixed(1)} s from the capture to the last write\n`,
    );

    expect(report.status).toBe('completed');
    expect(report.plan).toMatchObject({ generation: restored.generation });
    expect(lost).toEqual([]);
    expect(ghosts).toEqual([]);
    expect(covered).toBeGreaterThan(WRITES);
    expect(later).toBeGreaterThan(WRITES);
    expect(new Set(ledger.map(({ kind }) => kind))).toEqual(new Set(['secret', 'policy']));
  });

  function writtenSince({ ledger: account }: Writers, raftIndex: number): Promise<boolean> {
    const later = () => account.filter(({ before }) => before >= raftIndex).length;
    return waitFor(`${WRITES} more writes are made`, () => Promise.resolve(later() > WRITES), { timeoutMs: 60_000 });
  }

  it('has each of them with the value that was written', () => {
    const different = ledger.filter((entry) => isThere(entry) && values.get(entry) !== entry.value);

    expect(different).toEqual([]);
  });

  it('differs from one that lost or invented a single write', () => {
    const { raftIndex } = restored;
    const owed = ledger.find(({ after }) => after !== null && after <= raftIndex);
    const afterwards = ledger.find(({ before }) => before >= raftIndex);

    expect(evaluate(ledger, raftIndex, (entry) => isThere(entry) && entry !== owed).lost).toEqual([owed]);
    expect(evaluate(ledger, raftIndex, (entry) => isThere(entry) || entry === afterwards).ghosts).toEqual([afterwards]);
  });

  it('went through with a controller that kept no workflow in memory', async () => {
    const backups = await lab().temporalCli(['workflow', 'show', '--workflow-id', 'backup-lab', '-o', 'json']);
    const restore = await lab().temporalCli(['workflow', 'show', '--workflow-id', 'restore-lab', '-o', 'json']);

    // A worker that keeps workflows asks for their next task on a queue of its own, which Temporal calls sticky.
    for (const { stdout } of [backups, restore]) {
      expect(stdout).toContain('TASK_QUEUE_KIND_NORMAL');
      expect(stdout).not.toContain('TASK_QUEUE_KIND_STICKY');
    }
    await lab().controller.stop();
    await lab().controller.start();
    await restoreDriver(lab()).json(['backup', '--cluster', 'lab']);
    const cached = await lab().temporalCli(['workflow', 'show', '--workflow-id', 'backup-lab', '-o', 'json']);
    expect(cached.stdout).toContain('TASK_QUEUE_KIND_STICKY');
  }, 60_000);
});
