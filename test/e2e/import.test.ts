import { writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Manifest } from '../../src/contract/generation';
import { runProgram } from '../../src/lab/run-program';
import type { SampleSecret } from '../../src/lab/secrets';
import { ensureServers } from '../../src/lab/servers/servers';
import { useLab } from '../support/lab';
import { leaderOf, reconfigure, valuesOf } from '../support/lab-view';
import { restoreDriver } from '../support/restore-driver';

/** A cluster that vault-dr has no login in, and no backup of; there is what a cron job has saved. */
describe('a snapshot that the stock CLI has saved', () => {
  const lab = useLab();
  const driver = () => restoreDriver(lab());
  const inLab = (name: string) => join(lab().directory, name);
  let kept: SampleSecret[];

  it('brings the cluster back, with a login that people bring when it serves', async () => {
    kept = await lab().writeSecrets(5);
    const snapshot = inLab(`vault-${new Date().toISOString()}.snap`);
    await save(snapshot);
    const [lost] = await lab().writeSecrets(1);
    const token = inLab('token');
    await writeFile(token, 'comes-later\n', { mode: 0o600 });
    await reconfigure(lab(), ({ clusters }) => {
      clusters['lab']!.auth = { method: 'token', token: { file: token } };
    });
    await lab().destroyDataDirectories();

    const refused = await driver().refusal('--snapshot', snapshot);
    await driver().start('--snapshot', snapshot, '--accept', 'login');
    await driver().approve();
    await driver().unsealAll(lab().unsealShares);
    const parked = await driver().waitUntil('it has no login', (now) => now.parked.length > 0, 60_000);
    await writeFile(token, `${lab().rootToken}\n`);
    await driver().json(['resume', '--cluster', 'lab', '--as', 'ana']);
    const report = await driver().result();

    expect(refused).toContain('the backup was imported and does not say which logins it holds');
    expect(refused).not.toContain('live-credentials');
    expect(parked.parked).toMatchObject([{ phase: 'verify', problem: expect.stringContaining('permission denied') }]);
    expect(report).toMatchObject({
      status: 'completed',
      plan: { clusterId: null, serverVersion: expect.stringMatching(/^1\.\d+\.\d+/), copies: ['local', 'offsite'] },
      backup: { generation: expect.any(String) },
    });
    expect(report.plan?.warnings.join('\n')).toContain('time of capture unknown: the file name says ');
    expect(await generations()).toMatchObject([
      { leader: { node: 'vault-1' } },
      { leader: null, imported: { capturedAtBy: 'name' } },
    ]);
    for (const { name } of lab().nodes) {
      expect(await valuesOf(lab(), kept, name)).toEqual(kept.map(({ value }) => value));
    }
    expect(await lab().readSecret(lost!.path)).toBeNull();
  }, 180_000);

  it('is taken in from a bucket, with all others below a prefix, and each only once', async () => {
    const names = ['raft_snapshot-1763870400123456789.snap', 'bao_2025-11-24-0400.snapshot'];
    const [old, newer] = names.map(inLab) as [string, string];
    await save(old);
    await save(newer);
    await store(`old/${names[0]}`, old);
    await store(`old/2025/${names[1]}`, newer);
    await store('old/README', old, 'of prod');
    await store('cron.snap', old, 'x');

    const first = await imported();
    const again = await imported();
    const { stderr } = await lab().cli(['backups', 'list', '--cluster', 'lab']);

    expect(first).toMatchObject([
      { outcome: 'imported', capturedAt: '2025-11-23T04:00:00.123Z', maker: 'Vault Raft Snapshot Agent' },
      { outcome: 'imported', capturedAt: '2025-11-24T04:00:00.000Z', maker: 'openbao-snapshot-agent' },
      { outcome: 'no snapshot' },
    ]);
    expect(first[0]).toMatchObject({ copies: ['local', 'offsite'], missing: [] });
    expect(again.map(({ outcome }) => outcome)).toEqual(['already there', 'already there', 'no snapshot']);
    expect(await generations()).toHaveLength(4);
    expect(stderr).toContain('cron.snap (1 B, ');
  }, 60_000);

  async function imported() {
    const args = ['backups', 'import', `s3://${lab().s3.bucket}/old/`, '--cluster', 'lab'];
    const { files } = await driver().json<{ files: { outcome: string; copies?: string[] }[] }>(args);
    return files;
  }

  /** Of those in the first repository, newest first. */
  async function generations(): Promise<Manifest[]> {
    const { copies } = await driver().json<{ copies: { repository: string; manifest: Manifest }[] }>([
      'generations',
      'list',
      '--cluster',
      'lab',
    ]);
    return copies.filter(({ repository }) => repository === 'local').map(({ manifest }) => manifest);
  }

  async function save(file: string): Promise<void> {
    const { vault } = await ensureServers();
    const leader = await leaderOf(lab());
    const { code, stderr } = await runProgram(vault, ['operator', 'raft', 'snapshot', 'save', file], {
      VAULT_ADDR: lab().nodes.find(({ name }) => name === leader)!.address,
      VAULT_CACERT: inLab('tls/ca.pem'),
      VAULT_TOKEN: lab().rootToken,
      HOME: lab().directory,
    });
    if (code !== 0) throw new Error(stderr);
  }

  async function store(key: string, file: string, body: string | Buffer = readFileSync(file)): Promise<void> {
    const { endpoint, bucket, credentials } = lab().s3;
    const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    s3.destroy();
  }
});
