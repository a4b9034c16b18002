import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { encryptArmored, generateIdentity } from '../../src/crypto/age';
import { NEWER_RUN, quietEnvironment, RUN, useAgent } from '../support/real-agent';
import { eventually } from '../support/vault-node';

const agent = useAgent();

describe('describeNode', () => {
  it('tells what is there, and changes nothing', async () => {
    const before = await agent.describeNode();
    await agent.startWithData();
    const running = await agent.describeNode();
    await agent.driver.stop();
    const stopped = await agent.describeNode();

    expect(before).toMatchObject({
      service: 'stopped',
      // Of the program, while nothing runs.
      vault: { reachable: false, initialized: null, sealed: null, version: '1.21.1' },
      dataDir: { path: agent.dataDir, exists: false, mountPoint: false },
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
    const first = await agent.claim();

    await expect(agent.claim()).resolves.toEqual(first);
    expect((await agent.claim(NEWER_RUN)).recipient).not.toBe(first.recipient);
  });

  it('removes what an earlier run has staged and could not clear up, and keeps its own', async () => {
    const runs = join(agent.directory, 'state', 'runs');
    await agent.claim();
    await mkdir(join(runs, RUN.run), { recursive: true });

    await agent.claim();
    const kept = await readdir(runs);
    await agent.claim(NEWER_RUN);

    expect(kept).toEqual([RUN.run]);
    expect(await readdir(runs)).toEqual([]);
  });

  it('gives the node to the newer run; the older one then changes nothing, whatever it tries', async () => {
    await agent.startWithData();
    const fenced = { code: 'NodeFenced', where: 'vault-1' };
    await agent.claim();
    await agent.claim(NEWER_RUN);

    await expect(agent.claim()).rejects.toMatchObject(fenced);
    await expect(agent.stop()).rejects.toMatchObject(fenced);
    await expect(agent.setAside()).rejects.toMatchObject(fenced);
    const others: (() => Promise<unknown>)[] = [
      () => agent.activities.installSnapshot({ claim: RUN }),
      () => agent.activities.joinNode({ claim: RUN, leaderAddress: 'http://127.0.0.1:1' }),
      () => agent.activities.unsealNode({ claim: RUN, shares: [] }),
      () =>
        agent.activities.stageGeneration({
          claim: RUN,
          source: 'prod',
          generation: 'x',
          manifestSha256: 'x',
          repositories: ['local'],
        }),
    ];
    for (const other of others) await expect(agent.step(other)).rejects.toMatchObject(fenced);

    expect(await agent.describeNode()).toMatchObject({ service: 'running', vault: { sealed: false } });
    await expect(agent.stop(NEWER_RUN)).resolves.toBeUndefined();
  });
});

describe('installSnapshot', () => {
  it('does not start Vault again when a newer step has stopped it in the middle of the restart', async () => {
    await agent.stageSnapshot();
    await agent.claim();
    await agent.stop();
    await agent.setAside();
    // The first stop is before the blank start, the second one that of the restart.
    const stopVault = agent.driver.stop.bind(agent.driver);
    let stops = 0;
    agent.driver.stop = async () => {
      stops += 1;
      const restarts = stops === 2;
      await stopVault();
      if (restarts) await agent.stop();
    };

    await expect(agent.step(() => agent.activities.installSnapshot({ claim: RUN }))).rejects.toMatchObject({
      code: 'NodeFenced',
    });

    expect(stops).toBe(3);
    expect(await agent.describeNode()).toMatchObject({ service: 'stopped', dataDir: { empty: false } });
  }, 60_000);

  it('leaves word of what it has put there, until that is opened', async () => {
    const keys = await agent.stageSnapshot();
    await agent.claim();
    await agent.stop();
    await agent.setAside();

    await agent.step(() => agent.activities.installSnapshot({ claim: RUN }));
    const sealed = await agent.describeNode();
    const shares = await Promise.all(keys.slice(0, 2).map(agent.envelopeOf));
    await agent.step(() => agent.activities.unsealNode({ claim: RUN, shares }));
    const open = await agent.describeNode();

    expect(sealed).toMatchObject({
      vault: { sealed: true },
      install: {
        run: RUN.run,
        generation: expect.any(String),
        blankClusterId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
    });
    expect(open).toMatchObject({ vault: { sealed: false }, install: null });
  }, 60_000);
});

describe('stopNode and setAsideData', () => {
  it('stop Vault, keep all its data aside and leave a directory in which Vault starts blank', async () => {
    await agent.startWithData();
    await agent.claim();
    const before = await stat(agent.dataDir);

    await agent.stop();
    await agent.stop();
    const aside = await agent.setAside();
    const again = await agent.setAside();

    expect(aside).toBe(`${agent.dataDir}.pre-restore-${RUN.run}`);
    expect(again).toBe(aside);
    expect(await readdir(aside ?? '')).toEqual(expect.arrayContaining(['raft', 'vault.db']));
    expect(await agent.describeNode()).toMatchObject({ service: 'stopped', dataDir: { exists: true, empty: true } });
    const after = await stat(agent.dataDir);
    expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode]);

    await agent.driver.start();
    const status = await eventually('an answer', () => agent.vault.sealStatus());
    expect(status.initialized).toBe(false);
  });

  it('never take the data from under a Vault that runs', async () => {
    await agent.startWithData();
    await agent.claim();

    await expect(agent.setAside()).rejects.toMatchObject({ code: 'ServiceFailed', where: 'vault-1' });

    expect(await agent.describeNode()).toMatchObject({ vault: { sealed: false }, dataDir: { empty: false } });
    expect(await readdir(agent.directory)).not.toContain(`data.pre-restore-${RUN.run}`);
  });

  it('come to one end when attempts overlap: nobody takes anything twice', async () => {
    await agent.startWithData();
    await agent.claim();

    const stops = await Promise.allSettled([agent.stop(), agent.stop()]);
    await agent.stop();
    const asides = await Promise.allSettled([agent.setAside(), agent.setAside(), agent.setAside()]);

    const refusals = [...stops, ...asides].flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason] : [],
    );
    expect(refusals).toEqual(refusals.map(() => expect.objectContaining({ code: 'NodeFenced' })));
    // The one that began last, whichever that is, comes to its end.
    const ended = asides.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(ended.length).toBeGreaterThan(0);
    expect(new Set(ended)).toEqual(new Set([`${agent.dataDir}.pre-restore-${RUN.run}`]));
    expect(await readdir(`${agent.dataDir}.pre-restore-${RUN.run}`)).toContain('vault.db');
    expect(await agent.describeNode()).toMatchObject({ dataDir: { empty: true } });
    await agent.step(() => agent.activities.endRunOnNode({ claim: RUN }));
    expect((await readdir(agent.directory)).filter((name) => /blank|discarded/.test(name))).toEqual([]);
  });
});

describe('shares', () => {
  it('are looked at before they count', async () => {
    const share = Buffer.alloc(33, 7);
    const strangers = await encryptArmored(share.toString('base64'), [(await generateIdentity()).recipient]);
    const check = async (envelope: string) =>
      agent.step(() => agent.activities.checkShare({ claim: RUN, share: envelope }));

    const base64 = await check(await agent.envelopeOf(share.toString('base64')));
    const hex = await check(await agent.envelopeOf(`${share.toString('hex')}\n`));
    const other = await check(await agent.envelopeOf(Buffer.alloc(33, 8).toString('hex')));
    const words = await check(await agent.envelopeOf('I have lost my key'));
    const foreign = await check(strangers);

    expect(base64).toEqual({ accepted: true, reason: null, fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(hex).toEqual(base64);
    expect(other.fingerprint).not.toBe(base64.fingerprint);
    expect(words).toMatchObject({ accepted: false, reason: expect.stringContaining('is not an unseal share') });
    expect(foreign).toMatchObject({ accepted: false, reason: expect.stringContaining('run `vault-dr unseal` again') });
    expect(JSON.stringify([words, foreign])).not.toContain('lost my key');
  });

  it('can not be opened any more once the run is over', async () => {
    const envelope = await agent.envelopeOf(Buffer.alloc(33, 7).toString('base64'));

    await agent.step(() => agent.activities.endRunOnNode({ claim: RUN }));
    await agent.step(() => agent.activities.endRunOnNode({ claim: RUN }));

    await expect(agent.step(() => agent.activities.checkShare({ claim: RUN, share: envelope }))).rejects.toMatchObject({
      code: 'IdentityLost',
    });
  });

  it('unseal the node, again after a restart, and say when they do not fit', async () => {
    const keys = await agent.startSealed();
    const good = await Promise.all(keys.slice(0, 2).map(agent.envelopeOf));
    const wrong = await Promise.all([7, 8].map((fill) => agent.envelopeOf(Buffer.alloc(33, fill).toString('base64'))));
    const unseal = (shares: string[]) => agent.step(() => agent.activities.unsealNode({ claim: RUN, shares }));

    await expect(unseal(wrong)).resolves.toMatchObject({ state: 'wrong shares' });
    // Half a round that somebody else has begun must not spoil ours.
    await agent.vault.unseal({ key: keys[2] ?? '' });
    await expect(unseal(good)).resolves.toEqual({ state: 'unsealed', problem: null, dropped: 1 });
    await expect(unseal(good)).resolves.toEqual({ state: 'unsealed', problem: null, dropped: 0 });
    await agent.driver.stop();
    await agent.driver.start();
    await eventually('an answer', () => agent.vault.sealStatus());
    await expect(unseal(good)).resolves.toEqual({ state: 'unsealed', problem: null, dropped: 0 });
    expect((await agent.vault.sealStatus()).sealed).toBe(false);
  });

  it('are not given to a blank node', async () => {
    await agent.setUpDataDirectory();
    await agent.driver.start();
    await eventually('an answer', () => agent.vault.sealStatus());
    const shares = [await agent.envelopeOf(Buffer.alloc(33, 7).toString('base64'))];

    await expect(agent.step(() => agent.activities.unsealNode({ claim: RUN, shares }))).resolves.toMatchObject({
      state: 'not joined',
    });
  });
});

describe('watchForUnseal', () => {
  const watch = (seconds: number) => agent.activities.watchForUnseal({ claim: RUN, seconds });

  it('sees that somebody unseals the node by hand', async () => {
    const keys = await agent.startSealed();

    const watching = agent.step(() => watch(60));
    for (const key of keys.slice(0, 2)) await agent.vault.unseal({ key });

    await expect(watching).resolves.toBe(true);
    await expect(agent.step(() => watch(60))).resolves.toBe(true);
  });

  it('ends by itself, also where no Vault answers, and at once when it is cancelled', async () => {
    await expect(agent.step(() => watch(1))).resolves.toBe(false);

    const environment = quietEnvironment();
    environment.once('heartbeat', () => environment.cancel());
    await expect(environment.run(() => watch(600))).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('watchForSeal', () => {
  const watch = (seconds: number) => agent.step(() => agent.activities.watchForSeal({ claim: RUN, seconds }));

  it('sees that Vault was restarted, and is therefore sealed; not that it is down, unsealed or blank', async () => {
    await agent.startWithData();
    const whileUnsealed = await watch(1);
    const watching = watch(60);

    await agent.driver.stop();
    const whileDown = await watch(1);
    await agent.driver.start();

    expect([whileUnsealed, whileDown]).toEqual([false, false]);
    await expect(watching).resolves.toBe(true);

    await agent.driver.stop();
    await rm(agent.dataDir, { recursive: true });
    await agent.setUpDataDirectory();
    await agent.driver.start();
    await eventually('an answer', () => agent.vault.sealStatus());
    await expect(watch(1)).resolves.toBe(false);
  });
});
