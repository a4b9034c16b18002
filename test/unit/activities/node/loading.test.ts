import { mkdir, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeHost } from '../../../../activities/node/context';
import { awaitUnsealed, joinNode, startNode } from '../../../../activities/node/start';
import { unsealNode } from '../../../../activities/node/unseal';
import { DrError } from '../../../../src/contract/failures';
import { encryptArmored } from '../../../../src/crypto/age';
import { claimNode } from '../../../../src/host/run/claim';
import { incomingBytes } from '../../../../src/host/data/loading';
import { patient } from '../../../../src/lab/processes';
import { ensureRunIdentity } from '../../../../src/host/run/run-identity';
import type { SealStatus } from '../../../../src/vault/answers';
import type { VaultClient } from '../../../../src/vault/client';
import { toConnectionError } from '../../../../src/vault/errors/vault-error';
import { agentHost } from '../../../support/agent-host';
import { quietEnvironment } from '../../../support/real-agent';
import { useDirectory } from '../../../support/temporary';

/** A Vault that has much to load, as its agent sees it. On a real one it takes minutes and gigabytes. */
const CLAIM = { run: 'run-1', cluster: 'prod', startedAt: '2026-11-23T04:00:00.000Z' };
const SHARES = [7, 8].map((fill) => Buffer.alloc(33, fill).toString('base64'));
const SEALED = { initialized: true, sealed: true, progress: 0, type: 'shamir', t: 2, n: 3 } as SealStatus;
const OPEN = { ...SEALED, sealed: false };

const inTest = useDirectory();
const snapshots = () => join(inTest('data'), 'raft', 'snapshots');
const silent = () => toConnectionError(new DOMException('late', 'TimeoutError'), 'vault-1', 'sys/seal-status');
const refused = () =>
  toConnectionError(Object.assign(new Error(), { code: 'ECONNREFUSED' }), 'vault-1', 'sys/seal-status');

let host: NodeHost;
/** What it answers from now on. */
let answer: () => SealStatus;
let given: string[];
let joined: (() => void) | undefined;
/** Seconds since the test began, of a clock on which a minute takes a second where nothing is said. */
let seconds: () => number;
let speed: number;

beforeEach(async () => {
  host = agentHost(inTest);
  for (const name of ['data', 'state', 'runtime']) await mkdir(inTest(name));
  await claimNode(inTest('state'), 'vault-1', CLAIM);
  given = [];
  answer = () => SEALED;
  joined = undefined;
  const vault = {
    sealStatus: async () => answer(),
    unseal: async (input: { key: string } | { reset: true }) => {
      given.push('key' in input ? input.key : 'reset');
      return answer();
    },
    raftJoin: async () => joined?.(),
  };
  jest.spyOn(host, 'withVault').mockImplementation((work) => work(vault as unknown as VaultClient));
  const [now, began] = [Date.now, Date.now()];
  speed = 60;
  jest.spyOn(Date, 'now').mockImplementation(() => began + (now() - began) * speed);
  seconds = () => (Date.now() - began) / 1_000;
});
afterEach(() => jest.restoreAllMocks());

async function unseal() {
  const { recipient } = await ensureRunIdentity(inTest('runtime'), CLAIM.run);
  const shares = await Promise.all(SHARES.map((share) => encryptArmored(share, [recipient])));
  return quietEnvironment().run(() => unsealNode(host, { claim: CLAIM, shares }));
}

/** Two gigabytes that take no room. */
async function fillData(): Promise<void> {
  await writeFile(inTest('data', 'vault.db'), '');
  await truncate(inTest('data', 'vault.db'), 2 * 1024 ** 3);
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(1);
}

/** The leader sends so long; then the node opens. */
async function receiveFor(wantedSeconds: number): Promise<void> {
  const incoming = join(snapshots(), '3-17-1700000000000.tmp');
  await mkdir(incoming, { recursive: true });
  const until = seconds() + wantedSeconds;
  for (let size = 1; seconds() < until; size++) {
    await writeFile(join(incoming, 'vault.db'), Buffer.alloc(size));
    await sleep(50);
  }
  await rename(incoming, incoming.replace('.tmp', ''));
  answer = () => OPEN;
}

describe('a node that is unsealed', () => {
  it('is waited for as long as its leader sends it data', async () => {
    const opening = unseal();
    await until(() => given.length === 3);
    const received = receiveFor(200);

    await expect(opening).resolves.toEqual({ state: 'unsealed', problem: null, dropped: 0 });

    await received;
    expect(given).toEqual(['reset', ...SHARES]);
  });

  it('is not given its shares again while it is being sent data, by an attempt that comes after', async () => {
    const received = receiveFor(200);
    await until(async () => (await incomingBytes(inTest('data'))) !== null);

    await expect(unseal()).resolves.toEqual({ state: 'unsealed', problem: null, dropped: 0 });

    await received;
    expect(given).toEqual([]);
  });

  it('is given them once more when nothing comes, and given up for good after two minutes', async () => {
    await expect(unseal()).rejects.toMatchObject({ code: 'NotYet', retryable: false });

    expect(given).toEqual(['reset', ...SHARES, 'reset', ...SHARES]);
    expect(seconds()).toBeGreaterThan(120);
    expect(seconds()).toBeLessThan(patient(300));
  });

  it('is not taken for dead while it is silent', async () => {
    await fillData();
    const opening = unseal();
    await until(() => given.length === 3);
    answer = () => {
      throw silent();
    };
    await sleep(100);
    answer = () => SEALED;
    await sleep(2_000);
    answer = () => OPEN;

    await expect(opening).resolves.toMatchObject({ state: 'unsealed' });
    expect(given).toEqual(['reset', ...SHARES]);
  });

  it('is given them again when it died', async () => {
    const opening = unseal();
    await until(() => given.length === 3);
    answer = () => {
      throw refused();
    };
    await sleep(100);
    answer = () => (given.length > 3 ? OPEN : SEALED);

    await expect(opening).resolves.toMatchObject({ state: 'unsealed' });
    expect(given).toEqual(['reset', ...SHARES, 'reset', SHARES[0]]);
  });
});

it('a node that opens by itself is waited for as long as its leader sends it data', async () => {
  const received = receiveFor(200);

  await quietEnvironment().run(() => awaitUnsealed(host, { claim: CLAIM }));

  await received;
  expect(seconds()).toBeGreaterThan(200);
});

it('a node with much data may take its time until it answers, and is not started twice for that', async () => {
  await fillData();
  const start = jest.spyOn(host.driver, 'start');
  answer = () => {
    if (seconds() < 200) throw refused();
    return SEALED;
  };

  const report = await quietEnvironment().run(() => startNode(host, { claim: CLAIM }));

  expect(report).toMatchObject({ initialized: true, sealed: true });
  expect(start).toHaveBeenCalledTimes(1);
});

it('a join that fails is tried again by the agent itself, which says why, and given up for good after two minutes', async () => {
  await writeFile(inTest('data', '.vault-dr-run'), `${CLAIM.run}\n`);
  answer = () => ({ ...SEALED, initialized: false });
  let tries = 0;
  // Two minutes of the fast clock are less than three tries of a busy machine.
  speed = 1;
  joined = () => {
    if (++tries < 3) throw new DrError('VaultUnavailable', 'vault-1 answered sys/storage/raft/join with 500.');
  };
  const heartbeats: unknown[] = [];
  host.deps.cluster.nodes.push({ ...host.node, name: 'vault-2', address: 'https://vault-2:8200' });
  const join = () => {
    const environment = quietEnvironment();
    environment.on('heartbeat', (heartbeat) => heartbeats.push(heartbeat));
    return environment.run(() => joinNode(host, { claim: CLAIM, leaderAddress: 'https://vault-2:8200' }));
  };

  await expect(join()).resolves.toBeUndefined();
  expect(tries).toBe(3);
  expect(heartbeats).toContainEqual({
    what: 'join: failed, trying again',
    failed: expect.objectContaining({
      problem: 'vault-1 answered sys/storage/raft/join with 500.',
      tries: 1,
    }) as unknown,
  });
  tries = -Infinity;
  speed = 60;
  await expect(join()).rejects.toMatchObject({ code: 'VaultUnavailable', retryable: false });
});

it.each([
  'https://vault-1:8200',
  'https://vault-2:8201',
  'https://attacker:8200',
  'http://vault-2:8200',
  'vault-2',
  '',
])('a node joins no other than those of its own cluster: %s', async (leaderAddress) => {
  host.deps.cluster.nodes.push({ ...host.node, name: 'vault-2', address: 'https://vault-2:8200' });
  const start = jest.spyOn(host.driver, 'start');

  const joining = quietEnvironment().run(() => joinNode(host, { claim: CLAIM, leaderAddress }));

  await expect(joining).rejects.toMatchObject({ code: 'InvalidConfiguration', retryable: false, where: 'vault-1' });
  expect(start).not.toHaveBeenCalled();
});
