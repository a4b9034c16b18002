import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { incomingBytes } from '../../src/host/data/loading';
import { VaultClient } from '../../src/vault/client';
import { RUN, useAgent } from '../support/real-agent';
import { bootstrap, eventually, startVaultNode, type VaultNode } from '../support/vault-node';

/** What the agent of a node sees of its Vault while the leader sends it the cluster's data. Both are real. */
const agent = useAgent();
const PIECES = 300;
const PIECE_BYTES = 640 * 1024;
const SHARES = { secretShares: 3, secretThreshold: 2 };

let leader: VaultNode | undefined;

/** A leader with 240 MiB of data which a snapshot brought: it has no log of them that it could send instead. */
async function lead(): Promise<{ address: string; keys: string[] }> {
  const { snapshot, keys } = await makeData();
  leader = await startVaultNode('vault-2');
  const { rootToken: token } = await bootstrap(leader.client(), SHARES);
  await leader.client({ token }).restoreSnapshot(Readable.from([snapshot]), { force: true });
  const client = leader.client();
  await eventually('a seal', async () => ((await client.sealStatus()).sealed ? true : null));
  for (const key of keys.slice(0, SHARES.secretThreshold)) await client.unseal({ key });
  await eventually('an active node', async () => ((await client.leader()).isSelf ? true : null));
  return { address: leader.address, keys };
}

async function makeData(): Promise<{ snapshot: Buffer; keys: string[] }> {
  const source = await startVaultNode('vault-3');
  try {
    const { keys, rootToken: token } = await bootstrap(source.client(), SHARES);
    const client = source.client({ token });
    await client.write('sys/mounts/kv', { type: 'kv' });
    for (let piece = 0; piece < PIECES; piece++) {
      await client.write(`kv/${piece}`, { value: randomBytes(PIECE_BYTES).toString('base64') });
    }
    return { snapshot: await buffer((await client.snapshot()).body), keys };
  } finally {
    await source.stop();
  }
}

afterEach(async () => {
  jest.restoreAllMocks();
  await leader?.stop();
  leader = undefined;
});

it('a node that is being sent its data is not given its shares again by a later attempt, and opens when it has all', async () => {
  const { address: leaderAddress, keys } = await lead();
  agent.knows(leaderAddress);
  await agent.claim();
  await agent.stop();
  await agent.setAside();
  await agent.step(() => agent.activities.joinNode({ claim: RUN, leaderAddress }));
  const shares = await Promise.all(keys.slice(0, 2).map(agent.envelopeOf));
  const unseal = () => agent.step(() => agent.activities.unsealNode({ claim: RUN, shares }));
  const given = jest.spyOn(VaultClient.prototype, 'unseal');

  const first = unseal().catch((error: unknown) => error);
  while ((await incomingBytes(agent.dataDir)) === null) await sleep(1);
  // The rest takes a second on this disk and hours on another; so long the leader holds its breath.
  process.kill(leader!.pid, 'SIGSTOP');
  const status = await agent.vault.sealStatus();
  const outcome = unseal();
  await sleep(1_000);
  process.kill(leader!.pid, 'SIGCONT');
  const second = await outcome;

  expect(status).toMatchObject({ initialized: true, sealed: true });
  expect(second).toEqual({ state: 'unsealed', problem: null, dropped: 0 });
  expect(await first).toMatchObject({ code: 'NodeFenced' });
  expect(given.mock.calls.filter(([input]) => 'key' in input)).toHaveLength(2);
  expect(await incomingBytes(agent.dataDir)).toBeNull();
}, 300_000);

it('a Vault that starts clears away half of what its leader had sent', async () => {
  await agent.startSealed();
  await agent.driver.stop();
  const half = join(agent.dataDir, 'raft', 'snapshots', '3-17-1700000000000.tmp');
  await mkdir(half);
  await writeFile(join(half, 'vault.db'), 'half');

  await agent.driver.start();
  await eventually('an answer', () => agent.vault.sealStatus());

  expect(await incomingBytes(agent.dataDir)).toBeNull();
}, 60_000);
