import { readdir, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { verifyTrail } from '../../src/audit/audit-trail';
import type { RecoveryPhase, RecoveryReport } from '../../src/contract/recovery';
import type { SampleSecret } from '../../src/lab/secrets';
import { waitFor } from '../../src/lab/processes';
import { useLab } from '../support/lab';
import { restoreDriver } from '../support/restore-driver';

/** Every kind of recovery on one real cluster, one after the other; each begins with what the one before left. */
describe('recoveries of a cluster', () => {
  const lab = useLab();
  const driver = () => restoreDriver(lab());
  let kept: SampleSecret[];
  let newer: SampleSecret[];

  beforeAll(async () => {
    kept = await lab().writeSecrets(10);
    await driver().json(['backup', '--cluster', 'lab']);
    newer = await lab().writeSecrets(5);
  }, 60_000);

  it('plans nothing for a cluster that serves unless this is accepted, and says that first', async () => {
    const refused = await lab().cli(['restore', '--cluster', 'lab', '--plan']);
    const planned = await lab().cli(['restore', '--cluster', 'lab', '--plan', '--accept', 'lose-newer-data']);
    const report = await driver().json<RecoveryReport>([
      'restore',
      '--cluster',
      'lab',
      '--plan',
      '--accept',
      'lose-newer-data',
    ]);

    expect(refused.code).toBe(5);
    expect(refused.stderr).toMatch(
      /The plan was refused:\n {2}- the cluster has a quorum and serves \(leader vault-\d/,
    );
    expect(refused.stderr).toContain('Nothing was changed');
    expect(planned.code).toBe(0);
    expect(planned.stdout).toMatch(/What was written after .* is lost: .* when this was planned/);
    expect(planned.stdout).toContain('Seal shamir: 3 of 5 key holders are needed');
    expect(planned.stdout).toMatch(/vault-1:\n {2}1\. fetch the backup/);
    expect(planned.stdout).toMatch(/Leases: \d+/);
    expect(report).toMatchObject({
      status: 'planned',
      plan: { accepted: ['lose-newer-data'], warnings: expect.anything() },
    });
    // Every agent read its Vault's own configuration and data directory.
    expect(report.warnings.join()).not.toContain('not checked');
    expect(await valuesOf(newer)).toEqual(newer.map(({ value }) => value));
    for (const node of lab().nodes) expect(await asideOf(node.dataDir)).toEqual([]);
  }, 60_000);

  it('refuses a second recovery, of whatever kind and from whatever door, and names the first', async () => {
    await driver().start('--accept', 'lose-newer-data');
    const { run } = await driver().waitUntil('it waits for approval', (now) => now.waitingFor === 'approval');

    const second = await lab().cli(['rebuild-node', '--cluster', 'lab', '--node', 'vault-3', '--detach']);
    const stock = await lab().temporalCli([
      'workflow',
      'start',
      '--fail-existing',
      '--type=recoverQuorum',
      '--task-queue=vault-dr',
      '--workflow-id=restore-lab',
      '--input={"cluster":"lab"}',
    ]);
    await driver().json(['abort', '--cluster', 'lab', '--as', 'bob']);

    expect(second.code).toBe(5);
    expect(second.stderr).toContain(`'restore-lab' is already running: run ${run}, since `);
    expect(second.stderr).toContain('(Restore of lab, requested by ana)');
    expect(stock.code).not.toBe(0);
    expect((await driver().result(1)).status).toBe('aborted');
  }, 60_000);

  it('restores in place: nothing is stopped, nobody unseals, and what is replaced was backed up before', async () => {
    const pids = await pidsOf();

    await driver().start('--in-place');
    await driver().approve();
    const report = await driver().result();

    expect(report).toMatchObject({ status: 'completed', method: 'inPlace', shares: null });
    expect(await pidsOf()).toEqual(pids);
    expect(await valuesOf(kept)).toEqual(kept.map(({ value }) => value));
    expect(await valuesOf(newer)).toEqual(newer.map(() => null));

    // The way back from it: in place again, from the backup that was made just before.
    const { copies } = await driver().json<{ copies: { generation: string }[] }>([
      'generations',
      'list',
      '--cluster',
      'lab',
    ]);
    const [, before] = [...new Set(copies.map(({ generation }) => generation))].toSorted().toReversed();
    await driver().start('--in-place', '--generation', before ?? '');
    await driver().approve();
    expect((await driver().result()).status).toBe('completed');
    expect(await valuesOf(newer)).toEqual(newer.map(({ value }) => value));
  }, 180_000);

  it.each<[RecoveryPhase, (() => Promise<void>) | null]>([
    // Until the shares come, the run stays where it is.
    ['unseal', null],
    // Without its agent the third node does not join; the second one has by then.
    ['join', () => lab().agents['vault-3']!.kill()],
  ])(
    'leads back from the phase %s, with all that was written before',
    async (phase, hold) => {
      const [last] = await lab().writeSecrets(1);
      await driver().json(['backup', '--cluster', 'lab']);
      const [lost] = await lab().writeSecrets(1);

      await driver().start('--accept', 'lose-newer-data');
      await driver().approve();
      await driver().reached('unseal', 90_000);
      await hold?.();
      if (hold) await driver().unsealAll(lab().unsealShares);
      await driver().reached(phase, 90_000);
      if (hold) await driver().waitUntil('vault-2 is in', (now) => now.nodes[1]?.state === 'unsealed', 90_000);
      const answer = await lab().cli(['roll-back', '--cluster', 'lab', '--as', 'bob']);
      if (hold) await lab().agents['vault-3']!.start();
      else await driver().unsealAll(lab().unsealShares);
      const report = await driver().result(1);

      expect(answer.stdout + answer.stderr).toContain('the old data is put back on every node');
      expect(report).toMatchObject({
        status: 'rolled back',
        rollBack: { by: 'bob', from: phase },
        setAside: [],
        backup: null,
      });
      expect(report.warnings.join()).not.toContain('does not serve');
      for (const { name, dataDir } of lab().nodes) {
        await untilReadable(lost!, name);
        expect(await lab().readSecret(last!.path, name)).toBe(last!.value);
        expect((await asideOf(dataDir)).filter((path) => path.includes('pre-restore'))).toEqual([]);
      }
    },
    180_000,
  );

  it('rebuilds one lost node, while the others serve and nobody approves', async () => {
    const { dataDir } = lab().nodes[2]!;
    await rename(dataDir, `${dataDir}.lost`);
    await lab().killVault('vault-3');

    await driver().json(['rebuild-node', '--cluster', 'lab', '--node', 'vault-3', '--as', 'ana', '--detach']);
    await driver().approve();
    await driver().unsealAll(lab().unsealShares);
    const report = await driver().result();

    expect(report).toMatchObject({ status: 'completed', method: 'rebuild', rpoSeconds: null });
    expect(report.approvals).toEqual([expect.objectContaining({ approver: 'bob' })]);
    await untilReadable(kept[0]!, 'vault-3');
    expect(await votersOf()).toEqual(['vault-1', 'vault-2', 'vault-3']);
  }, 120_000);

  it('recovers a lost quorum from the disk that survived, though there is a backup, and loses nothing', async () => {
    const acknowledged = await lab().writeSecrets(5);
    for (const { name, dataDir } of lab().nodes.slice(0, 2)) {
      await rename(dataDir, `${dataDir}.gone`);
      await lab().killVault(name);
    }

    const refused = await lab().cli(['restore', '--cluster', 'lab', '--plan']);
    await driver().json(['recover-quorum', '--cluster', 'lab', '--as', 'ana', '--detach']);
    await driver().approve();
    await driver().unsealAll(lab().unsealShares);
    const report = await driver().result();

    expect(refused.stderr).toMatch(/the disk of vault-3 survives and is newer .*vault-dr recover-quorum --cluster lab/);
    expect(report).toMatchObject({
      status: 'completed',
      method: 'peers',
      rpoSeconds: null,
      plan: { firstNode: 'vault-3' },
      backup: { generation: expect.any(String) },
    });
    for (const { name } of lab().nodes) await untilReadable(acknowledged[0]!, name);
    expect(await valuesOf(acknowledged)).toEqual(acknowledged.map(({ value }) => value));
    expect(await votersOf()).toEqual(['vault-1', 'vault-2', 'vault-3']);
  }, 180_000);

  it('keeps what was set aside until its time is over, and then deletes that and nothing else', async () => {
    const { run, setAside } = await driver().result();
    const others = await Promise.all(lab().nodes.map(({ dataDir }) => asideOf(dataDir)));

    const soon = await lab().cli(['remove-set-aside', '--cluster', 'lab', '--run', run]);
    const paths = setAside.flatMap(({ path }) => path ?? []).toSorted();
    const stillThere = await Promise.all(paths.map((path) => stat(path)));
    await driver().json([
      'remove-set-aside',
      '--cluster=lab',
      `--run=${run}`,
      '--accept=grace',
      '--as=ana',
      '--detach',
    ]);
    await driver().approve();
    const removed = await driver().result();
    const again = await lab().cli(['remove-set-aside', '--cluster', 'lab', '--run', run, '--accept', 'grace']);

    expect(soon.code).toBe(5);
    expect(soon.stderr).toContain('old data is kept for 7 days (restore.graceDays), until ');
    expect(stillThere.every((path) => path.isDirectory())).toBe(true);
    expect(removed.removed.map(({ path }) => path).toSorted()).toEqual(paths);
    expect(paths.length).toBeGreaterThan(0);
    expect(again.stderr).toContain(`no node has anything set aside by run ${run}`);
    const left = await Promise.all(lab().nodes.map(({ dataDir }) => asideOf(dataDir)));
    expect(left.flat().toSorted()).toEqual(
      others
        .flat()
        .filter((path) => !path.includes(run))
        .toSorted(),
    );
    expect(await valuesOf(kept)).toEqual(kept.map(({ value }) => value));
  }, 120_000);

  it('keeps a report of each beside the audit trail, for machines and for people', async () => {
    const directory = join(lab().directory, 'controller', 'reports', 'lab');
    const reports = await Promise.all(
      (await readdir(directory))
        .filter((name) => name.endsWith('.json'))
        .toSorted()
        .map(async (name) => JSON.parse(await readFile(join(directory, name), 'utf8')) as RecoveryReport),
    );
    const { run } = reports.find(({ method }) => method === 'peers')!;
    const markdown = await readFile(join(directory, `${run}.md`), 'utf8');
    const printed = await lab().cli(['report', '--cluster', 'lab', '--run', run]);
    const trail = join(lab().directory, 'controller', 'audit.jsonl');

    expect(new Set(reports.map(({ method }) => method))).toEqual(
      new Set(['snapshot', 'inPlace', 'rebuild', 'peers', 'remove']),
    );
    expect(markdown).toContain('# Recovery of the quorum of lab: completed');
    expect(markdown).toContain('| approved by | bob (');
    expect(markdown).toContain('| unsealed by | carol (');
    expect(markdown).toContain('| RPO | nothing was lost |');
    expect(printed.stdout).toBe(markdown);
    expect((await verifyTrail(trail)).problems).toEqual([]);
    expect(await readFile(trail, 'utf8')).toContain(`reports/lab/${run}.json`);
  }, 30_000);

  const valuesOf = (secrets: SampleSecret[]) => Promise.all(secrets.map(({ path }) => lab().readSecret(path)));

  const pidsOf = () => Promise.all(lab().nodes.map(({ name }) => lab().vaultPid(name)));

  async function untilReadable({ path, value }: SampleSecret, node: string): Promise<void> {
    await waitFor(`${node} serves ${path}`, async () => (await lab().readSecret(path, node)) === value, {
      timeoutMs: 20_000,
    });
  }

  async function votersOf(): Promise<string[]> {
    const { body } = await lab().vault('vault-3', 'GET', 'sys/storage/raft/configuration');
    const { data } = body as { data: { config: { servers: { node_id: string; voter: boolean }[] } } };
    return data.config.servers
      .filter(({ voter }) => voter)
      .map(({ node_id: id }) => id)
      .toSorted();
  }

  /** What lies beside a data directory. */
  async function asideOf(dataDir: string): Promise<string[]> {
    const names = await readdir(dirname(dataDir));
    return names
      .filter((name) => /^data\..*(pre-restore|rolled-back)/.test(name))
      .map((name) => join(dirname(dataDir), name));
  }
});
