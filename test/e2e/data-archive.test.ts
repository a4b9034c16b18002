import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { unpackDataArchive } from '../../src/host/archive/unpack-archive';
import { withDataArchive } from '../../src/host/archive/write-archive';
import { setAsideDataDirectory } from '../../src/host/data/data-directory';
import { AttemptGate } from '../../src/host/run/attempt';
import { readDataArchive } from '../../src/vault/archive/data-archive';
import { bootstrap, eventually, startVaultNode, VAULT_BINARY, type VaultNode } from '../support/vault-node';

const RUN = '01a20752-189b-7247-a8d0-708bed2469e6';
const SHARES = { secretShares: 3, secretThreshold: 2 };
const signal = new AbortController().signal;

const nodes: VaultNode[] = [];
const start = async (...input: Parameters<typeof startVaultNode>): Promise<VaultNode> => {
  const node = await startVaultNode(...input);
  nodes.push(node);
  return node;
};
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.stop();
});

function archive(node: VaultNode, meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<Buffer> {
  return withDataArchive(
    join(node.directory, 'data'),
    { storage: 'raft', nodeId: 'node-1', signal },
    async ({ body }) => {
      await meanwhile();
      const chunks: Buffer[] = [];
      for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
  );
}

/** On a host whose Vault has another id and other addresses. */
async function startFrom(content: Buffer, storage: object): Promise<VaultNode> {
  const attempt = new AttemptGate('node-9').begin(signal);
  return start('node-9', undefined, undefined, storage, [], async (dataDir, clusterAddress) => {
    await setAsideDataDirectory(dataDir, RUN, attempt);
    await unpackDataArchive(dataDir, Readable.from([content]), {
      run: RUN,
      attempt,
      storage: 'raft',
      ids: { configured: 'node-9', previous: null },
      clusterAddress,
    });
  });
}

/** Vault's own way to end when it can't open its database. */
async function startedMeanwhile(node: VaultNode): Promise<string> {
  const vault = spawn(VAULT_BINARY, ['server', '-config', join(node.directory, 'vault.json')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [vault.stdout, vault.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await once(vault, 'close');
  return said;
}

test.each([{}, { raft_wal: 'true' }])(
  'a cluster comes back from the archive of a stopped node on another host, by its original shares alone (%j)',
  async (storage) => {
    const node = await start('node-1', undefined, undefined, storage);
    const { keys, rootToken } = await bootstrap(node.client(), SHARES);
    await node.client({ token: rootToken }).write('sys/mounts/secret', { type: 'kv' });
    await node.client({ token: rootToken }).write('secret/proof', { value: 'kept' });

    await expect(archive(node)).rejects.toMatchObject({
      code: 'NodeUnsafe',
      message: expect.stringContaining('Vault runs on this data directory') as string,
    });
    await node.halt();
    const content = await archive(node);

    const summary = await readDataArchive(Readable.from([content]));
    expect(summary).toMatchObject({
      seal: { type: 'shamir', ...SHARES },
      raft: { peers: [{ id: 'node-1', address: node.clusterAddress, suffrage: 'voter' }] },
      requiredKeys: expect.arrayContaining(['core/keyring', 'core/shamir-kek']) as string[],
      newestVersion: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
      meta: { nodeId: 'node-1', storage: 'raft' },
    });
    expect(summary.raft.index).toBeGreaterThan(10);
    expect(summary.meta.raft?.lastLogIndex).toBeGreaterThanOrEqual(summary.raft.index);
    expect(summary.keys.count).toBeGreaterThan(20);

    const restored = await startFrom(content, storage);
    const client = restored.client({ token: rootToken });
    await eventually('an answer', () => client.sealStatus());
    for (const key of keys.slice(0, SHARES.secretThreshold)) await client.unseal({ key });
    await eventually('an active node', async () => ((await client.leader()).isSelf ? true : null));
    const answer = await fetch(`${restored.address}/v1/secret/proof`, { headers: { 'X-Vault-Token': rootToken } });
    expect(await answer.json()).toMatchObject({ data: { value: 'kept' } });
    const peers = await fetch(`${restored.address}/v1/sys/storage/raft/configuration`, {
      headers: { 'X-Vault-Token': rootToken },
    });
    expect(await peers.json()).toMatchObject({
      data: { config: { servers: [{ node_id: 'node-9', address: restored.clusterAddress, leader: true }] } },
    });
  },
  120_000,
);

test('a Vault that is started while its data is archived does not open it', async () => {
  const node = await start('node-1');
  await bootstrap(node.client(), SHARES);
  await node.halt();
  const before = await readFile(join(node.directory, 'data', 'vault.db'));
  let said = '';

  const content = await archive(node, async () => {
    said = await startedMeanwhile(node);
  });

  expect(said).toMatch(/timeout/);
  expect((await readFile(join(node.directory, 'data', 'vault.db'))).equals(before)).toBe(true);
  expect(await readDataArchive(Readable.from([content]))).toMatchObject({ meta: { storage: 'raft' } });
}, 60_000);
