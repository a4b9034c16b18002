import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupResult } from '../../src/contract/backup';
import type { Manifest } from '../../src/contract/generation';
import { formatCount } from '../../src/contract/format';
import type { FilesystemContent } from '../../src/contract/method';
import type { RestorePlan } from '../../src/contract/plan';
import type { RecoveryProgress } from '../../src/contract/recovery';
import { waitFor } from '../../src/lab/processes';
import { type Backup, copiesOf, wholeBackup } from '../support/backups';
import { addBallast } from '../support/ballast';
import { useFaultTable } from '../support/fault-table';
import { useLab } from '../support/lab';
import { leaderOf, reconfigure, untilReadable } from '../support/lab-view';
import { evaluate, type LedgerEntry, readBack, startWriters, type Writers } from '../support/ledger';
import { buildNetwork, describeWithNetwork, type NodeNetwork } from '../support/node-network';
import { attemptsOf, untilOnlyPending } from '../support/pending';
import { restoreDriver } from '../support/restore-driver';

/** So many entries of the log, at least. */
const BEHIND = 30;
const MOST_ATTEMPTS = 4;
const TWO_COPIES = ['local hashed', 'offsite hashed'];

/** Every node is a host with two cables, which are pulled while a run is at a known place, and put back. */
describeWithNetwork('a run survives a network that falls apart', () => {
  let network: NodeNetwork;
  const lab = useLab(async () => ({ network: (network = await buildNetwork(3)) }));
  const report = useFaultTable();
  let writers: Writers | undefined;
  let ledger: LedgerEntry[];
  /** Made while its leader was deposed, and clients wrote. */
  let contested: BackupResult;

  beforeAll(() => addBallast(lab(), 8), 30_000);
  afterAll(() => network?.remove());

  describe('a backup', () => {
    afterEach(repair, 60_000);

    async function repair() {
      await writers?.stop();
      for (const { name } of lab().nodes) await network.repair(numberOf(name), 'api', 'cluster');
      await untilWhole();
    }

    /**
     * Between the cut and the capture the new leader has acknowledged what the old one never got, which a stale snapshot
     * would lack. On a busy machine its first acknowledgement may come too late for that: then once more.
     */
    async function contestedBackup() {
      for (let attempt = 1; ; attempt++) {
        const leader = await leaderOf(lab());
        const { ledger: written } = (writers = startWriters(lab(), 6, 'the leader'));
        await waitFor('clients write', () => Promise.resolve(written.length > 50), { timeoutMs: 30_000 });
        const { running, letGo } = await holdBeforeCapture(leader);
        await network.cut(numberOf(leader), 'cluster');
        const cutAt = Date.now();
        letGo();
        const { result, seconds } = await running;
        await writers.stop();
        ledger = written;
        contested = result;

        const acknowledged = ledger.filter(({ after, at }) => after !== null && at < Date.parse(result.capturedAt));
        const missingIn = (raftIndex: number) => acknowledged.filter(({ before }) => before >= raftIndex);
        const indexAtCut = Math.max(...acknowledged.filter(({ at }) => at < cutAt).map(({ after }) => after ?? 0));
        if (missingIn(indexAtCut).length > 0) return { leader, result, seconds, missingIn };
        if (attempt === MOST_ATTEMPTS) throw new Error('No write fell between the cut and the capture.');
        await repair();
      }
    }

    it('whose leader is lost before the capture, by asking the new one, and says so', async () => {
      const leader = await leaderOf(lab());
      const { running, letGo } = await holdBeforeCapture(leader);
      await network.cut(numberOf(leader), 'api', 'cluster');
      letGo();
      const { result, seconds } = await running;

      const node = (await manifestOf(result)).leader?.node;
      expect(node).not.toBe(leader);
      expect(result.warnings.join('\n')).toMatch(
        new RegExp(`the leadership moved from ${leader} to ${node} .*: ${leader} did not answer`),
      );
      expect(copiesOf(result)).toEqual(TWO_COPIES);
      report('The leader is cut off from everything, before the capture', saying('backed up', result), seconds);
    }, 60_000);

    it('whose leader is cut off from its peers only, with no snapshot that is out of date', async () => {
      const { leader, result, seconds, missingIn } = await contestedBackup();
      expect(missingIn(result.raftIndex)).toEqual([]);
      expect((await manifestOf(result)).leader?.node).not.toBe(leader);
      expect(copiesOf(result)).toEqual(TWO_COPIES);
      report('The leader is cut off from its peers, but not from vault-dr', saying('backed up', result), seconds);
    }, 240_000);

    it('whose leader is gone for 8 s in the middle of the download, which continues', async () => {
      const leader = await leaderOf(lab());
      await network.limit(numberOf(leader), 1_500);
      const running = wholeBackup(lab());
      const hasBegun = async () => (await stagedBytes()) > 1_000_000;
      await waitFor('a part of it has come', hasBegun, { timeoutMs: 30_000, everyMs: 20 });
      await network.cut(numberOf(leader), 'api', 'cluster');
      await network.limit(numberOf(leader), null);
      await sleep(8_000);
      const staged = await stagedBytes();
      await network.repair(numberOf(leader), 'api', 'cluster');
      const { result, seconds } = await running;

      expect(staged).toBeLessThan(result.sizeBytes / 2);
      expect(await attemptsOf(lab(), 'backup-lab')).toMatchObject({ captureSnapshot: 1 });
      expect(copiesOf(result)).toEqual(TWO_COPIES);
      report('The leader is cut off for 8 s, in the middle of the download', saying('it continued', result), seconds);
    }, 60_000);

    it('without a follower that its peers do not reach, and names it', async () => {
      const leader = await leaderOf(lab());
      const follower = lab().nodes.find(({ name }) => name !== leader)?.name ?? '';
      await network.cut(numberOf(follower), 'cluster');
      const hasNoticed = async () => !(await autopilot()).healthy;
      await waitFor('autopilot has noticed', hasNoticed, { timeoutMs: 30_000 });
      const { result, seconds } = await wholeBackup(lab());

      expect(result.warnings).toContain(`autopilot reports the cluster as unhealthy: ${follower}`);
      expect(copiesOf(result)).toEqual(TWO_COPIES);
      report('A follower is cut off from its peers', saying('backed up', result), seconds);
    }, 60_000);
  });

  it('a restore, whose second node does not reach the first for 20 s when it is to join', async () => {
    const driver = restoreDriver(lab());
    await lab().destroyDataDirectories();
    await driver.start('--generation', contested.generation);
    await driver.approve();
    await driver.reached('install');
    // Stopped by now, so nothing notices before it is to join.
    await network.cut(2, 'cluster');
    await driver.unsealAll(lab().unsealShares);
    await driver.reached('join');
    await sleep(20_000);
    const { phase } = await driver.progress();
    await network.repair(2, 'cluster');
    const repairedAt = Date.now();
    const restored = await driver.result();
    const seconds = (Date.now() - repairedAt) / 1_000;

    expect(phase).toBe('join');
    expect(restored).toMatchObject({ status: 'completed', errors: [], backup: { generation: expect.any(String) } });
    expect(restored.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'voter']);
    report('The second node does not reach the first for 20 s, to join', 'restored; seconds since it did', seconds);
  }, 180_000);

  it('and what was captured in the middle of that has each write that was acknowledged before, and none from after', async () => {
    const values = new Map<LedgerEntry, string | null>();
    for (const entry of ledger) values.set(entry, await readBack(lab(), entry));
    const isThere = (entry: LedgerEntry) => values.get(entry) !== null;
    const { covered, later, lost, ghosts } = evaluate(ledger, contested.raftIndex, isThere);

    expect(lost).toEqual([]);
    expect(ghosts).toEqual([]);
    expect(covered).toBeGreaterThan(50);
    expect(later).toBeGreaterThan(10);
  });

  it('a copy of a node that its peers do not reach, which says how far behind it was', async () => {
    const leader = await leaderOf(lab());
    const { name: follower = '' } = lab().nodes.find(({ name }) => name !== leader) ?? {};
    const driver = restoreDriver(lab());
    await reconfigure(lab(), ({ clusters: { lab: cluster } }) => {
      Object.assign(cluster!, { method: 'filesystem', filesystem: { node: follower, leastMinutesBetween: 0.01 } });
    });
    await network.cut(numberOf(follower), 'cluster');
    for (let write = 0; write < BEHIND; write++) {
      const body = { data: { value: write } };
      expect(await lab().vault(leader, 'POST', 'secret/data/behind', { body })).toMatchObject({ status: 200 });
    }
    const began = Date.now();
    const running = driver.json<BackupResult>(['backup', '--cluster', 'lab']);
    // Awaited below; until then its failure must not count as unhandled.
    running.catch(() => undefined);
    const isArchived = ({ plan, phase }: RecoveryProgress) => plan?.method === 'copy' && phase === 'unseal';
    await driver.waitUntil('its archive is made', isArchived, 90_000);
    await network.repair(numberOf(follower), 'cluster');
    await driver.unsealAll(lab().unsealShares);
    const result = await running;
    const seconds = (Date.now() - began) / 1_000;
    const { plan } = await driver.json<{ plan: RestorePlan }>([
      'restore',
      '--cluster=lab',
      '--plan',
      `--generation=${result.generation}`,
      '--accept=lose-newer-data',
    ]);

    const { content } = await manifestOf(result);
    const { lag } = content as FilesystemContent;
    expect(content).toMatchObject({ method: 'filesystem', node: follower });
    expect(lag).toBeGreaterThanOrEqual(BEHIND);
    expect(plan.warnings).toContainEqual(
      expect.stringContaining(`${follower} was ${formatCount(lag ?? 0, 'entry', 'entries')} behind the leader when`),
    );
    report('A follower is copied that its peers do not reach', `backed up; ${lag} entries behind`, seconds);
  }, 240_000);

  function numberOf(node: string): number {
    return lab().nodes.findIndex(({ name }) => name === node) + 1;
  }

  function saying(outcome: string, { warnings }: BackupResult): string {
    return warnings.length === 0 ? `${outcome}, no warning` : `${outcome}; warns: ${warnings.join('; ')}`;
  }

  /** A backup that has found the cluster well, and waits for a follower's agent before it captures. */
  async function holdBeforeCapture(leader: string): Promise<{ running: Promise<Backup>; letGo: () => void }> {
    const follower = lab().nodes.find(({ name }) => name !== leader)?.name ?? '';
    const agent = lab().agents[follower];
    agent?.freeze();
    const running = wholeBackup(lab());
    // Awaited by the test, once it has done what it does.
    running.catch(() => undefined);
    await untilOnlyPending(lab(), 'backup-lab', 'collectConfig');
    return { running, letGo: () => agent?.thaw() };
  }

  async function stagedBytes(): Promise<number> {
    const staging = join(lab().directory, 'controller', 'staging', 'lab');
    const names = await readdir(staging, { recursive: true });
    const snapshot = names.find((name) => name.includes('snapshot.snap'));
    return snapshot === undefined ? 0 : (await stat(join(staging, snapshot))).size;
  }

  async function manifestOf({ cluster, generation }: BackupResult): Promise<Manifest> {
    const file = join(lab().localRepository, cluster, generation, 'manifest.json');
    return JSON.parse(await readFile(file, 'utf8')) as Manifest;
  }

  /** Every node follows one leader again, and serves. */
  async function untilWhole(): Promise<void> {
    const [secret] = await waitFor('writes are taken', () => lab().writeSecrets(1), { timeoutMs: 30_000 });
    for (const { name } of lab().nodes) await untilReadable(lab(), secret!, name);
    const isWhole = async () => {
      const { healthy, voters } = await autopilot();
      return healthy && voters.length === lab().nodes.length;
    };
    await waitFor('all vote and autopilot reports healthy', isWhole, { timeoutMs: 30_000 });
  }

  async function autopilot(): Promise<{ healthy: boolean; voters: string[] }> {
    const { body } = await lab().vault(await leaderOf(lab()), 'GET', 'sys/storage/raft/autopilot/state');
    return (body as { data: { healthy: boolean; voters: string[] } }).data;
  }
});
