import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabCluster } from '../../src/lab/lab-cluster';
import type { LabState } from '../../src/lab/lab-state';
import { waitFor } from '../../src/lab/processes';
import { useLab } from '../support/lab';

interface SealStatus {
  type: string;
  sealed: boolean;
  recovery_seal: boolean;
  t: number;
  n: number;
  cluster_id: string;
}

describe('a lab with auto-unseal', () => {
  const lab = useLab({ seal: 'transit' });

  test('has voters that unsealed themselves, and recovery keys for people', async () => {
    for (const { name } of lab().nodes) {
      expect(await sealStatus(lab(), name)).toMatchObject({ type: 'transit', sealed: false, recovery_seal: true });
    }
    expect(await sealStatus(lab(), 'vault-1')).toMatchObject({ t: 3, n: 5 });
    expect(lab().unsealShares).toHaveLength(5);
    expect(await voters(lab(), 'vault-1')).toEqual(['vault-1', 'vault-2', 'vault-3']);
  });

  test('a Vault that was killed comes back unsealed, without anybody', async () => {
    const before = await lab().vaultPid('vault-3');

    await lab().killVault('vault-3');

    await untilUnsealed('vault-3');
    expect(await lab().vaultPid('vault-3')).not.toBe(before);
  });

  test('while the seal Vault is down a Vault that starts ends again, and the others serve', async () => {
    const [secret] = await lab().writeSecrets(1);
    const log = lab().nodes[2]!.vaultLogFile;
    await lab().sealVault!.stop();

    await lab().killVault('vault-3');

    await waitFor(
      'vault-3 says why it ends',
      async () => (await readFile(log, 'utf8')).includes('error parsing Seal configuration'),
      { timeoutMs: 30_000 },
    );
    await expect(sealStatus(lab(), 'vault-3')).rejects.toThrow(/ECONNREFUSED/);
    expect(await lab().readSecret(secret!.path)).toBe(secret!.value);

    await lab().sealVault!.start();
    await untilUnsealed('vault-3');
    expect(await lab().readSecret(secret!.path, 'vault-3')).toBe(secret!.value);
  });

  test('the token of the seal is not in the configuration of Vault, and vault-dr backs the cluster up', async () => {
    const token = (await readFile(join(lab().directory, 'secrets/seal-token'), 'utf8')).trim();
    expect(token).toMatch(/^hvs\./);
    for (const { vaultConfigFile } of lab().nodes) {
      expect(await readFile(vaultConfigFile, 'utf8')).not.toContain(token);
    }

    const backup = await lab().cli(['backup', '--cluster', 'lab']);

    expect(backup).toMatchObject({ code: 0, stdout: expect.stringContaining('offsite: stored, hashed') as string });
  });

  async function untilUnsealed(node: string): Promise<void> {
    await waitFor(`${node} is unsealed`, async () => !(await sealStatus(lab(), node)).sealed, { timeoutMs: 40_000 });
  }
});

describe('a lab with a second cluster', () => {
  const lab = useLab({ nodes: 1, staging: 2 });
  const staging = () => lab().staging!;

  test('the two are different clusters: nodes, identity, shares and data', async () => {
    const [secret] = await staging().writeSecrets(5);

    expect(staging().name).toBe('staging');
    expect(Object.keys(staging().agents)).toEqual(['staging-1', 'staging-2']);
    expect(await voters(staging(), 'staging-2')).toEqual(['staging-1', 'staging-2']);
    expect(await voters(lab(), 'vault-1')).toEqual(['vault-1']);
    expect((await sealStatus(staging(), 'staging-1')).cluster_id).not.toBe(
      (await sealStatus(lab(), 'vault-1')).cluster_id,
    );
    expect(staging().unsealShares).not.toEqual(lab().unsealShares);
    for (const { name } of staging().nodes) {
      expect(await staging().readSecret(secret!.path, name)).toBe(secret!.value);
    }
    expect(await lab().readSecret(secret!.path)).toBeNull();
    expect(() => lab().vault('staging-1', 'GET', 'sys/health')).toThrow(
      /cluster lab of the lab has no node 'staging-1'/,
    );
  });

  test('vault-dr has access to each of its own, and one set of repositories for both', async () => {
    const secret = async (name: string) => (await readFile(join(lab().directory, 'secrets', name), 'utf8')).trim();
    const logIn = async (cluster: LabCluster, node: string, prefix: string) => {
      const body = { role_id: await secret(`${prefix}role-id`), secret_id: await secret(`${prefix}secret-id`) };
      return (await cluster.vault(node, 'POST', 'auth/approle/login', { body })).status;
    };
    expect(await logIn(lab(), 'vault-1', '')).toBe(200);
    expect(await logIn(staging(), 'staging-1', 'staging-')).toBe(200);
    expect(await logIn(staging(), 'staging-1', '')).toBe(400);

    for (const cluster of ['lab', 'staging']) {
      const backup = await lab().cli(['backup', '--cluster', cluster]);
      expect(backup).toMatchObject({ code: 0, stdout: expect.stringContaining('local: stored, hashed') as string });
    }
  });

  test('who comes later finds both in the file of the lab', async () => {
    const state = JSON.parse(await readFile(join(lab().directory, 'lab.json'), 'utf8')) as LabState;

    expect(state.nodes.map(({ name }) => name)).toEqual(['vault-1']);
    expect(state.staging?.nodes.map(({ name }) => name)).toEqual(['staging-1', 'staging-2']);
    expect(state.staging?.unsealShares).toEqual(staging().unsealShares);
  });

  test('the loss of one is not the loss of the other', async () => {
    const [secret] = await lab().writeSecrets(1);

    await staging().destroyDataDirectories();

    await expect(staging().readSecret('lab/anything')).rejects.toThrow(
      /None of staging-1, staging-2 is running and unsealed/,
    );
    expect(await lab().readSecret(secret!.path)).toBe(secret!.value);
  });
});

async function sealStatus(cluster: LabCluster, node: string): Promise<SealStatus> {
  return (await cluster.vault(node, 'GET', 'sys/seal-status')).body as SealStatus;
}

async function voters(cluster: LabCluster, node: string): Promise<string[]> {
  const { body } = await cluster.vault(node, 'GET', 'sys/storage/raft/configuration');
  const { servers } = (body as { data: { config: { servers: { node_id: string; voter: boolean }[] } } }).data.config;
  return servers
    .filter(({ voter }) => voter)
    .map(({ node_id }) => node_id)
    .sort();
}
