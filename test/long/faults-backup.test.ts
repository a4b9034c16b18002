import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDocument } from 'yaml';
import type { BackupResult } from '../../src/contract/backup';
import { patient, waitFor } from '../../src/lab/processes';
import { type Backup, copiesOf, nothingLeft, wholeBackup } from '../support/backups';
import { addBallast } from '../support/ballast';
import { type Fault, type FaultProxy, startFaultProxy } from '../support/fault-proxy';
import { useFaultTable } from '../support/fault-table';
import { CLOCK_FAULT, describeWithDisks, onSmallDisk, onWrongClock, smallDisk } from '../support/host-faults';
import { useLab } from '../support/lab';
import { leaderOf } from '../support/lab-view';
import { attemptsOf, failureOf, runIdOf } from '../support/pending';
import { temporalCli } from '../support/temporal-cli';
import { startVaultProxy, type VaultProxy } from '../support/vault-proxy';

/** Seconds that Temporal is away: longer than any heartbeat timeout and retry interval; 600 for the long one. */
const OUTAGE = Number(process.env['VAULT_DR_TEST_OUTAGE'] ?? 35);

/** Backups of a real cluster, with faults in what is around the controller: Vault, the bucket, Temporal, the disk, the clock. */
describe('a backup continues when the fault is gone', () => {
  const lab = useLab();
  const report = useFaultTable();
  const vaults: VaultProxy[] = [];
  let s3: FaultProxy;

  beforeAll(async () => {
    const caPem = await readFile(join(lab().directory, 'tls', 'ca.pem'), 'utf8');
    for (const node of lab().nodes) vaults.push(await startVaultProxy(node.address, caPem));
    s3 = await startFaultProxy(lab().s3.endpoint);
    await addBallast(lab(), 2);
    const config = parseDocument(await readFile(lab().configFile, 'utf8'));
    vaults.forEach(({ address }, index) => config.setIn(['clusters', 'lab', 'nodes', index, 'address'], address));
    config.setIn(['repositories', 'offsite', 'endpoint'], s3.endpoint);
    await writeFile(lab().configFile, config.toString());
    await restartController();
  }, 60_000);

  afterEach(() => {
    vaults.forEach((proxy) => proxy.reset());
    Object.assign(s3, { decide: () => undefined, seen: [], gone: false });
  });

  afterAll(async () => {
    await Promise.all([...vaults.map((proxy) => proxy.stop()), s3?.stop()]);
  });

  describe('of Vault', () => {
    it.each([429, 500, 503])(
      'that answers %d to the request for a snapshot',
      async (status) => {
        const refusal = { kind: 'answer', status, body: '{"errors":["made by a test"]}' } as const;
        vaults.forEach((proxy) => (proxy.fault = (count) => (count === 1 ? refusal : undefined)));

        const { seconds } = await wholeBackup(lab());

        expect(attempts()).toBe(2);
        report(`Vault answers ${status} to a request for a snapshot`, 'asked again, backed up', seconds);
      },
      60_000,
    );

    it('that answers 503 to everything for a while', async () => {
      vaults.forEach((proxy) => (proxy.answers = 503));
      setTimeout(() => vaults.forEach((proxy) => (proxy.answers = null)), 6_000);

      const { seconds } = await wholeBackup(lab());

      expect(seconds).toBeGreaterThan(6);
      report('Vault answers 503 to everything for 6 s', 'waited, backed up', seconds);
    }, 60_000);

    it('that has no autopilot to ask, and says so', async () => {
      vaults.forEach((proxy) => (proxy.lacks = 'sys/storage/raft/autopilot/state'));

      const { result, seconds } = await wholeBackup(lab());

      expect(result.warnings).toEqual([expect.stringMatching(/^autopilot could not be asked: vault-\d has none/)]);
      report('Autopilot is turned off', 'backed up, with a warning', seconds);
    }, 60_000);

    it('that reads for 40 s before its snapshot begins, by waiting for it', async () => {
      vaults.forEach((proxy) => (proxy.fault = () => ({ kind: 'late', ms: 40_000 })));

      const { result, seconds } = await wholeBackup(lab());

      expect(await attemptsOf(lab(), 'backup-lab')).toMatchObject({ captureSnapshot: 1 });
      expect(attempts()).toBe(1);
      expect(result.warnings).toEqual([]);
      report('The snapshot begins after 40 s, for Vault reads its whole storage first', 'waited, backed up', seconds);
    }, 90_000);

    it('whose leader hangs before its snapshot begins, by asking the new one', async () => {
      const leader = await leaderOf(lab());
      const pid = (await lab().vaultPid(leader)) ?? 0;
      vaults.forEach((proxy) => (proxy.fault = () => (attempts() === 1 ? { kind: 'late', ms: 600_000 } : undefined)));
      const running = wholeBackup(lab());
      running.catch(() => undefined);
      await waitFor('the snapshot is asked for', () => Promise.resolve(attempts() === 1), { timeoutMs: 30_000 });
      process.kill(pid, 'SIGSTOP');
      try {
        const { result, seconds } = await running;

        expect(result.warnings.join('\n')).toContain(`the leadership moved from ${leader} `);
        expect(attempts()).toBe(2);
        expect(seconds).toBeLessThan(patient(50));
        report('The leader hangs (SIGSTOP) before its snapshot begins', 'backed up from the new leader', seconds);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      const follows = async () => (await leaderOf(lab())) !== leader;
      await waitFor(`${leader} knows that it leads no more`, follows, { timeoutMs: 30_000 });
    }, 90_000);

    it('whose leader hangs, by asking the new one', async () => {
      const leader = await leaderOf(lab());
      const pid = (await lab().vaultPid(leader)) ?? 0;
      process.kill(pid, 'SIGSTOP');
      try {
        const { result, seconds } = await wholeBackup(lab());

        expect(result.warnings.join('\n')).toMatch(new RegExp(`${leader}: .*did not answer`));
        report('The leader hangs (SIGSTOP)', 'backed up from the new leader, with a warning', seconds);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    }, 90_000);
  });

  describe('of the bucket', () => {
    const once: [string, Fault][] = [
      ['is busy (503 SlowDown)', { status: 503, code: 'SlowDown' }],
      ['breaks the connection in the middle of an upload', { resetAfter: 100_000 }],
      ['answers 200 with an error in the body', { status: 200, code: 'InternalError' }],
      ['stores but loses its answer', 'lose answer'],
    ];

    it.each(once)(
      'that %s, once',
      async (what, fault) => {
        let faults = 0;
        s3.decide = (method, url) => (isSnapshotUpload(method, url) && faults++ < 1 ? fault : undefined);

        const { result, seconds } = await wholeBackup(lab());

        expect(faults).toBeGreaterThan(0);
        expect(copiesOf(result)).toEqual(['local hashed', 'offsite hashed']);
        expect(result.missing).toEqual([]);
        report(`The bucket ${what}, once`, 'uploaded again, read back, two copies', seconds);
      },
      60_000,
    );

    it('that is slow', async () => {
      s3.decide = () => ({ delayMs: 50 });

      const { result, seconds } = await wholeBackup(lab());

      expect(copiesOf(result)).toEqual(['local hashed', 'offsite hashed']);
      report('The bucket answers each request 0.05 s late', 'two copies', seconds);
    }, 90_000);

    it('that is gone or lies all the time: by the next backup, while the other repository has its copy', async () => {
      s3.gone = true;
      const gone = await wholeBackup(lab());
      s3.gone = false;
      s3.decide = (method, url) => (isSnapshotUpload(method, url) ? { status: 200, code: 'InternalError' } : undefined);
      const lying = await wholeBackup(lab());
      s3.decide = () => undefined;
      const next = await wholeBackup(lab());

      for (const { result } of [gone, lying]) {
        expect(copiesOf(result)).toEqual(['local hashed']);
        expect(result.missing).toMatchObject([{ repository: 'offsite', problem: expect.stringContaining('offsite') }]);
      }
      expect(gone.result.missing).toMatchObject([{ code: 'RepositoryUnavailable' }]);
      expect(copiesOf(next.result)).toEqual(['local hashed', 'offsite hashed']);
      expect(next.result.caughtUp.map(({ generation }) => generation).toSorted()).toEqual(
        [gone.result.generation, lying.result.generation].toSorted(),
      );
      const said = ({ result }: Backup) => `one copy; says: ${result.missing[0]?.problem}`;
      report('The bucket is gone', said(gone), gone.seconds);
      report('The bucket answers 200 with an error, each time', said(lying), lying.seconds);
      report('The bucket is back', 'two copies, and the two that it missed', next.seconds);
    }, 120_000);
  });

  describeWithDisks("of the controller's disk", () => {
    afterAll(restartController);

    it('that is full', async () => {
      const staging = join(lab().directory, 'controller', 'staging');
      await lab().controller.stop();
      await lab().controller.start(onSmallDisk(staging, 256));
      const disk = smallDisk(lab().controller.pid ?? 0, staging);

      const running = wholeBackup(lab());
      const problem = await failureOf(lab(), 'backup-lab', 'captureSnapshot');
      const freedAt = Date.now();
      await disk.remount('size=64m');
      const { result, seconds } = await running;

      expect(problem).toContain(`No space left on device in ${staging}`);
      expect(copiesOf(result)).toEqual(['local hashed', 'offsite hashed']);
      expect(Date.now() - freedAt).toBeLessThan(patient(25_000));
      expect(await disk.list()).toEqual([]);
      report('The staging disk is full (tmpfs)', `tried again: ${problem}; backed up`, seconds);
    }, 90_000);

    it('that is read-only', async () => {
      const staging = join(lab().directory, 'controller', 'staging');
      const disk = smallDisk(lab().controller.pid ?? 0, staging);
      await disk.remount('ro');

      const running = wholeBackup(lab());
      const problem = await failureOf(lab(), 'backup-lab', 'captureSnapshot', 'stageBundle');
      await disk.remount('rw');
      const { result, seconds } = await running;

      expect(problem).toMatch(new RegExp(`${staging}\\S* is on a read-only file system`));
      expect(copiesOf(result)).toEqual(['local hashed', 'offsite hashed']);
      expect(await disk.list()).toEqual([]);
      report('The staging disk is read-only (tmpfs)', `tried again: ${problem}; backed up`, seconds);
    }, 90_000);
  });

  it("of the controller's clock, and says all the time that it is wrong", async () => {
    const made: string[] = [];
    for (const hours of [48, -48]) {
      await lab().controller.stop();
      await lab().controller.start(onWrongClock(hours));
      const { result, seconds } = await wholeBackup(lab());

      // S3 takes no request that is dated so wrongly.
      expect(copiesOf(result)).toEqual(['local hashed']);
      expect(result.missing).toMatchObject([{ problem: expect.stringContaining('RequestTimeTooSkewed') }]);
      const relation = hours > 0 ? 'behind' : 'ahead of';
      expect(result.warnings.join('\n')).toMatch(
        new RegExp(`the clock of vault-\\d is .* ${relation} the controller's`),
      );
      made.push(result.generation);
      report(`The controller's clock is wrong by ${hours} h (${CLOCK_FAULT})`, 'one copy, with a warning', seconds);
    }
    await restartController();
    const { result, seconds } = await wholeBackup(lab());

    const [future = ''] = made;
    expect(copiesOf(result)).toEqual(['local hashed', 'offsite hashed']);
    expect(result.caughtUp.map(({ generation }) => generation).toSorted()).toEqual(made.toSorted());
    expect(result.warnings.join('\n')).toContain(`${future} is dated later than this backup`);
    report("The controller's clock is right again", 'two copies, catches up, warns of the one dated later', seconds);
  }, 90_000);

  it(
    `of Temporal, away for ${OUTAGE} s in the middle of the download`,
    async () => {
      vaults.forEach(
        (proxy) => (proxy.fault = () => (attempts() === 1 ? { kind: 'hold', bytes: 300_000 } : undefined)),
      );
      const cli = lab().cli(['backup', '--cluster', 'lab', '--json']);
      await waitFor('the download has begun', () => Promise.resolve(attempts() === 1), { timeoutMs: 30_000 });
      await lab().temporal.server.kill();
      const diedAt = Date.now();

      const away = await lab().cli(['status', '--cluster', 'lab', '--backup']);
      const [secret] = await lab().writeSecrets(1);
      await sleep((OUTAGE * 1_000) / 2);
      vaults.forEach((proxy) => proxy.release());
      await sleep(diedAt + OUTAGE * 1_000 - Date.now());
      await lab().temporal.server.start();
      const backAt = Date.now();
      const result = await temporalCli(lab()).resultOf<BackupResult>('backup-lab');
      const seconds = (Date.now() - backAt) / 1_000;

      expect(away).toMatchObject({ code: 4, stderr: expect.stringContaining('Temporal') });
      expect(await lab().readSecret(secret?.path ?? '')).toBe(secret?.value);
      expect(copiesOf(result)).toEqual(['local hashed', 'offsite hashed']);
      expect(seconds).toBeLessThan(patient(45));
      await nothingLeft(lab());
      const { code, stdout, stderr } = await cli;
      expect(`${code} ${stdout} ${stderr}`).toContain(result.generation);
      report(`Temporal is away for ${OUTAGE} s (SIGKILL)`, 'ended by itself; seconds since it was back', seconds);
    },
    (OUTAGE + 120) * 1_000,
  );

  it('and of two that are started at once, one runs, which the other names', async () => {
    const started = Date.now();
    const start = ['workflow', 'start', '--type', 'backUpCluster', '--task-queue', 'vault-dr', '--fail-existing'];
    const byTemporal = [...start, '--workflow-id', 'backup-lab', '--input', '{"cluster":"lab"}'];
    // The first holds on in its middle, so that the others surely meet it.
    vaults.forEach((proxy) => (proxy.fault = () => ({ kind: 'hold', bytes: 300_000 })));

    const both = [lab().cli(['backup', '--cluster', 'lab']), lab().cli(['backup', '--cluster', 'lab'])];
    const refused = await Promise.race(both);
    const third = await lab().temporalCli(byTemporal);
    const runId = await runIdOf(lab(), 'backup-lab');
    vaults.forEach((proxy) => proxy.reset());
    const codes = (await Promise.all(both)).map(({ code }) => code);

    expect(refused).toMatchObject({
      code: 5,
      stderr: expect.stringContaining(`is already running: run ${runId}, since 2`),
    });
    expect(refused.stderr).toContain('vault-dr status --cluster lab --backup');
    expect(third.code).toBe(1);
    expect(third.stderr).toContain('already');
    expect(codes.toSorted((left, right) => left - right)).toEqual([0, 5]);
    report('Three backups are started at once', 'one runs; the others name it', (Date.now() - started) / 1_000);
  }, 60_000);

  function attempts(): number {
    return vaults.reduce((sum, proxy) => sum + proxy.snapshots, 0);
  }

  function isSnapshotUpload(method: string, url: string): boolean {
    return method === 'PUT' && url.includes('snapshot.snap');
  }

  async function restartController(): Promise<void> {
    await lab().controller.stop();
    await lab().controller.start();
  }
});
