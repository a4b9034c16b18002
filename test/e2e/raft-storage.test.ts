import { randomBytes } from 'node:crypto';
import { copyFile, cp, mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRaftStorage } from '../../src/vault/storage/raft-storage';
import { openBolt } from '../../src/vault/storage/bolt';
import { useDirectory } from '../support/temporary';
import { bootstrap, startVaultNode, type VaultNode } from '../support/vault-node';

const SHARES = { secretShares: 5, secretThreshold: 3 };
const SEAL = { type: 'shamir', secretShares: 5, secretThreshold: 3 };
/** Long keys, so that some hundred of them need a tree of several levels. */
const longKey = (index: number): string => `secret/${'k'.repeat(400)}${index}`;

const scratch = useDirectory();
let node: VaultNode;
let dataDir: string;
let token: string;

beforeAll(async () => {
  node = await startVaultNode('node-1');
  dataDir = join(node.directory, 'data');
  ({ rootToken: token } = await bootstrap(node.client(), SHARES));
  await node.client({ token }).write('sys/mounts/secret', { type: 'kv' });
  await writeKeys(0, 300);
}, 120_000);
afterAll(() => node?.stop());

async function writeKeys(from: number, count: number): Promise<void> {
  const client = node.client({ token });
  const indexes = Array.from({ length: count }, (_, index) => from + index);
  for (let at = 0; at < count; at += 20) {
    await Promise.all(
      indexes
        .slice(at, at + 20)
        .map((index) => client.write(longKey(index), { value: randomBytes(100).toString('hex') })),
    );
  }
}

/** As Vault itself has applied it; autopilot's figures are seconds old. */
async function raftIndex(): Promise<number> {
  const answer = await fetch(`${node.address}/v1/sys/leader`);
  const { raft_applied_index: index } = (await answer.json()) as { raft_applied_index: number };
  return index;
}

test('reads the storage of a running Vault', async () => {
  const before = await raftIndex();
  const storage = await readRaftStorage(dataDir);
  const after = await raftIndex();
  expect(storage).toEqual({
    nodeId: null,
    appliedIndex: expect.any(Number) as number,
    appliedTerm: expect.any(Number) as number,
    lastLogIndex: expect.any(Number) as number,
    lastLogTerm: storage?.appliedTerm,
    logProblem: null,
    peers: [{ id: 'node-1', address: node.clusterAddress, suffrage: 'voter' }],
    seal: SEAL,
    recoveryConfig: null,
  });
  expect(storage?.lastLogIndex).toBeGreaterThanOrEqual(before);
  expect(storage?.appliedIndex).toBeGreaterThanOrEqual(before);
  expect(storage?.appliedIndex).toBeLessThanOrEqual(after);
  expect(before).toBeGreaterThan(300);
  expect(storage?.appliedTerm).toBeGreaterThanOrEqual(1);
}, 30_000);

test('has an answer from each moment while Vault writes', async () => {
  let last = 0;
  let reads = 0;
  let writing = true;
  // However fast this machine writes, it continues until there were some reads in between.
  const writeOn = async () => {
    for (let from = 300; from < 600 || reads < 10; from += 50) await writeKeys(from, 50);
  };
  const writes = writeOn().finally(() => (writing = false));
  while (writing) {
    const storage = await readRaftStorage(dataDir);
    expect(storage?.seal).toEqual(SEAL);
    expect(storage?.appliedIndex).toBeGreaterThanOrEqual(last);
    last = storage?.appliedIndex ?? 0;
    reads++;
  }
  await writes;
  expect(reads).toBeGreaterThanOrEqual(10);
  expect((await readRaftStorage(dataDir))?.appliedIndex).toBeGreaterThan(600);
}, 120_000);

test('reads the storage of a stopped Vault, and leaves it as it is', async () => {
  await node.halt();
  const before = await stat(join(dataDir, 'vault.db'));
  const storage = await readRaftStorage(dataDir);
  expect(storage).toMatchObject({ seal: SEAL, peers: [{ id: 'node-1' }] });
  expect(storage?.lastLogIndex).toBeGreaterThanOrEqual(storage?.appliedIndex ?? Infinity);
  const after = await stat(join(dataDir, 'vault.db'));
  expect([after.mtimeMs, after.size]).toEqual([before.mtimeMs, before.size]);

  const vault = await openBolt(join(dataDir, 'vault.db'));
  const keyring = await vault.get(['data'], 'core/keyring');
  expect(keyring?.length).toBeGreaterThan(100);
  expect(await vault.get(['data'], 'core/keyring-')).toBeNull();
  expect((await vault.lastEntry(['data']))?.key.toString()).toMatch(/^sys\//);
  await vault.close();
}, 30_000);

test('reads the node id that Vault made, and does without a log', async () => {
  await copyFile(join(dataDir, 'vault.db'), scratch('vault.db'));
  await writeFile(scratch('node-id'), '0c7a3a4e-6c1b-4f5c-9d8f-1f2e3d4c5b6a');
  const storage = await readRaftStorage(scratch());
  expect(storage).toMatchObject({
    nodeId: '0c7a3a4e-6c1b-4f5c-9d8f-1f2e3d4c5b6a',
    lastLogIndex: null,
    lastLogTerm: null,
    logProblem: expect.stringContaining('has no log') as string,
    seal: SEAL,
  });
});

test('answers with null where there is no storage', async () => {
  expect(await readRaftStorage(scratch())).toBeNull();
  expect(await readRaftStorage(scratch('missing'))).toBeNull();
});

test('refuses a storage that was cut', async () => {
  await copyFile(join(dataDir, 'vault.db'), scratch('vault.db'));
  await truncate(scratch('vault.db'), 2 * 4096);
  await expect(readRaftStorage(scratch())).rejects.toMatchObject({ code: 'NodeUnsafe', where: scratch('vault.db') });
});

test('says of a log that is none what is wrong with it', async () => {
  await copyFile(join(dataDir, 'vault.db'), scratch('vault.db'));
  await mkdir(scratch('raft'));
  await writeFile(scratch('raft', 'raft.db'), await readFile(__filename));
  expect(await readRaftStorage(scratch())).toMatchObject({
    seal: SEAL,
    lastLogIndex: null,
    logProblem: expect.stringContaining('not a bbolt database') as string,
  });
});

describe('a log that raft-wal keeps', () => {
  let other: VaultNode;
  beforeAll(async () => {
    other = await startVaultNode('node-1', undefined, undefined, { raft_wal: 'true' });
  }, 60_000);
  afterAll(() => other?.stop());

  test('is read while Vault writes it, when Vault is stopped, and when its end is torn', async () => {
    const directory = join(other.directory, 'data');
    const { rootToken } = await bootstrap(other.client(), SHARES);
    const client = other.client({ token: rootToken });
    await client.write('sys/mounts/secret', { type: 'kv' });
    let last = 0;
    for (let round = 0; round < 20; round++) {
      const writes = Promise.all(
        Array.from({ length: 10 }, (_, n) => client.write(longKey(n), { value: String(round) })),
      );
      const storage = await readRaftStorage(directory);
      await writes;
      expect(storage).toMatchObject({ logProblem: null, lastLogTerm: expect.any(Number) as number });
      expect(storage?.lastLogIndex).toBeGreaterThanOrEqual(last);
      last = storage?.lastLogIndex ?? 0;
    }
    expect(last).toBeGreaterThan(100);
    expect(await readdir(join(directory, 'raft'))).not.toContain('raft.db');

    await other.halt();
    const whole = await readRaftStorage(directory);
    expect(whole?.lastLogIndex).toBeGreaterThanOrEqual(whole?.appliedIndex ?? Infinity);
    expect(whole?.lastLogIndex).toBeGreaterThan(last);
    expect(whole?.lastLogTerm).toBe(whole?.appliedTerm);

    await cp(directory, scratch(), { recursive: true });
    const [segment = ''] = (await readdir(scratch('raft', 'wal'))).filter((name) => name.endsWith('.wal'));
    const content = await readFile(scratch('raft', 'wal', segment));
    // Within the last commit: a disk that had not written all of it when the power went.
    await writeFile(scratch('raft', 'wal', segment), content.fill(0, lastByte(content) - 6));
    expect(await readRaftStorage(scratch())).toMatchObject({
      logProblem: null,
      lastLogIndex: (whole?.lastLogIndex ?? 0) - 1,
      lastLogTerm: whole?.lastLogTerm,
    });
  }, 90_000);

  function lastByte(content: Buffer): number {
    return content.findLastIndex((byte) => byte !== 0);
  }
});
