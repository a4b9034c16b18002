import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecoveryReport } from '../../src/contract/recovery';
import { patient, waitFor } from '../../src/lab/processes';
import type { ProgramResult } from '../../src/lab/run-program';
import type { SampleSecret } from '../../src/lab/secrets';
import { useFaultTable } from '../support/fault-table';
import { CLOCK_FAULT, describeWithDisks, onSmallDisk, onWrongClock, smallDisk } from '../support/host-faults';
import { useLab } from '../support/lab';
import { failureOf, runIdOf } from '../support/pending';
import { type restoreDriver as createDriver, restoreDriver } from '../support/restore-driver';

/** Seconds that Temporal is away; 600 for the long one. */
const OUTAGE = Number(process.env['VAULT_DR_TEST_OUTAGE'] ?? 60);

/**
 * One restore of a real cluster through faults of the hosts, one after the other: the disk of the first node fills up, that
 * of another one becomes read-only, the agents' clocks are four days apart, and Temporal is away for a while.
 */
describeWithDisks('a restore continues when the fault is gone', () => {
  const lab = useLab();
  const report = useFaultTable();
  let driver: ReturnType<typeof createDriver>;
  let disks: ReturnType<typeof smallDisk>[];
  let secrets: SampleSecret[];
  /** An operator's terminal, from before Temporal goes away until the end. */
  let following: Promise<ProgramResult>;

  beforeAll(async () => {
    driver = restoreDriver(lab());
    secrets = await lab().writeSecrets(20);
    await driver.json(['backup', '--cluster', 'lab']);
    await lab().destroyDataDirectories();
    const clocks = [0, 48, -48];
    disks = await Promise.all(
      lab().nodes.map(async (node, index) => {
        const agent = lab().agents[node.name];
        const directory = dirname(node.dataDir);
        await agent?.stop();
        await agent?.start([...onSmallDisk(directory, 128 * 1024), ...onWrongClock(clocks[index] ?? 0)]);
        // The agent starts it again, on its own disk.
        await lab().killVault(node.name);
        return smallDisk(agent?.pid ?? 0, directory);
      }),
    );
  }, 60_000);

  it('of two that are started at once, one runs, which the others name', async () => {
    const started = Date.now();
    const input = JSON.stringify({ cluster: 'lab', requestedBy: 'olga' });
    const flags = ['--type', 'restoreCluster', '--task-queue', 'vault-dr', '--workflow-id', 'restore-lab'];
    const answers = await Promise.all([
      ...['ana', 'nina'].map((who) => lab().cli(['restore', '--cluster', 'lab', '--as', who, '--detach'])),
      lab().temporalCli(['workflow', 'start', ...flags, '--fail-existing', '--input', input]),
    ]);
    const runId = await runIdOf(lab(), 'restore-lab');

    expect(answers.filter(({ code }) => code === 0)).toHaveLength(1);
    const refused = answers.slice(0, 2).filter(({ code }) => code !== 0);
    expect(refused.length).toBeGreaterThan(0);
    for (const { code, stderr } of refused) {
      expect(code).toBe(5);
      expect(stderr).toContain(`'restore-lab' is already running: run ${runId}, since 2`);
    }
    report('Three restores are started at once', 'one runs; the others name it', (Date.now() - started) / 1_000);
  }, 30_000);

  it("of the first node's disk, which is too full for the generation: parked, then resumed", async () => {
    await driver.waitUntil('an approval is waited for', (now) => now.waitingFor === 'approval');
    const [first] = disks;
    await first?.fill(24);
    const started = Date.now();
    await driver.approve();

    const { parked } = await driver.waitUntil('it is parked', (now) => now.parked.length > 0);
    const seconds = (Date.now() - started) / 1_000;
    await first?.empty();
    // Enough for the generation, but not for what Vault makes of it.
    await first?.fill(1024);

    expect(parked).toMatchObject([
      { phase: 'stage', node: 'vault-1', choices: expect.arrayContaining(['resume', 'abort']) },
    ]);
    expect(parked[0]?.problem).toContain('No space left on device');
    expect(parked[0]?.advice).toContain('Nothing was stopped');
    report('The disk of the first node is full (tmpfs)', `parked: ${parked[0]?.problem}`, seconds);
  }, 60_000);

  it("of a node's disk, which became read-only since the plan: found by the last look, with nothing stopped", async () => {
    const [, second] = disks;
    await second?.remount('ro');
    const started = Date.now();
    await driver.submitShares(lab().unsealShares);
    await driver.json(['resume', '--cluster', 'lab', '--as', 'olga']);

    const { parked, phases } = await driver.waitUntil(
      'the last look has found it',
      (now) => now.parked.some(({ problem }) => problem.includes('read-only')),
      90_000,
    );
    const seconds = (Date.now() - started) / 1_000;
    await second?.remount('rw');
    await driver.json(['resume', '--cluster', 'lab', '--as', 'olga']);
    await driver.reached('install', 30_000);

    expect(parked).toMatchObject([{ choices: ['resume', 'abort'] }]);
    expect(phases.map(({ phase }) => phase)).not.toContain('stop');
    report("A follower's disk is read-only (tmpfs)", `parked before the first stop: ${parked[0]?.problem}`, seconds);
  }, 150_000);

  it('of the disk of the first node, which is too full for a Vault', async () => {
    const started = Date.now();
    following = lab().cli(['status', '--cluster', 'lab', '--follow', '--json']);

    const problem = await failureOf(lab(), 'restore-lab', 'installSnapshot');
    const failedAt = Date.now();
    const { phase, parked, retrying } = await driver.waitUntil(
      'the run itself says so',
      (now) => now.retrying?.some(({ code }) => code !== 'NotYet') === true,
    );
    const shownAfter = Date.now() - failedAt;
    const screen = await lab().cli(['status', '--cluster', 'lab']);
    await disks[0]?.empty();

    expect(problem).toContain('no space left');
    expect({ phase, parked }).toEqual({ phase: 'install', parked: [] });
    // Ten seconds, and some for the processes that look.
    expect(shownAfter).toBeLessThan(patient(15_000));
    expect(retrying).toMatchObject([{ step: 'installSnapshot', node: 'vault-1' }]);
    expect(screen.stdout).toContain('running: install, but a step keeps failing');
    expect(screen.stdout).toMatch(/vault-1: still trying to install the snapshot \(since .*no space left/);
    report(
      "The first node's data directory is full (tmpfs)",
      `tried again: ${problem}`,
      (Date.now() - started) / 1_000,
    );
  }, 90_000);

  it(
    `of Temporal, away for ${OUTAGE} s while the first node is installed`,
    async () => {
      await waitFor('the install is under way', () => isInitialized('vault-1'), { timeoutMs: 60_000, everyMs: 50 });
      await lab().temporal.server.kill();
      const diedAt = Date.now();
      // Processes on the host keep running.
      await waitFor('the snapshot is installed', () => isSealed('vault-1'), { timeoutMs: OUTAGE * 1_000 });
      await sleep(diedAt + OUTAGE * 1_000 - Date.now());
      await lab().temporal.server.start();
      const backAt = Date.now();
      const { code, stdout } = await following;
      const seconds = (Date.now() - backAt) / 1_000;

      expect(code).toBe(0);
      const restored = JSON.parse(stdout) as RecoveryReport;
      expect(restored).toMatchObject({ status: 'completed', backup: { generation: expect.any(String) } });
      expect(restored.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'voter']);
      expect(restored.warnings).toEqual([]);
      expect(seconds).toBeLessThan(patient(60));
      report(
        `Temporal is away for ${OUTAGE} s (SIGKILL)`,
        'the install continued; restored, seconds since it was back',
        seconds,
      );
      report(
        `The agents' clocks are 4 days apart (${CLOCK_FAULT})`,
        'restored, no warning',
        restored.rtoMachineSeconds,
      );
    },
    (OUTAGE + 150) * 1_000,
  );

  it('with all the data there and nothing half-done left', async () => {
    for (const { path, value } of secrets) expect(await lab().readSecret(path)).toBe(value);
    for (const disk of disks) {
      const left = (await disk.list()).filter((path) => /\/runs\/|\.discarded-|\.blank-|\.partial|\.tmp$/.test(path));
      expect(left).toEqual([]);
    }
  }, 30_000);

  async function isInitialized(node: string): Promise<boolean> {
    return (await sealStatus(node)).initialized;
  }

  async function isSealed(node: string): Promise<boolean> {
    const { initialized, sealed } = await sealStatus(node);
    return initialized && sealed;
  }

  async function sealStatus(node: string): Promise<{ initialized: boolean; sealed: boolean }> {
    const { body } = await lab().vault(node, 'GET', 'sys/seal-status', { token: '' });
    return body as { initialized: boolean; sealed: boolean };
  }
});
