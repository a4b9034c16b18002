import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GenerationCopy } from '../../src/contract/generation';
import type { LabConsul } from '../../src/lab/consul/consul-cluster';
import { waitFor } from '../../src/lab/processes';
import { runProgram } from '../../src/lab/run-program';
import type { SampleSecret } from '../../src/lab/secrets';
import { ensureServers } from '../../src/lab/servers/servers';
import { useLab } from '../support/lab';
import { leaderOf, sealStatus, untilReadable, valuesOf } from '../support/lab-view';
import { lostTemporal } from '../support/lost-temporal';
import { restoreDriver } from '../support/restore-driver';

/** Three Vaults on a real Consul of three servers, with ACLs and TLS. Each test begins with what the one before left. */
describe('a cluster that stores in Consul', () => {
  const lab = useLab({ shape: 'consul-storage' });
  const driver = () => restoreDriver(lab());
  const consul = () => lab().consul as LabConsul;
  const names = () => lab().nodes.map(({ name }) => name);
  const kv = async (key: string) => (await consul().ask('GET', `kv/${key}?raw`)).body;
  let kept: SampleSecret[];
  let clusterId: string;
  let generation: string;

  async function killVaults(): Promise<void> {
    for (const name of names()) {
      const { pid } = lab().agents[name]!;
      if (pid !== undefined) await lab().agents[name]!.kill();
      await lab().killVault(name);
    }
  }

  it('is backed up while it serves, and the backup says what else is in it', async () => {
    kept = await lab().writeSecrets(20);
    clusterId = (await sealStatus(lab(), 'vault-1')).cluster_id;
    await consul().ask('PUT', 'kv/app/setting', { body: 'of then' });

    const { code, stdout } = await lab().cli(['backup', '--cluster', 'lab']);

    expect({ code, stdout }).toMatchObject({ code: 0 });
    const { copies } = await driver().json<{ copies: GenerationCopy[] }>(['backups', 'list', '--cluster', 'lab']);
    const [copy] = copies;
    generation = copy!.generation;
    expect(copy!.manifest).toMatchObject({
      content: {
        method: 'consul',
        scope: 'all',
        path: 'vault/',
        consistency: 'default',
        accessor: consul().tokens.vaultDr.accessorId,
        others: { otherKeys: 1 },
      },
      clusterId,
      raft: { peers: [] },
      seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
      stored: { file: 'consul.snap.age' },
    });
    expect(copy!.manifest.keys.byPrefix['core/keyring']?.count).toBe(1);
    expect(await readFile(join(lab().localRepository, 'lab', generation, 'RESTORE.md'), 'utf8')).toContain(
      'consul snapshot restore consul.snap',
    );
  }, 120_000);

  it('is refused a restore while it serves, and one in place in any case', async () => {
    expect(await driver().refusal()).toContain('[lose-newer-data, override with --accept lose-newer-data]');
    expect(await driver().refusal('--in-place')).toContain('[in-place-method]');
  }, 60_000);

  it('goes back to the backup with everything in Consul: nodes stopped, lock deleted, the same shares', async () => {
    const lost = await lab().writeSecrets(3);
    await consul().ask('PUT', 'kv/app/setting', { body: 'of now' });

    await driver().start('--accept', 'lose-newer-data');
    await driver().approve();
    await driver().unsealAll(lab().unsealShares, 180_000);
    const report = await driver().result();

    expect(report).toMatchObject({ status: 'completed', plan: { archive: 'consul', storage: 'consul' } });
    expect(await valuesOf(lab(), kept)).toEqual(kept.map(({ value }) => value));
    expect(await valuesOf(lab(), lost)).toEqual(lost.map(() => null));
    expect(await kv('app/setting')).toBe('of then');
    for (const name of names()) {
      expect(await sealStatus(lab(), name)).toMatchObject({ sealed: false, cluster_id: clusterId });
      await untilReadable(lab(), kept[0]!, name);
    }
    expect(report.backup).toHaveProperty('generation');
    expect(report.setAside).toEqual([{ node: 'vault-1', path: expect.stringContaining('set-aside') }]);
    expect(names()).toContain(await leaderOf(lab()));
  }, 300_000);

  it('has what was in Consul put back by a roll-back', async () => {
    const newer = await lab().writeSecrets(2);
    await consul().ask('PUT', 'kv/app/setting', { body: 'newest' });
    await driver().start('--accept', 'lose-newer-data', '--generation', generation);
    await driver().approve();
    await driver().waitUntil('shares are taken', (now) => now.phase === 'unseal', 180_000);
    expect(await kv('app/setting')).toBe('of then');

    await driver().json(['roll-back', '--cluster', 'lab', '--as', 'bob']);
    await driver().unsealAll(lab().unsealShares, 120_000);
    const report = await driver().result(1);

    expect(report.status).toBe('rolled back');
    expect(await kv('app/setting')).toBe('newest');
    await untilReadable(lab(), newer[0]!, 'vault-1');
    expect(await valuesOf(lab(), newer)).toEqual(newer.map(({ value }) => value));
  }, 300_000);

  it('has it put back by the id of a run that Temporal has lost', async () => {
    const [newest] = await lab().writeSecrets(1);
    await driver().start('--accept', 'lose-newer-data', '--generation', generation);
    await driver().approve();
    const { run } = await driver().reached('unseal', 180_000);
    expect(await kv('app/setting')).toBe('of then');
    await lostTemporal(lab).loseEverything();

    const removal = await lab().cli(['remove-set-aside', '--cluster', 'lab', '--run', run, '--as', 'ana']);
    await driver().json(['roll-back', '--cluster', 'lab', '--of', run, '--as', 'ana', '--detach']);
    await driver().approve();
    await driver().unsealAll(lab().unsealShares, 120_000);
    const report = await driver().result();
    const again = await lab().cli(['roll-back', '--cluster', 'lab', '--of', run, '--as', 'ana']);

    expect(removal).toMatchObject({ code: 5, stderr: expect.stringContaining(`--of ${run}\` puts it back`) });
    expect(report).toMatchObject({ status: 'completed', method: 'rollBack', plan: { storage: 'consul' } });
    expect(report.warnings.join()).not.toContain('does not serve');
    expect(await kv('app/setting')).toBe('newest');
    for (const name of names()) await untilReadable(lab(), newest!, name);
    expect(again).toMatchObject({ code: 5, stderr: expect.stringContaining(`no node has an unfinished run ${run}`) });
  }, 300_000);

  it('comes back in a new Consul that has only the tokens of the configuration, from what a last server without a leader saved', async () => {
    const [last] = await lab().writeSecrets(1);
    const file = join(lab().directory, `consul-${new Date().toISOString()}.snap`);
    await consul().ask('PUT', 'kv/app/setting', { body: 'last' });
    // Of what it has not applied yet when the others die, it has nothing in its snapshot.
    const applied = () => consul().ask('GET', 'kv/app/setting?raw&stale', { server: 'consul-1' });
    await waitFor('it has all of it', async () => (await applied()).body === 'last', { timeoutMs: 60_000 });
    await consul().kill(['consul-2', 'consul-3']);
    await waitFor('nobody leads', async () => (await consul().ask('GET', 'status/leader')).body === '', {
      timeoutMs: 60_000,
    });
    const refused = await saved(file);
    const stale = await saved(file, '-stale');
    const backup = await lab().cli(['backup', '--cluster', 'lab']);
    await killVaults();
    await consul().destroy();
    await consul().start();
    await consul().furnish();
    await Promise.all(names().map((name) => lab().agents[name]!.start()));

    expect(await driver().refusal('--snapshot', file)).toContain('[consul-token, override with --accept consul-token]');
    await driver().start('--snapshot', file, '--accept', 'consul-token', '--accept', 'login');
    await driver().approve();
    await driver().unsealAll(lab().unsealShares, 180_000);
    const report = await driver().result();

    expect(refused.code).not.toBe(0);
    expect(stale).toMatchObject({ code: 0 });
    expect(backup.code).not.toBe(0);
    expect(report).toMatchObject({ status: 'completed', plan: { holdData: [] } });
    await untilReadable(lab(), last!, 'vault-2');
    expect(await valuesOf(lab(), kept)).toEqual(kept.map(({ value }) => value));
    expect(await kv('app/setting')).toBe('last');
  }, 600_000);

  /** By Consul's own program, from the server that is left. */
  async function saved(file: string, ...options: string[]) {
    const { consul: program } = await ensureServers({ names: ['consul'] });
    return runProgram(program, ['snapshot', 'save', ...options, file], {
      CONSUL_HTTP_ADDR: consul().servers[0]!.address,
      CONSUL_HTTP_TOKEN: consul().tokens.vaultDr.secretId,
      CONSUL_CACERT: join(lab().directory, 'tls/ca.pem'),
      HOME: lab().directory,
    });
  }
});
