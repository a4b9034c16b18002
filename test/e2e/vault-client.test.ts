import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { VaultClient } from '../../src/vault/client';
import { findLeader } from '../../src/vault/leader';
import { logIn } from '../../src/vault/login';
import { readSnapshotArchive, SnapshotVerifier } from '../../src/vault/snapshot/snapshot-archive';
import { bootstrap, eventually, startVaultNode, type VaultNode } from '../support/vault-node';

const SHARES = { secretShares: 5, secretThreshold: 3 };

describe('a Vault node', () => {
  let node: VaultNode;
  let keys: string[];
  let root: VaultClient;

  beforeAll(async () => {
    node = await startVaultNode('vault-1');
    const anonymous = node.client();
    const answer = await bootstrap(anonymous, SHARES);
    keys = answer.keys;
    root = node.client({ token: answer.rootToken });
    await root.write('sys/mounts/secret', { type: 'kv' });
    await root.write('secret/first', { value: 'one' });
  }, 60_000);

  afterAll(async () => node.stop());

  it('shows its state', async () => {
    expect(await root.health()).toMatchObject({ initialized: true, sealed: false, standby: false });
    expect(await root.sealStatus()).toMatchObject({ type: 'shamir', sealed: false, t: 3, n: 5, storageType: 'raft' });
    expect(await root.leader()).toMatchObject({ haEnabled: true, isSelf: true, leaderAddress: node.address });
    expect(await root.raftConfiguration()).toEqual([
      { nodeId: 'vault-1', address: node.clusterAddress, leader: true, voter: true },
    ]);
    expect(await root.autopilotState()).toMatchObject({ healthy: true, failureTolerance: 0, voters: ['vault-1'] });
    expect(await root.capabilitiesSelf(['sys/storage/raft/snapshot'])).toEqual({
      'sys/storage/raft/snapshot': ['root'],
    });
  });

  it('is found as the leader', async () => {
    const view = await findLeader([node.client()]);

    expect(view).toMatchObject({ leader: { node: 'vault-1', address: node.address }, clusterId: expect.any(String) });
    expect(view.nodes).toMatchObject([{ node: 'vault-1', leader: true, problem: null }]);
  });

  it('keeps, gives and forgets secrets', async () => {
    await root.write('secret/second', { value: 'two' });

    expect((await root.read('secret/second'))?.data).toEqual({ value: 'two' });
    await root.remove('secret/second');
    expect(await root.read('secret/second')).toBeNull();
  });

  it('lets an AppRole in, and tells wrong credentials from missing rights', async () => {
    await root.write('sys/auth/approle', { type: 'approle' });
    await root.write('sys/policies/acl/backup', {
      policy: 'path "sys/storage/raft/snapshot" { capabilities = ["read"] }',
    });
    await root.write('auth/approle/role/backup', { token_policies: ['backup'], token_ttl: '5m' });
    const roleId = String((await root.read('auth/approle/role/backup/role-id'))?.data?.['role_id']);
    const secretId = String((await root.write('auth/approle/role/backup/secret-id'))?.data?.['secret_id']);
    process.env['TEST_ROLE_ID'] = roleId;
    process.env['TEST_SECRET_ID'] = secretId;
    const auth = {
      method: 'approle' as const,
      mount: 'approle',
      roleId: { env: 'TEST_ROLE_ID' },
      secretId: { env: 'TEST_SECRET_ID' },
    };

    const client = node.client({ token: await logIn(node.client(), auth) });

    const { body } = await client.snapshot();
    expect((await readSnapshotArchive(body)).seal).toEqual({ type: 'shamir', secretShares: 5, secretThreshold: 3 });
    await expect(client.read('secret/first')).rejects.toMatchObject({ code: 'PermissionDenied', where: 'vault-1' });
    process.env['TEST_SECRET_ID'] = 'wrong';
    await expect(logIn(node.client(), auth)).rejects.toMatchObject({ code: 'AuthenticationFailed' });
  });

  it('refuses a token that it does not know, for a download as for an upload', async () => {
    const stranger = node.client({ token: 'hvs.unknown' });

    await expect(stranger.snapshot()).rejects.toMatchObject({ code: 'PermissionDenied' });
    const upload = Readable.from(Array.from({ length: 200 }, () => Buffer.alloc(65_536)));
    await expect(stranger.restoreSnapshot(upload, { force: true })).rejects.toMatchObject({ code: 'PermissionDenied' });
    expect(upload.destroyed).toBe(true);
  });

  it('refuses what is no snapshot', async () => {
    const upload = Readable.from([Buffer.from('no gzip')]);

    await expect(root.restoreSnapshot(upload, { force: true })).rejects.toMatchObject({
      advice: expect.stringContaining('Decrypt and verify the copy again'),
    });
  });

  it('says what is wrong with a path or an address', async () => {
    await expect(root.read('nope/x')).rejects.toMatchObject({
      code: 'VaultRefused',
      message: expect.stringContaining('404'),
    });
    const wrongScheme = node.client({ address: node.address.replace('http:', 'https:') });
    await expect(wrongScheme.health()).rejects.toMatchObject({
      code: 'VaultUnavailable',
      retryable: false,
      advice: expect.stringContaining('does not use TLS'),
    });
  });

  it('refuses to be initialised twice', async () => {
    await expect(root.initialize(SHARES)).rejects.toMatchObject({
      code: 'VaultRefused',
      message: expect.stringContaining('already initialized'),
    });
  });

  it('is brought back on a blank node, in the way of a restore', async () => {
    const file = join(node.directory, 'snapshot.snap');
    const { body } = await root.snapshot();
    await pipeline(body, new SnapshotVerifier(), createWriteStream(file));
    const { clusterId } = await root.sealStatus();
    const blank = await startVaultNode('vault-1');
    try {
      const anonymous = blank.client();
      const health = await eventually('an answer', () => anonymous.health());
      expect(health).toMatchObject({ initialized: false, sealed: true, clusterId: undefined });
      const throwaway = await bootstrap(anonymous, SHARES);
      const client = blank.client({ token: throwaway.rootToken });

      await expect(client.restoreSnapshot(createReadStream(file), { force: false })).rejects.toMatchObject({
        code: 'VaultRefused',
        advice: expect.stringContaining('with force'),
      });
      await client.restoreSnapshot(createReadStream(file), { force: true });
      await eventually('the node to seal itself', async () => ((await anonymous.sealStatus()).sealed ? true : null));

      await expect(findLeader([anonymous])).rejects.toMatchObject({ message: expect.stringContaining('is sealed') });
      await expect(anonymous.leader()).rejects.toMatchObject({ code: 'VaultUnavailable' });
      for (const key of throwaway.keys.slice(0, 2)) await anonymous.unseal({ key });
      await expect(anonymous.unseal({ key: throwaway.keys[2] ?? '' })).rejects.toMatchObject({
        code: 'VaultRefused',
        advice: expect.stringMatching(/shares|key/),
      });
      await expect(anonymous.unseal({ key: '%%%' })).rejects.toMatchObject({
        advice: expect.stringContaining('quotes'),
      });
      await anonymous.unseal({ reset: true });
      for (const key of keys.slice(0, 3)) await anonymous.unseal({ key });
      await eventually('the node to unseal', async () => ((await anonymous.leader()).isSelf ? true : null));

      expect((await anonymous.sealStatus()).clusterId).toBe(clusterId);
      expect((await findLeader([anonymous])).clusterId).toBe(clusterId);
    } finally {
      await blank.stop();
    }
  }, 90_000);

  it('seals on demand', async () => {
    await root.seal();

    expect(await root.health()).toMatchObject({ sealed: true });
    await expect(root.read('secret/first')).rejects.toMatchObject({
      code: 'VaultUnavailable',
      message: expect.stringContaining('The node is running, and sealed'),
    });
  });
});
