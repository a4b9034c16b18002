import { readdir, readFile } from 'node:fs/promises';
import type { RecoveryReport } from '../../src/contract/recovery';
import type { LabConsul } from '../../src/lab/consul/consul-cluster';
import { waitFor } from '../../src/lab/processes';
import { useLab } from '../support/lab';
import { sealStatus, untilReadable } from '../support/lab-view';
import { lostTemporal } from '../support/lost-temporal';
import { prepareMigration } from '../support/migration';
import { restoreDriver } from '../support/restore-driver';

const WITHOUT_BACKUP = ['--accept', 'no-backup'];
const begin = (driver: ReturnType<typeof restoreDriver>) =>
  driver.json(['migrate-storage', '--cluster', 'lab', '--to', 'raft', '--as', 'ana', '--detach', ...WITHOUT_BACKUP]);

describe('a cluster of three that stores in Consul', () => {
  const lab = useLab({ shape: 'consul-storage' });
  const driver = () => restoreDriver(lab());
  const storageTypes = (names = lab().nodes.map(({ name }) => name)) =>
    Promise.all(
      names.map(async (name) => {
        const { body } = await lab().vault(name, 'GET', 'sys/seal-status');
        return (body as { storage_type: string }).storage_type;
      }),
    );
  const keysInConsul = async () => {
    const consul = lab().consul as LabConsul;
    const { body } = await consul.ask('GET', 'kv/vault/?keys');
    return (body as string[]).filter((key) => key !== 'vault/core/lock').length;
  };

  it('is refused without what the hosts have to prepare, and nothing is changed', async () => {
    const { code, stderr } = await lab().cli(['migrate-storage', '--cluster', 'lab', '--to', 'raft', '--plan']);

    expect(code).toBe(5);
    expect(stderr).toContain('[migration-config]');
    expect(stderr).toContain('[no-backup, override with --accept no-backup]');
    expect(await storageTypes()).toEqual(['consul', 'consul', 'consul']);
  }, 60_000);

  it('goes back to Consul from Raft, when it has come as far as to join', async () => {
    await prepareMigration(lab());
    const [secret] = await lab().writeSecrets(1);
    const configs = await Promise.all(lab().nodes.map(({ vaultConfigFile }) => readFile(vaultConfigFile, 'utf8')));

    await begin(driver());
    await driver().approve();
    await driver().reached('unseal', 120_000);
    await lab().agents['vault-3']!.kill();
    await driver().unsealAll(lab().unsealShares);
    await driver().waitUntil('vault-2 is in', (now) => now.nodes[1]?.state === 'unsealed', 120_000);
    expect(await storageTypes(['vault-1', 'vault-2'])).toEqual(['raft', 'raft']);
    await lab().cli(['roll-back', '--cluster', 'lab', '--as', 'bob']);
    await lab().agents['vault-3']!.start();
    const report = await driver().result(1);

    expect(report).toMatchObject({ status: 'rolled back', method: 'migrate', setAside: [] });
    expect(report.warnings.join()).not.toContain('does not serve');
    expect(await storageTypes()).toEqual(['consul', 'consul', 'consul']);
    for (const [index, { vaultConfigFile }] of lab().nodes.entries()) {
      expect(await readFile(vaultConfigFile, 'utf8')).toBe(configs[index]);
    }
    for (const { name } of lab().nodes) await untilReadable(lab(), secret!, name);
  }, 300_000);

  it('goes back to Consul by the id of a run that Temporal has lost', async () => {
    const [secret] = await lab().writeSecrets(1);
    await begin(driver());
    await driver().approve();
    const { run } = await driver().reached('unseal', 120_000);
    await lostTemporal(lab).loseEverything();

    await driver().json(['roll-back', '--cluster', 'lab', '--of', run, '--as', 'ana', '--detach']);
    await driver().approve();
    await driver().unsealAll(lab().unsealShares, 120_000);
    const report = await driver().result();

    expect(report).toMatchObject({ status: 'completed', method: 'rollBack', setAside: [] });
    expect(report.warnings.join()).not.toContain('does not serve');
    expect(await storageTypes()).toEqual(['consul', 'consul', 'consul']);
    for (const { name, vaultConfigFile } of lab().nodes) {
      expect(await readFile(vaultConfigFile, 'utf8')).toContain('storage "consul"');
      await untilReadable(lab(), secret!, name);
    }
  }, 300_000);

  it('is migrated though the agent is killed in the middle of the copy; Consul stays as it is', async () => {
    for (const { dataDir } of lab().nodes) expect(await readdir(dataDir)).toEqual([]);
    const secrets = await lab().writeSecrets(200);
    const before = await lab().vault('vault-1', 'GET', 'sys/seal-status');

    await begin(driver());
    await driver().approve();
    await driver().reached('install', 120_000);
    await waitFor('the copy runs', async () => (await migrationsIn(lab().directory)).length > 0, {
      timeoutMs: 60_000,
      everyMs: 20,
    });
    await lab().agents['vault-1']!.kill();
    await lab().agents['vault-1']!.start();
    await driver().unsealAll(lab().unsealShares, 180_000);
    const report = await driver().result();

    expect(report).toMatchObject({ status: 'completed', method: 'migrate', shares: { required: 3 } });
    expect(report.backup).toMatchObject({ generation: expect.any(String) });
    expect(report.warnings.join('\n')).toContain('method: raft');
    expect(await storageTypes()).toEqual(['raft', 'raft', 'raft']);
    expect((await lab().vault('vault-1', 'GET', 'sys/seal-status')).body).toMatchObject({
      cluster_id: (before.body as { cluster_id: string }).cluster_id,
      n: 5,
      t: 3,
    });
    expect(await migrationsIn(lab().directory)).toEqual([]);
    for (const { path, value } of [secrets[0]!, secrets.at(-1)!]) {
      for (const { name } of lab().nodes) expect(await lab().readSecret(path, name)).toBe(value);
    }
    // It is still the whole of what was copied, and no lock of the migration is left in it.
    expect(await keysInConsul()).toBeGreaterThan(200);
    expect(await (lab().consul as LabConsul).ask('GET', 'kv/vault/core/migration')).toMatchObject({ status: 404 });
    await expectNoTokenLeft(report);
  }, 300_000);

  /** Neither in what is kept of the run nor in any data directory. */
  async function expectNoTokenLeft(report: RecoveryReport): Promise<void> {
    const { secretId } = (lab().consul as LabConsul).tokens.vault;
    expect(JSON.stringify(report)).not.toContain(secretId);
    const history = await lab().temporalCli(['workflow', 'show', '--workflow-id=restore-lab', '--output=json']);
    expect(history.stdout.length).toBeGreaterThan(1_000);
    expect(history.stdout).not.toContain(secretId);
    for (const { dataDir } of lab().nodes) expect(await readdir(dataDir)).not.toContain('.vault-dr-migrate.json');
  }
});

describe('a server that stores in files and unseals itself', () => {
  const lab = useLab({ shape: 'file-storage', seal: 'transit' });

  it('is migrated without a share, and its files stay as they were', async () => {
    await prepareMigration(lab());
    const [secret] = await lab().writeSecrets(1);
    const driver = restoreDriver(lab());

    await begin(driver);
    await driver.approve();
    const report = await driver.result();

    expect(report).toMatchObject({ status: 'completed', method: 'migrate', shares: null });
    expect(report.backup).toHaveProperty('generation');
    expect(await sealStatus(lab(), 'vault-1')).toMatchObject({ type: 'transit', sealed: false, n: 5, t: 3 });
    expect((await lab().vault('vault-1', 'GET', 'sys/seal-status')).body).toMatchObject({ storage_type: 'raft' });
    expect(await lab().readSecret(secret!.path, 'vault-1')).toBe(secret!.value);
    const { path } = report.setAside[0]!;
    expect(await readdir(`${path}/core`)).toContain('_seal-config');
    expect(await readdir(`${path}/core`)).not.toContain('_migration');
  }, 240_000);
});

/** Its programs that copy right now; they carry nothing of the environment of the lab. */
async function migrationsIn(directory: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes('\0operator\0migrate\0') && line.includes(directory));
}
