import { readFile } from 'node:fs/promises';
import type { LabConsul } from '../../src/lab/consul/consul-cluster';
import { waitFor } from '../../src/lab/processes';
import { processesOf } from '../../src/lab/sweep';
import { startLab } from '../../src/lab/lab';
import { useLab } from '../support/lab';

describe('a lab whose Vaults store in Consul', () => {
  const lab = useLab({ shape: 'consul-storage' });
  const consul = () => lab().consul as LabConsul;

  test('has three servers, one of which leads, and Vaults of which one is active', async () => {
    const { body } = await consul().ask('GET', 'operator/raft/configuration');
    const servers = (body as { Servers: { Node: string; Leader: boolean; Voter: boolean }[] }).Servers;
    expect(servers.map(({ Node }) => Node).sort()).toEqual(['consul-1', 'consul-2', 'consul-3']);
    expect(servers.filter(({ Leader }) => Leader).map(({ Node }) => Node)).toEqual([await consul().leader()]);

    const states = await Promise.all(
      lab().nodes.map(async ({ name }) => (await lab().vault(name, 'GET', 'sys/health')).status),
    );
    expect(states.filter((status) => status === 200)).toHaveLength(1);
    expect(states.filter((status) => status === 429)).toHaveLength(2);
    const [secret] = await lab().writeSecrets(1);
    for (const { name } of lab().nodes) expect(await lab().readSecret(secret!.path, name)).toBe(secret!.value);
  });

  test('allows nobody anything but what the token is for', async () => {
    const { vault, vaultDr } = consul().tokens;
    const status = async (path: string, token: string) => (await consul().ask('GET', path, { token })).status;
    // A server that does not lead passes a snapshot on, and on a busy machine loses the leader's answer now and then: 500.
    const ofSnapshot = (token: string) =>
      waitFor(
        'an answer',
        async () => {
          const answer = await status('snapshot', token);
          return answer !== 500 && answer;
        },
        { timeoutMs: 20_000 },
      );

    expect(await status('kv/vault/core/keyring', '')).toBe(403);
    expect(await status('kv/vault/core/keyring', vault.secretId)).toBe(200);
    expect(await ofSnapshot(vault.secretId)).toBe(403);
    expect(await ofSnapshot(vaultDr.secretId)).toBe(200);
    expect(await status('kv/vault/core/lock', vaultDr.secretId)).toBe(200);
    expect(await status('kv/other', vaultDr.secretId)).toBe(403);
    expect((await readFile(consul().tokenFile, 'utf8')).trim()).toBe(vaultDr.secretId);
  });

  test('its servers are among the processes that end with the lab', async () => {
    const pids = consul().servers.map(({ process }) => process.pid);

    expect(await processesOf(lab().id)).toEqual(expect.arrayContaining(pids));
  });

  test('serves without the server that led', async () => {
    const [secret] = await lab().writeSecrets(1);
    const leader = await consul().leader();

    await consul().kill([leader]);

    await waitFor('another leads', async () => (await consul().leader()) !== leader, { timeoutMs: 30_000 });
    await waitFor('a Vault serves', async () => (await lab().readSecret(secret!.path)) === secret!.value, {
      timeoutMs: 60_000,
    });
    await consul().start([leader]);
    expect(consul().servers.every(({ process }) => process.pid !== undefined)).toBe(true);
  });

  test('what was destroyed starts blank, with the tokens that a new Consul is given', async () => {
    expect((await consul().ask('GET', 'kv/vault/core/keyring')).status).toBe(200);

    await consul().destroy();
    await consul().start();
    await consul().furnish();

    const { vaultDr } = consul().tokens;
    expect((await consul().ask('GET', 'kv/vault/core/keyring', { token: vaultDr.secretId })).status).toBe(404);
  });
});

describe('a lab with a Consul of one server', () => {
  const lab = useLab({ shape: 'consul-storage', consulServers: 1, nodes: 1, staging: 1 });

  test('keeps each cluster below a prefix of its own', async () => {
    expect(lab().consul!.servers).toHaveLength(1);
    const { body } = await lab().consul!.ask('GET', 'kv/?keys&separator=/');
    expect(body).toEqual(['staging/', 'vault/']);
  });
});

describe('a lab whose Vault stores in files', () => {
  const lab = useLab({ shape: 'file-storage' });

  test('serves, and has its keys in files', async () => {
    const [secret] = await lab().writeSecrets(1);

    expect(await lab().readSecret(secret!.path, 'vault-1')).toBe(secret!.value);
    expect((await lab().vault('vault-1', 'GET', 'sys/seal-status')).body).toMatchObject({ storage_type: 'file' });
    expect(JSON.parse(await readFile(`${lab().nodes[0]!.dataDir}/core/_seal-config`, 'utf8'))).toHaveProperty('Value');
  });

  test('a Vault that was killed comes back, and its data with the shares', async () => {
    const [secret] = await lab().writeSecrets(1);
    const before = await lab().vaultPid('vault-1');

    await lab().killVault('vault-1');

    await waitFor(
      'another Vault answers',
      async () => {
        const { body } = await lab().vault('vault-1', 'GET', 'sys/seal-status');
        return (body as { sealed: boolean }).sealed && (await lab().vaultPid('vault-1')) !== before;
      },
      { timeoutMs: 30_000 },
    );
    for (const key of lab().unsealShares.slice(0, 3))
      await lab().vault('vault-1', 'POST', 'sys/unseal', { body: { key } });
    await waitFor('it serves', async () => (await lab().readSecret(secret!.path)) === secret!.value, {
      timeoutMs: 30_000,
    });
    expect(await lab().readSecret(secret!.path)).toBe(secret!.value);
  });
});

test('a cluster that stores in files has no second node', async () => {
  await expect(startLab({ shape: 'file-storage', nodes: 2 })).rejects.toMatchObject({ code: 'InvalidInput' });
});
