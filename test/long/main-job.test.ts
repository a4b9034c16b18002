import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { BackupResult } from '../../src/contract/backup';
import { encryptArmored } from '../../src/crypto/age';
import type { SampleSecret } from '../../src/lab/secrets';
import { verifyTrail } from '../../src/audit/audit-trail';
import { useLab } from '../support/lab';
import { restoreDriver } from '../support/restore-driver';

/**
 * The main job, on real servers: back a three-node cluster up, lose all of it, bring it back, while the controller and an
 * agent are killed on the way.
 */
describe('a cluster that is lost and brought back', () => {
  const lab = useLab();
  let before: SampleSecret[];
  let backup: BackupResult;

  it('is backed up to a directory and to S3, encrypted, signed, locked and read back', async () => {
    before = await lab().writeSecrets(40);

    backup = await restoreDriver(lab()).json<BackupResult>(['backup', '--cluster', 'lab']);

    expect(backup.copies.map(({ repository, check }) => [repository, check])).toEqual([
      ['local', 'hashed'],
      ['offsite', 'hashed'],
    ]);
    expect(backup.encryption).toBe('age');
    expect(backup.missing).toEqual([]);
    const { endpoint, bucket, credentials } = lab().s3;
    const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
    const head = await s3.send(
      new HeadObjectCommand({
        Bucket: bucket,
        Key: `lab/${backup.generation}/snapshot.snap.age`,
        ChecksumMode: 'ENABLED',
      }),
    );
    s3.destroy();
    expect(head.ServerSideEncryption).toBe('aws:kms');
    expect(head.ObjectLockMode).toBe('GOVERNANCE');
    expect(head.ObjectLockRetainUntilDate?.getTime()).toBeGreaterThan(Date.now() + 23 * 3_600_000);
    expect(Buffer.from(head.ChecksumSHA256 ?? '', 'base64').toString('hex')).toBe(backup.sha256);
  });

  it('keeps no plaintext of the snapshot, and nothing in staging', async () => {
    const staging = join(lab().directory, 'controller', 'staging', 'lab');
    const stored = await readFile(join(lab().localRepository, 'lab', backup.generation, 'snapshot.snap.age'), 'latin1');

    expect(await readdir(staging)).toEqual([]);
    expect(stored.startsWith('age-encryption.org/v1\n')).toBe(true);
  });

  it('comes back, though the controller and the agent of the first node are killed on the way', async () => {
    const driver = restoreDriver(lab());
    const clusterId = await clusterIdOf('vault-1');
    const [lost] = await lab().writeSecrets(1);
    await lab().destroyDataDirectories();

    await driver.start();
    await driver.approve();
    await driver.reached('stop');
    await lab().controller.kill();
    await lab().controller.start();
    await driver.reached('install');
    await lab().agents['vault-1']?.kill();
    await lab().agents['vault-1']?.start();
    const refused = await lab().cli(['restore', '--cluster', 'lab', '--as', 'eve', '--detach']);
    const [one = '', two = '', three = ''] = lab().unsealShares;
    const answers = [await driver.unseal('carol', one), await driver.unseal('carol', one)];
    await signalShare('dave', two);
    answers.push(await driver.unseal('erin', three));
    const report = await driver.result();

    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain("'restore-lab' is already running");
    expect(answers.map(({ code }) => code)).toEqual([0, 5, 0]);
    expect(answers[1]?.stdout).toContain('carol has already submitted this share');
    expect(report.status).toBe('completed');
    expect(report.plan?.canary?.path).toBe('secret/data/vault-dr-canary');
    expect(report.phases.map(({ phase }) => phase)).toHaveLength(11);
    expect(report.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'voter']);
    expect(report.backup).toHaveProperty('generation');
    expect(report.rtoMachineSeconds + report.rtoHumanSeconds).toBeCloseTo(report.rtoSeconds, 3);
    for (const { name } of lab().nodes) {
      expect(await clusterIdOf(name)).toBe(clusterId);
      const values = await Promise.all(before.map(({ path }) => lab().readSecret(path, name)));
      expect(values).toEqual(before.map(({ value }) => value));
      expect(await lab().readSecret(lost?.path ?? '', name)).toBeNull();
    }
  }, 180_000);

  it('leaves no share and no identity behind: not in histories, database, logs or files', async () => {
    const { stdout: history } = await lab().temporalCli(['workflow', 'show', '-w', 'restore-lab', '-o', 'json']);
    const payloads = [...history.matchAll(/"data": "([A-Za-z0-9+/=]+)"/g)].map(([, data]) =>
      Buffer.from(data ?? '', 'base64'),
    );
    const haystacks = new Map([
      ['history', Buffer.from(history)],
      ['payloads in history', Buffer.concat(payloads)],
    ]);
    for (const entry of await readdir(lab().directory, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      // The lab's own notes hold the shares, and its node directories hold Vault's storage.
      if (!entry.isFile() || entry.name === 'lab.json' || entry.name === 'vault.db' || entry.name === 'raft.db')
        continue;
      haystacks.set(path, await readFile(path));
    }
    const needles = lab().unsealShares.flatMap((share) => {
      const bytes = Buffer.from(share, 'base64');
      return [share, bytes.toString('hex'), Buffer.from(share).toString('base64').slice(0, 40)];
    });

    const hits = [...haystacks].flatMap(([place, content]) =>
      needles.filter((needle) => content.includes(needle)).map(() => place),
    );
    const identities = [...haystacks.keys()].filter((path) => path.endsWith('.identity'));

    // The search does see the payloads: the envelopes are there.
    expect(haystacks.get('payloads in history')?.includes('BEGIN AGE ENCRYPTED FILE')).toBe(true);
    expect(hits).toEqual([]);
    expect(identities).toEqual([]);
    expect((await stat(join(lab().directory, 'temporal', 'temporal.db'))).size).toBeGreaterThan(0);
  });

  it('keeps an audit trail of all that, in an unbroken chain', async () => {
    const file = join(lab().directory, 'controller', 'audit.jsonl');
    const records = (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { action: string; outcome: string; actor: string });

    expect((await verifyTrail(file)).problems).toEqual([]);
    expect(records).toContainEqual(expect.objectContaining({ action: 'backup', outcome: 'success' }));
    expect(records).toContainEqual(expect.objectContaining({ action: 'restore.approve', actor: 'bob' }));
    expect(records).toContainEqual(expect.objectContaining({ action: 'restore.share refused', actor: 'carol' }));
    expect(records).toContainEqual(expect.objectContaining({ action: 'restore.end', outcome: 'success' }));
  });

  it('says why a backup failed, and records it', async () => {
    for (const { name } of lab().nodes) await lab().agents[name]?.stop();
    await Promise.all(lab().nodes.map(({ name }) => lab().killVault(name)));

    const failed = await lab().cli(['backup', '--cluster', 'lab', '--json']);
    const audit = await readFile(join(lab().directory, 'controller', 'audit.jsonl'), 'utf8');

    expect(failed.code).toBe(1);
    expect(failed.stdout).toContain('No node leads the cluster');
    expect(audit.trim().split('\n').at(-1)).toContain('"outcome":"failure"');
  }, 180_000);

  async function clusterIdOf(node: string): Promise<unknown> {
    const { body } = await lab().vault(node, 'GET', 'sys/seal-status');
    return (body as { cluster_id: string }).cluster_id;
  }

  /** With stock tools: an age file for the recipients that the run shows, sent as a signal. */
  async function signalShare(holder: string, share: string): Promise<void> {
    const driver = restoreDriver(lab());
    const { recipients, shares } = await driver.progress();
    const envelope = await encryptArmored(
      share,
      recipients.map(({ recipient }) => recipient),
    );
    const file = join(lab().directory, 'share.json');
    await writeFile(file, JSON.stringify({ holder, share: envelope }));
    const args = ['workflow', 'signal', '-w', 'restore-lab', '--name', 'submitShare', '--input-file', file];
    const { code, stderr } = await lab().temporalCli(args);
    if (code !== 0) throw new Error(stderr);
    const wanted = (shares?.accepted.length ?? 0) + 1;
    await driver.waitUntil('the signalled share counts', (now) => now.shares?.accepted.length === wanted);
  }
});
