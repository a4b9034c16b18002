import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadinessReport } from '../../src/contract/readiness';
import { waitFor } from '../../src/lab/processes';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { useLab } from '../support/lab';
import { sealStatus } from '../support/lab-view';
import { restoreDriver } from '../support/restore-driver';

/** Vault only compares the hash of a plugin when it starts one, so any file will do. */
describe('vault-dr ready, of a cluster with an external plugin', () => {
  const lab = useLab({ nodes: 1 });
  const BODY = '#!/bin/sh\nexit 1\n';
  const file = () => join(lab().directory, 'plugins', 'widgets-v1');
  const asRoot = async (method: 'PUT' | 'GET', path: string, body?: unknown) => {
    const { status, body: said } = await lab().vault('vault-1', method, path, { body });
    if (status >= 300) throw new Error(`${path}: ${status} ${JSON.stringify(said)}`);
  };
  const plugins = async () => {
    const { code, stdout } = await lab().cli(['ready', '--cluster', 'lab', '--json']);
    const { checks } = JSON.parse(stdout) as ReadinessReport;
    return { code, ...checks.find(({ check }) => check === 'plugins') };
  };

  beforeAll(async () => {
    await mkdir(join(lab().directory, 'plugins'));
    await writeFile(file(), BODY);
    await chmod(file(), 0o755);
    const { vaultConfigFile } = lab().nodes[0]!;
    const config = await readFile(vaultConfigFile, 'utf8');
    await writeFile(vaultConfigFile, `plugin_directory = "${join(lab().directory, 'plugins')}"\n${config}`);
    await lab().killVault('vault-1');
    await waitFor('vault-1 is back', async () => (await sealStatus(lab(), 'vault-1')).sealed, { timeoutMs: 60_000 });
    for (const key of lab().unsealShares) await asRoot('PUT', 'sys/unseal', { key });
    const isServing = async () => (await lab().vault('vault-1', 'GET', 'sys/health')).status === 200;
    await waitFor('vault-1 serves', isServing, { timeoutMs: 60_000 });
    const sha256 = createHash('sha256').update(BODY).digest('hex');
    await asRoot('PUT', 'sys/plugins/catalog/secret/widgets', { sha256, command: 'widgets-v1', version: 'v1.0.0' });
    await restoreDriver(lab()).json(['backup', '--cluster', 'lab']);
  }, 180_000);

  it('says no once a byte of its file is another, or it is gone, and yes when it is back', async () => {
    const whole = await plugins();
    await writeFile(file(), BODY.replace('1', '2'));
    const changed = await plugins();
    await rm(file());
    const gone = await plugins();
    await writeFile(file(), BODY);
    const back = await plugins();

    const yes = '1 external plugin of the backup have files with their SHA-256 on every node';
    expect([whole, back]).toEqual(Array(2).fill(expect.objectContaining({ code: 0, verdict: 'yes', seen: yes })));
    expect([changed, gone]).toEqual(
      Array(2).fill(
        expect.objectContaining({
          code: 7,
          verdict: 'no',
          seen: expect.stringMatching(
            /^vault-1: .*\/plugins has no file with the SHA-256 of secret\/widgets v1\.0\.0$/,
          ) as string,
        }),
      ),
    );
  }, 180_000);

  it('says that it compared names alone where its login may not read the catalogue', async () => {
    const policy = await readFile(join(PROJECT_ROOT, 'docs/vault-dr-policy.hcl'), 'utf8');
    await asRoot('PUT', 'sys/policies/acl/vault-dr', {
      policy: policy.replace('path "sys/plugins/catalog"', 'path "no"'),
    });
    await writeFile(file(), BODY.replace('1', '2'));
    const byName = await plugins();
    await asRoot('PUT', 'sys/policies/acl/vault-dr', { policy });

    expect(byName).toMatchObject({ code: 0, verdict: 'yes' });
    expect(byName.seen).toContain("hashes were not compared: vault-dr's login could not read Vault's catalogue");
    expect(await plugins()).toMatchObject({ code: 7, verdict: 'no' });
  }, 120_000);
});
