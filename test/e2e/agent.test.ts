import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createNodeActivities, type NodeActivities } from '../../activities/node';
import { clusterOf, nodeOf, parseConfig } from '../../src/config/load';
import type { RunClaim } from '../../src/contract/restore';
import { encryptArmored, generateIdentity } from '../../src/crypto/age';
import { createServiceDriver } from '../../src/host/service';
import type { ServiceDriver } from '../../src/host/service-driver';
import { claimPortBlock, type PortBlock } from '../../src/lab/ports';
import { ensureServers, type Servers } from '../../src/lab/servers';
import { serializeManifest } from '../../src/repository/manifest';
import { VaultClient } from '../../src/vault/client';
import { connectLocally } from '../../src/vault/connect';
import { sampleManifest } from '../support/generation';
import { bootstrap, eventually } from '../support/vault-node';

const RUN: RunClaim = {
  run: '019ab3c4-0000-7000-8000-000000000001',
  cluster: 'prod',
  startedAt: '2026-11-23T04:00:00Z',
};
const NEWER_RUN: RunClaim = { ...RUN, run: '019ab3c4-0000-7000-8000-000000000002', startedAt: '2026-11-23T05:00:00Z' };
const OLDER_RUN: RunClaim = { ...RUN, run: '019ab3c4-0000-7000-8000-000000000003', startedAt: '2026-11-23T03:00:00Z' };

let servers: Servers;
let ports: PortBlock;
let directory: string;
let dataDir: string;
let driver: ServiceDriver;
let vault: VaultClient;
let activities: NodeActivities;

beforeAll(async () => {
  servers = await ensureServers();
  ports = await claimPortBlock();
});
afterAll(() => ports.release());

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vault-dr-agent-'));
  dataDir = join(directory, 'data');
  const [port, clusterPort] = ports.ports;
  const address = `http://127.0.0.1:${port}`;
  const vaultConfig = {
    storage: { raft: { path: dataDir, node_id: 'vault-1', performance_multiplier: 1 } },
    listener: { tcp: { address: `127.0.0.1:${port}`, cluster_address: `127.0.0.1:${clusterPort}`, tls_disable: true } },
    api_addr: address,
    cluster_addr: `https://127.0.0.1:${clusterPort}`,
    disable_mlock: true,
  };
  await writeFile(join(directory, 'vault.json'), JSON.stringify(vaultConfig));
  const node = {
    name: 'vault-1',
    address,
    clusterAddress: `127.0.0.1:${clusterPort}`,
    dataDir,
    stateDir: join(directory, 'state'),
    runtimeDir: join(directory, 'runtime'),
    service: { driver: 'process', command: [servers.vault, 'server', '-config', join(directory, 'vault.json')] },
  };
  const config = parseConfig(
    JSON.stringify({
      clusters: { prod: { nodes: [node], auth: { method: 'token', token: { env: 'NONE' } }, repositories: ['local'] } },
      repositories: { local: { type: 'directory', path: join(directory, 'repository') } },
      signing: { publicKeyFile: join(directory, 'signing.pub') },
    }),
    'vault-dr.yaml',
  );
  const cluster = clusterOf(config, 'prod');
  const parsed = nodeOf(cluster, 'vault-1');
  driver = createServiceDriver(parsed);
  vault = await connectLocally(cluster, parsed);
  activities = createNodeActivities({
    config,
    clusterName: 'prod',
    cluster,
    node: parsed,
    driver,
    // No run is behind these steps.
    confirmAttempt: () => Promise.resolve(),
  });
});
afterEach(async () => {
  await driver.stop();
  await vault.close();
  await rm(directory, { recursive: true, force: true });
});

/** Runs a step as a worker does. */
const step = <T>(work: () => Promise<T>): Promise<T> => quietEnvironment().run(work);
// Refusals are what is tested here; the log would be full of them.
const quietEnvironment = () => new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
const claim = (run = RUN) => step(() => activities.claimForRun({ claim: run }));
const stop = (run = RUN) => step(() => activities.stopNode({ claim: run }));
const setAside = (run = RUN) => step(() => activities.setAsideData({ claim: run, how: 'rename', otherCluster: false }));
const describeNode = () => step(() => activities.describeNode());

/** A Vault with data, unsealed. @returns its shares; two of three open it. */
async function startWithData(): Promise<string[]> {
  await setUpDataDirectory();
  await driver.start();
  return (await bootstrap(vault, { secretShares: 3, secretThreshold: 2 })).keys;
}

/** A Vault with data, sealed. @returns its shares. */
async function startSealed(): Promise<string[]> {
  const keys = await startWithData();
  await driver.stop();
  await driver.start();
  await eventually('an answer', () => vault.sealStatus());
  return keys;
}

/** Blank, as an operator makes it. */
async function setUpDataDirectory(): Promise<void> {
  await claim(OLDER_RUN);
  await setAside(OLDER_RUN);
}

async function envelopeOf(text: string): Promise<string> {
  return encryptArmored(text, [(await claim()).recipient]);
}

describe('describeNode', () => {
  it('tells what is there, and changes nothing', async () => {
    const before = await describeNode();
    await startWithData();
    const running = await describeNode();
    await driver.stop();
    const stopped = await describeNode();

    expect(before).toMatchObject({
      service: 'stopped',
      // Of the program, while nothing runs.
      vault: { reachable: false, initialized: null, sealed: null, version: '1.21.1' },
      dataDir: { path: dataDir, exists: false, mountPoint: false },
    });
    expect(running).toMatchObject({
      node: 'vault-1',
      service: 'running',
      vault: { reachable: true, initialized: true, sealed: false, version: '1.21.1' },
      dataDir: { exists: true, empty: false },
    });
    expect(running.dataDir.sizeBytes).toBeGreaterThan(0);
    expect(running.stagingFreeBytes).toBeGreaterThan(0);
    expect(stopped).toMatchObject({ service: 'stopped', dataDir: { exists: true, empty: false } });
  });
});

describe('claimForRun', () => {
  it('answers the same each time, and another recipient for another run', async () => {
    const first = await claim();

    await expect(claim()).resolves.toEqual(first);
    expect((await claim(NEWER_RUN)).recipient).not.toBe(first.recipient);
  });

  it('removes what an earlier run has staged and could not clear up, and keeps its own', async () => {
    const runs = join(directory, 'state', 'runs');
    await claim();
    await mkdir(join(runs, RUN.run), { recursive: true });

    await claim();
    const kept = await readdir(runs);
    await claim(NEWER_RUN);

    expect(kept).toEqual([RUN.run]);
    expect(await readdir(runs)).toEqual([]);
  });

  it('gives the node to the newer run; the older one then changes nothing, whatever it tries', async () => {
    await startWithData();
    const fenced = { code: 'NodeFenced', where: 'vault-1' };
    await claim();
    await claim(NEWER_RUN);

    await expect(claim()).rejects.toMatchObject(fenced);
    await expect(stop()).rejects.toMatchObject(fenced);
    await expect(setAside()).rejects.toMatchObject(fenced);
    const others: (() => Promise<unknown>)[] = [
      () => activities.installSnapshot({ claim: RUN }),
      () => activities.joinNode({ claim: RUN, leaderAddress: 'http://127.0.0.1:1' }),
      () => activities.unsealNode({ claim: RUN, shares: [] }),
      () =>
        activities.stageGeneration({
          claim: RUN,
          source: 'prod',
          generation: 'x',
          manifestSha256: 'x',
          repositories: ['local'],
        }),
    ];
    for (const other of others) await expect(step(other)).rejects.toMatchObject(fenced);

    expect(await describeNode()).toMatchObject({ service: 'running', vault: { sealed: false } });
    await expect(stop(NEWER_RUN)).resolves.toBeUndefined();
  });
});

describe('installSnapshot', () => {
  it('does not start Vault again when a newer step has stopped it in the middle of the restart', async () => {
    await stageSnapshot();
    await claim();
    await stop();
    await setAside();
    // The first stop is before the blank start, the second one that of the restart.
    const stopVault = driver.stop.bind(driver);
    let stops = 0;
    driver.stop = async () => {
      stops += 1;
      const restarts = stops === 2;
      await stopVault();
      if (restarts) await stop();
    };

    await expect(step(() => activities.installSnapshot({ claim: RUN }))).rejects.toMatchObject({ code: 'NodeFenced' });

    expect(stops).toBe(3);
    expect(await describeNode()).toMatchObject({ service: 'stopped', dataDir: { empty: false } });
  }, 60_000);

  /** A snapshot of a Vault with data, where a run finds it. */
  async function stageSnapshot(): Promise<void> {
    const shares = { secretShares: 3, secretThreshold: 2 };
    await setUpDataDirectory();
    await driver.start();
    const { rootToken: token } = await bootstrap(vault, shares);
    const client = new VaultClient({ node: 'vault-1', address: vault.address }, { token });
    const bytes = await buffer((await client.snapshot()).body);
    await client.close();
    const draft = sampleManifest(bytes, {
      seal: { type: 'shamir', ...shares },
      encryption: { method: 'none', recipients: [] },
    });
    const runDirectory = join(directory, 'state', 'runs', RUN.run);
    await mkdir(runDirectory, { recursive: true });
    await writeFile(join(runDirectory, draft.stored.file), bytes);
    await writeFile(join(runDirectory, 'manifest.json'), serializeManifest(draft));
  }
});

describe('stopNode and setAsideData', () => {
  it('stop Vault, keep all its data aside and leave a directory in which Vault starts blank', async () => {
    await startWithData();
    await claim();
    const before = await stat(dataDir);

    await stop();
    await stop();
    const aside = await setAside();
    const again = await setAside();

    expect(aside).toBe(`${dataDir}.pre-restore-${RUN.run}`);
    expect(again).toBe(aside);
    expect(await readdir(aside ?? '')).toEqual(expect.arrayContaining(['raft', 'vault.db']));
    expect(await describeNode()).toMatchObject({ service: 'stopped', dataDir: { exists: true, empty: true } });
    const after = await stat(dataDir);
    expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode]);

    await driver.start();
    const status = await eventually('an answer', () => vault.sealStatus());
    expect(status.initialized).toBe(false);
  });

  it('never take the data from under a Vault that runs', async () => {
    await startWithData();
    await claim();

    await expect(setAside()).rejects.toMatchObject({ code: 'ServiceFailed', where: 'vault-1' });

    expect(await describeNode()).toMatchObject({ vault: { sealed: false }, dataDir: { empty: false } });
    expect(await readdir(directory)).not.toContain(`data.pre-restore-${RUN.run}`);
  });

  it('come to one end when attempts overlap: nobody takes anything twice', async () => {
    await startWithData();
    await claim();

    const stops = await Promise.allSettled([stop(), stop()]);
    await stop();
    const asides = await Promise.allSettled([setAside(), setAside(), setAside()]);

    const refusals = [...stops, ...asides].flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason] : [],
    );
    expect(refusals).toEqual(refusals.map(() => expect.objectContaining({ code: 'NodeFenced' })));
    // The one that began last, whichever that is, comes to its end.
    const ended = asides.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(ended.length).toBeGreaterThan(0);
    expect(new Set(ended)).toEqual(new Set([`${dataDir}.pre-restore-${RUN.run}`]));
    expect(await readdir(`${dataDir}.pre-restore-${RUN.run}`)).toContain('vault.db');
    expect(await describeNode()).toMatchObject({ dataDir: { empty: true } });
    await step(() => activities.endRunOnNode({ claim: RUN }));
    expect((await readdir(directory)).filter((name) => /blank|discarded/.test(name))).toEqual([]);
  });
});

describe('shares', () => {
  it('are looked at before they count', async () => {
    const share = Buffer.alloc(33, 7);
    const strangers = await encryptArmored(share.toString('base64'), [(await generateIdentity()).recipient]);
    const check = async (envelope: string) => step(() => activities.checkShare({ claim: RUN, share: envelope }));

    const base64 = await check(await envelopeOf(share.toString('base64')));
    const hex = await check(await envelopeOf(`${share.toString('hex')}\n`));
    const other = await check(await envelopeOf(Buffer.alloc(33, 8).toString('hex')));
    const words = await check(await envelopeOf('I have lost my key'));
    const foreign = await check(strangers);

    expect(base64).toEqual({ accepted: true, reason: null, fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(hex).toEqual(base64);
    expect(other.fingerprint).not.toBe(base64.fingerprint);
    expect(words).toMatchObject({ accepted: false, reason: expect.stringContaining('is not an unseal share') });
    expect(foreign).toMatchObject({ accepted: false, reason: expect.stringContaining('not encrypted for this run') });
    expect(JSON.stringify([words, foreign])).not.toContain('lost my key');
  });

  it('can not be opened any more once the run is over', async () => {
    const envelope = await envelopeOf(Buffer.alloc(33, 7).toString('base64'));

    await step(() => activities.endRunOnNode({ claim: RUN }));
    await step(() => activities.endRunOnNode({ claim: RUN }));

    await expect(step(() => activities.checkShare({ claim: RUN, share: envelope }))).rejects.toMatchObject({
      code: 'IdentityLost',
    });
  });

  it('unseal the node, again after a restart, and say when they do not fit', async () => {
    const keys = await startSealed();
    const good = await Promise.all(keys.slice(0, 2).map(envelopeOf));
    const wrong = await Promise.all([7, 8].map((fill) => envelopeOf(Buffer.alloc(33, fill).toString('base64'))));
    const unseal = (shares: string[]) => step(() => activities.unsealNode({ claim: RUN, shares }));

    await expect(unseal(wrong)).resolves.toMatchObject({ state: 'wrong shares' });
    // Half a round that somebody else has begun must not spoil ours.
    await vault.unseal({ key: keys[2] ?? '' });
    await expect(unseal(good)).resolves.toEqual({ state: 'unsealed', problem: null, dropped: 1 });
    await expect(unseal(good)).resolves.toEqual({ state: 'unsealed', problem: null, dropped: 0 });
    await driver.stop();
    await driver.start();
    await eventually('an answer', () => vault.sealStatus());
    await expect(unseal(good)).resolves.toEqual({ state: 'unsealed', problem: null, dropped: 0 });
    expect((await vault.sealStatus()).sealed).toBe(false);
  });

  it('are not given to a blank node', async () => {
    await setUpDataDirectory();
    await driver.start();
    await eventually('an answer', () => vault.sealStatus());
    const shares = [await envelopeOf(Buffer.alloc(33, 7).toString('base64'))];

    await expect(step(() => activities.unsealNode({ claim: RUN, shares }))).resolves.toMatchObject({
      state: 'not joined',
    });
  });
});

describe('watchForUnseal', () => {
  const watch = (seconds: number) => activities.watchForUnseal({ claim: RUN, seconds });

  it('sees that somebody unseals the node by hand', async () => {
    const keys = await startSealed();

    const watching = step(() => watch(60));
    for (const key of keys.slice(0, 2)) await vault.unseal({ key });

    await expect(watching).resolves.toBe(true);
    await expect(step(() => watch(60))).resolves.toBe(true);
  });

  it('ends by itself, also where no Vault answers, and at once when it is cancelled', async () => {
    await expect(step(() => watch(1))).resolves.toBe(false);

    const environment = quietEnvironment();
    environment.once('heartbeat', () => environment.cancel());
    await expect(environment.run(() => watch(600))).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('watchForSeal', () => {
  const watch = (seconds: number) => step(() => activities.watchForSeal({ claim: RUN, seconds }));

  it('sees that Vault was restarted, and is therefore sealed; not that it is down, unsealed or blank', async () => {
    await startWithData();
    const whileUnsealed = await watch(1);
    const watching = watch(60);

    await driver.stop();
    const whileDown = await watch(1);
    await driver.start();

    expect([whileUnsealed, whileDown]).toEqual([false, false]);
    await expect(watching).resolves.toBe(true);

    await driver.stop();
    await rm(dataDir, { recursive: true });
    await setUpDataDirectory();
    await driver.start();
    await eventually('an answer', () => vault.sealStatus());
    await expect(watch(1)).resolves.toBe(false);
  });
});
