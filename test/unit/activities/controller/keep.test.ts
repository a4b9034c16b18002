import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { Controller } from '../../../../activities/controller/context';
import { replicateGeneration } from '../../../../activities/controller/backup';
import {
  applyRetention,
  listCatchUps,
  markRestored,
  markRolledBack,
  tidyRepositories,
} from '../../../../activities/controller/keep';
import { chooseGeneration } from '../../../../activities/controller/choose';
import { chooseForDrill } from '../../../../activities/controller/choose-for-drill';
import { planRestore } from '../../../../activities/controller/make-plan';
import { parseConfig } from '../../../../src/config/load';
import { DrError } from '../../../../src/contract/failures';
import type { ChainLink } from '../../../../src/contract/generation';
import { publishGeneration } from '../../../../src/repository/generations';
import type { Drilled } from '../../../../src/repository/keep/drills';
import { writeMark } from '../../../../src/repository/keep/marks';
import type { Repository, TransferOptions } from '../../../../src/repository/types';
import { restoreEnvironment } from '../../../support/activity-environment';
import { reportFiles } from '../../../../src/report/write-report';
import { publishReport } from '../../../../src/repository/keep/reports';
import { reportWith } from '../../../support/run-samples';
import { keepLast, signingPair, stageSample } from '../../../support/generation';
import { sampleConfig } from '../../../support/sample-config';
import { useDirectory } from '../../../support/temporary';
import { WatchedRepository } from '../../../support/watched-repository';

const inTest = useDirectory();
const KEYS = signingPair();
const HOURS = ['01', '02', '03', '04'].map((hour) => `2026-11-23T${hour}:00:00.000Z`);

let controller: Controller;
let previous: ChainLink | null;
beforeEach(async () => {
  for (const name of ['local', 'offsite']) await mkdir(inTest(name));
  await writeFile(inTest('signing.key'), KEYS.privateKeyPem);
  await writeFile(inTest('signing.pub'), KEYS.publicKeyPem);
  const text = sampleConfig({
    repositories: { local: inTest('local'), offsite: inTest('offsite') },
    publicKeyFile: inTest('signing.pub'),
    privateKeyFile: inTest('signing.key'),
  });
  controller = new Controller({ config: parseConfig(text, 'vault-dr.yaml') });
  previous = null;
});

const RUN = 'run-1';
const workerFor = (attempt = 1) => restoreEnvironment(RUN, 'prod', { attempt });

/** As the worker would run it. */
const step = <I, O>(
  work: (controller: Controller, input: I) => Promise<O>,
  input: I,
  worker = workerFor(),
): Promise<O> => worker.run((given: I) => work(controller, given), input) as Promise<O>;

/** From now on the steps see these repositories so. */
async function watch(
  beforeGet?: (key: string, options: TransferOptions) => void | Promise<void>,
): Promise<Record<'local' | 'offsite', WatchedRepository>> {
  const [local, offsite] = await Promise.all(['local', 'offsite'].map((name) => controller.repository(name)));
  const watched = {
    local: new WatchedRepository(local as Repository, beforeGet),
    offsite: new WatchedRepository(offsite as Repository, beforeGet),
  };
  controller.repository = (name) => Promise.resolve(watched[name as keyof typeof watched]);
  return watched;
}

const RESET = new DrError('RepositoryUnavailable', 'the connection was reset');

/** From now on reads of such files fail, though they may be read another time. */
const cutOff = (pattern: string) =>
  watch((key) => {
    if (key.includes(pattern)) throw RESET;
  });

async function publish(capturedAt: string, ...repositories: string[]) {
  return publishFor(capturedAt, undefined, ...repositories);
}

async function publishFor(capturedAt: string, recipients: string[] | undefined, ...repositories: string[]) {
  const encryption = recipients && { encryption: { method: 'age' as const, recipients } };
  const staged = await stageSample(inTest('staging'), KEYS, Buffer.from(capturedAt), {
    capturedAt,
    previous,
    ...encryption,
  });
  for (const name of repositories) await publishGeneration(await controller.repository(name), staged.directory);
  previous = { generation: staged.manifest.generation, manifestSha256: staged.manifestSha256 };
  return { ...previous, cluster: 'prod' };
}

/** With a policy that the configuration has. */
function retain(repository: string, newest: string, policy = keepLast(1)) {
  controller.cluster('prod').backup.retention = policy;
  return step(applyRetention, { cluster: 'prod', repository, policy, newest });
}

const choose = async (generation = 'latest', attempt = 1, asOf: string | null = null) =>
  step(
    chooseGeneration,
    { settings: await step(planRestore, { cluster: 'prod' }), generation, asOf },
    workerFor(attempt),
  );

async function flipByte(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes[3] = (bytes[3] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

describe('a restore', () => {
  it('takes the healthy copy when the preferred one is damaged, and says so', async () => {
    const { generation } = await publish(HOURS[0] ?? '', 'local', 'offsite');
    await flipByte(inTest('local/prod', generation, 'snapshot.snap.age'));

    const chosen = await choose();

    expect(chosen.copy).toMatchObject({ generation, repository: 'offsite' });
    expect(chosen.healthy).toEqual(['offsite']);
    expect(chosen.problems).toEqual([{ repository: 'local', problem: expect.stringContaining(generation) }]);
  });

  it('says how long it should take, by what earlier ones took', async () => {
    await publish(HOURS[0] ?? '', 'local');
    const none = await choose();
    const report = reportWith({ cluster: 'prod', method: 'snapshot', rtoMachineSeconds: 90, rtoHumanSeconds: 30 });
    await publishReport(await controller.repository('offsite'), report, reportFiles(report), KEYS.privateKeyPem);

    expect(none.rto).toMatchObject({ machineSeconds: null, measuredBy: null });
    expect((await choose()).rto).toEqual({
      targetSeconds: null,
      machineSeconds: 90,
      measuredBy: 'restores',
      peopleSeconds: 30,
      expectedSeconds: 120,
    });
  });

  it('warns of a generation that somebody removed', async () => {
    await publish(HOURS[0] ?? '', 'local', 'offsite');
    const stolen = await publish(HOURS[1] ?? '', 'local', 'offsite');
    const newest = await publish(HOURS[2] ?? '', 'local', 'offsite');
    for (const name of ['local', 'offsite']) await rm(inTest(name, 'prod', stolen.generation), { recursive: true });

    const chosen = await choose();

    expect(chosen.copy.generation).toBe(newest.generation);
    expect(chosen.problems).toEqual([
      {
        repository: 'chain of backups',
        problem: expect.stringContaining(`${stolen.generation} (removed) is missing from every repository`),
      },
    ]);
  });

  describe('that is cut off while it reads the newest generation', () => {
    const [older = '', newer = ''] = HOURS;

    it('tries again rather than take an older one', async () => {
      await publish(older, 'local');
      const { generation } = await publish(newer, 'local');
      await cutOff(`${generation}/snapshot`);

      for (const attempt of [1, 2]) {
        await expect(choose('latest', attempt)).rejects.toMatchObject({
          code: 'RepositoryUnavailable',
          retryable: true,
          message: expect.stringContaining('the connection was reset'),
        });
      }
    });

    it('takes the older one in the end, and says why', async () => {
      const { generation: last } = await publish(older, 'local');
      const { generation } = await publish(newer, 'local');
      await cutOff(`${generation}/snapshot`);

      const chosen = await choose('latest', 3);

      expect(chosen.copy.generation).toBe(last);
      expect(chosen.problems).toEqual([{ repository: 'local', problem: `${generation}: the connection was reset` }]);
    });

    it('continues at once with another copy of it', async () => {
      const { generation } = await publish(newer, 'local', 'offsite');
      const { local } = await watch();
      const get = local.get.bind(local);
      local.get = (key, options) => (key.includes('snapshot') ? Promise.reject(RESET) : get(key, options));

      expect((await choose()).copy).toMatchObject({ generation, repository: 'offsite' });
    });

    it('never calls it damaged, and is always tried again where no other one is wanted', async () => {
      await publish(older, 'local');
      const { generation } = await publish(newer, 'local');
      await cutOff(`${generation}/snapshot`);

      for (const attempt of [1, 4]) {
        await expect(choose(generation, attempt)).rejects.toMatchObject({
          code: 'RepositoryUnavailable',
          retryable: true,
        });
      }
    });

    it('does the same when already the manifest cannot be read', async () => {
      const { generation: last } = await publish(older, 'local');
      const { generation } = await publish(newer, 'local');
      await cutOff(`${generation}/manifest`);

      await expect(choose()).rejects.toMatchObject({ code: 'RepositoryUnavailable', retryable: true });
      await expect(choose(generation)).rejects.toMatchObject({ code: 'RepositoryUnavailable', retryable: true });
      await expect(choose('latest', 1, newer)).rejects.toMatchObject({ code: 'RepositoryUnavailable' });
      expect((await choose('latest', 1, older)).copy.generation).toBe(last);
      expect((await choose('latest', 3)).copy.generation).toBe(last);
    });

    it('takes an older one at once for a newest one that is damaged', async () => {
      const { generation: last } = await publish(older, 'local');
      const { generation } = await publish(newer, 'local');
      await flipByte(inTest('local/prod', generation, 'snapshot.snap.age'));

      expect((await choose()).copy.generation).toBe(last);
    });
  });

  it('has nothing to warn of after retention', async () => {
    for (const hour of HOURS) await publish(hour, 'local');
    await retain('local', previous?.generation ?? '');

    expect((await choose()).problems).toEqual([]);
  });
});

describe('retention', () => {
  it('keeps what a cluster was brought back from, though no copy was read since', async () => {
    const restored = await publish(HOURS[0] ?? '', 'local', 'offsite');
    for (const hour of HOURS.slice(1)) await publish(hour, 'local', 'offsite');
    const mark = { ...restored, run: RUN, at: '2026-11-23T03:30:00.000Z' };

    const problems = [await step(markRestored, mark), await step(markRestored, mark)];
    const report = await retain('offsite', previous?.generation ?? '');

    expect(problems).toEqual([[], []]);
    expect(report).toMatchObject({ kept: 2, failed: [], warnings: [] });
    expect(await readdir(inTest('offsite/prod'))).toContain(restored.generation);
  });

  it('does not keep what a cluster was rolled back from again', async () => {
    const restored = await publish(HOURS[0] ?? '', 'local', 'offsite');
    for (const hour of HOURS.slice(1)) await publish(hour, 'local', 'offsite');
    const mark = { ...restored, run: RUN };

    const problems = [
      await step(markRestored, { ...mark, at: '2026-11-23T03:30:00.000Z' }),
      await step(markRolledBack, { ...mark, at: '2026-11-23T03:40:00.000Z' }),
    ];
    const newest = previous?.generation ?? '';
    await retain('offsite', newest);

    expect(problems).toEqual([[], []]);
    expect(await readdir(inTest('offsite/prod'))).not.toContain(restored.generation);
  });

  it('says where a mark could not be written', async () => {
    const restored = await publish(HOURS[0] ?? '', 'local', 'offsite');
    await rm(inTest('offsite'), { recursive: true });

    const problems = await step(markRestored, { ...restored, run: RUN, at: '2026-11-23T03:30:00.000Z' });

    expect(problems).toEqual([{ repository: 'offsite', problem: expect.stringContaining('ENOENT') }]);
    expect(await readdir(inTest('local/prod/marks'))).toHaveLength(1);
  });

  it('removes nothing unless this run has put a generation there', async () => {
    for (const hour of HOURS) await publish(hour, 'local');
    const newest = '20261123T050000Z-000000004711-0a1b2c3d';

    const retention = retain('local', newest);

    await expect(retention).rejects.toMatchObject({ code: 'UnknownGeneration' });
    expect(await readdir(inTest('local/prod'))).toHaveLength(HOURS.length);
  });

  it('removes nothing while a generation cannot be read, says so, and catches up later', async () => {
    const [first, second] = [await publish(HOURS[0] ?? '', 'local'), await publish(HOURS[1] ?? '', 'local')];
    await publish(HOURS[2] ?? '', 'local');
    const apply = () => {
      const newest = previous?.generation ?? '';
      return retain('local', newest);
    };
    let cut = true;
    await watch((key) => {
      if (cut && key.includes(`${second.generation}/manifest`)) throw RESET;
    });

    const blind = await apply();
    cut = false;
    const later = await apply();

    expect(blind).toMatchObject({ kept: 3, removed: [], warnings: [expect.stringContaining(second.generation)] });
    expect(later).toMatchObject({ kept: 1, removed: [first.generation, second.generation], warnings: [] });
  });

  it('does not count on another repository that is down', async () => {
    for (const hour of HOURS) await publish(hour, 'local');
    await rm(inTest('offsite'), { recursive: true });

    const report = await retain('local', previous?.generation ?? '', keepLast(3));

    expect(report).toMatchObject({
      kept: 3,
      warnings: [expect.stringContaining('pins stored only in offsite are ignored')],
    });
  });
});

describe('a restore of the latest generation', () => {
  const [first = '', second = '', third = ''] = HOURS;
  const encrypted = (recipients: string[]) => {
    controller.cluster('prod').backup.encryption = { age: recipients };
  };
  const made = (capturedAt: string, ...recipients: string[]) => publishFor(capturedAt, recipients, 'local');

  it('takes one that somebody of the configuration can open, and tells of newer ones that it passed over', async () => {
    const own = await made(first, 'age1ana', 'ssh-ed25519 AAAA ana@home');
    const others = [await made(second, 'age1eve'), await made(third, 'age1eve')];
    encrypted(['age1bob', 'ssh-ed25519 AAAA ana@work']);

    const chosen = await choose();

    expect(chosen.copy.generation).toBe(own.generation);
    expect(chosen.problems.map(({ problem }) => problem)).toEqual(
      others.toReversed().map(({ generation }) => expect.stringContaining(`${generation} is newer and was skipped`)),
    );
    expect((await choose(others[0]?.generation)).copy.generation).toBe(others[0]?.generation);
    expect((await choose('latest', 1, second)).copy.generation).toBe(own.generation);
  });

  it('takes the newest where there is none for the configuration, or it names nobody', async () => {
    await made(first, 'age1ana');
    const newest = await made(second, 'age1eve');

    expect(await choose()).toMatchObject({ copy: { generation: newest.generation }, problems: [] });
    encrypted(['age1bob']);
    expect(await choose()).toMatchObject({ copy: { generation: newest.generation }, problems: [] });
  });
});

describe('a restore after drills', () => {
  const [first = '', second = '', third = ''] = HOURS;
  const BAD = { phase: 'load', code: 'VaultRefused', against: 'backup' } as const;
  /** In one repository alone: it counts in all. */
  async function drilled(link: ChainLink, hour: number, more: Partial<Drilled> = {}): Promise<void> {
    const { generation, manifestSha256 } = link;
    const at = `2026-11-24T0${hour}:00:00.000Z`;
    const record = { repository: 'local', level: 'fetched', failed: BAD, serverVersion: '1.21.1' } as const;
    const mark = { kind: 'drilled', cluster: 'prod', at, run: `d${hour}`, generation, manifestSha256 } as const;
    await writeMark(
      await controller.repository('offsite'),
      { ...mark, ...record, phases: [], ...more },
      KEYS.privateKeyPem,
    );
  }

  it('passes over what a drill speaks against, says so, and takes it where it is named', async () => {
    const good = await publish(first, 'local', 'offsite');
    const bad = await publish(second, 'local', 'offsite');
    await drilled(bad, 1);

    const chosen = await choose();
    const named = await choose(bad.generation);

    expect(chosen).toMatchObject({
      copy: { generation: good.generation },
      healthy: ['local', 'offsite'],
      drilled: null,
    });
    expect(chosen.problems).toEqual([
      {
        repository: 'latest',
        problem: expect.stringMatching(`^${bad.generation} is newer and was skipped, because a drill`),
      },
    ]);
    expect(named).toMatchObject({ copy: { generation: bad.generation }, drilled: { bad: { failed: BAD } } });
    expect((await choose('latest', 1, first)).problems).toEqual([]);
  });

  it('takes it again after a later drill of the same manifest that gets further', async () => {
    const bad = await publish(first, 'local');
    await drilled(bad, 2);
    await drilled({ ...bad, manifestSha256: 'b'.repeat(64) }, 3, { level: 'restored', failed: null });
    await expect(choose()).rejects.toMatchObject({ code: 'CopyDamaged' });

    await drilled(bad, 4, { level: 'installed', failed: null });

    expect(await choose()).toMatchObject({
      copy: { generation: bad.generation },
      problems: [],
      drilled: { bad: null },
    });
  });

  it('says what to do where drills speak against all of them', async () => {
    for (const hour of [first, second, third]) await drilled(await publish(hour, 'local'), 5);

    await expect(choose()).rejects.toMatchObject({
      code: 'CopyDamaged',
      retryable: false,
      message: expect.stringContaining(`(3). The newest is ${previous?.generation}: 2026-11-24T05:00:00Z, from local`),
      advice: expect.stringContaining('--accept failed-drill'),
    });
  });

  it.each(['copy', 'identity', 'hook'] as const)('takes what a drill blames on a %s', async (against) => {
    const newest = await publish(first, 'local');
    await drilled(newest, 6, { level: null, failed: { ...BAD, against } });

    expect(await choose()).toMatchObject({ copy: { generation: newest.generation }, problems: [] });
  });

  it('believes no mark that somebody else has signed, and none of another cluster', async () => {
    const newest = await publish(first, 'local');
    const mark = { kind: 'drilled', at: '2026-11-24T07:00:00.000Z', run: 'f0', ...newest } as const;
    const word = { ...mark, repository: 'local', level: 'fetched', failed: BAD, serverVersion: null } as const;
    const written = { ...word, cluster: 'prod', phases: [] };
    const offsite = await controller.repository('offsite');
    await writeMark(offsite, written, signingPair().privateKeyPem);
    await writeMark(offsite, { ...written, cluster: 'staging', run: 'f1' }, KEYS.privateKeyPem);
    const [stranger = ''] = await readdir(inTest('offsite/staging/marks'));
    await cp(inTest('offsite/staging/marks', stranger), inTest('offsite/prod/marks', stranger));

    expect(await choose()).toMatchObject({ copy: { generation: newest.generation }, drilled: null });
  });
});

describe('a drill that names nothing', () => {
  const drilledFrom = async (link: ChainLink, repository: string) => {
    const { generation, manifestSha256 } = link;
    const mark = { kind: 'drilled', cluster: 'prod', at: '2026-11-24T01:00:00.000Z', run: 'd1' } as const;
    const record = { generation, manifestSha256, repository, level: 'installed', failed: null } as const;
    const offsite = await controller.repository('offsite');
    await writeMark(offsite, { ...mark, ...record, serverVersion: null, phases: [] }, KEYS.privateKeyPem);
  };
  const chosen = (more: { generation?: string; from?: string } = {}) =>
    step(chooseForDrill, { cluster: 'prod', ...more });

  it('takes the newest backup, from the repository whose last drill is longest ago', async () => {
    await publish(HOURS[0] ?? '', 'local', 'offsite');
    const newest = await publish(HOURS[1] ?? '', 'local', 'offsite');
    const { generation } = newest;

    expect(await chosen()).toMatchObject({ generation, repositories: ['local', 'offsite'] });
    await drilledFrom(newest, 'local');
    expect(await chosen()).toMatchObject({ generation, repositories: ['offsite', 'local'] });
    expect(await chosen({ from: 'local' })).toMatchObject({ repositories: ['local'] });
  });

  it('takes what the configuration says: a random one, the same in every attempt, and from one repository', async () => {
    for (const hour of HOURS) await publish(hour, 'local', 'offsite');
    controller.cluster('prod').drill = { ...controller.cluster('prod').drill, backup: 'random', from: 'offsite' };
    const first = await chosen();

    expect(await chosen()).toEqual(first);
    expect(first.repositories).toEqual(['offsite']);
    const runs = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        step(chooseForDrill, { cluster: 'prod' }, restoreEnvironment(`run-${index}`, 'prod')),
      ),
    );
    expect(new Set(runs.map(({ generation }) => generation)).size).toBe(HOURS.length);
    expect((await chosen({ generation: first.generation })).generation).toBe(first.generation);
  });
});

describe('what somebody else asks the controller to do', () => {
  const removed = () => readdir(inTest('local/prod')).then((names) => HOURS.length - names.length);
  const changed = { code: 'InvalidConfiguration', retryable: false, message: expect.stringContaining('was changed') };

  it('goes by no other policy than the configured one', async () => {
    for (const hour of HOURS) await publish(hour, 'local');
    const newest = previous?.generation ?? '';
    const policy = { ...keepLast(0), minimum: 0 };

    const asked = step(applyRetention, { cluster: 'prod', repository: 'local', policy, newest });

    await expect(asked).rejects.toMatchObject(changed);
    expect(await removed()).toBe(0);
  });

  it('touches no repository that is not one of the cluster', async () => {
    const copy = await publish(HOURS[0] ?? '', 'local', 'offsite');
    controller.cluster('prod').repositories = ['local'];
    const foreign = { code: 'InvalidConfiguration', where: 'offsite', retryable: false };

    for (const asked of [
      () => retain('offsite', copy.generation),
      () => step(listCatchUps, { cluster: 'prod', from: 'local', to: 'offsite' }),
      () => step(listCatchUps, { cluster: 'prod', from: 'offsite', to: 'local' }),
      () => step(replicateGeneration, { ...copy, from: 'local', to: 'offsite' }),
      () => step(replicateGeneration, { ...copy, from: 'offsite', to: 'local' }),
    ]) {
      await expect(asked()).rejects.toMatchObject(foreign);
    }
  });

  it('looks for generations nowhere else, either', async () => {
    const settings = await step(planRestore, { cluster: 'prod' });
    const asked = { settings: { ...settings, repositories: ['attackers'] }, generation: 'latest', asOf: null };

    await expect(step(chooseGeneration, asked)).rejects.toMatchObject(changed);
  });

  it('signs a mark of its own kind alone', async () => {
    const restored = await publish(HOURS[0] ?? '', 'local');
    const mark = {
      ...restored,
      run: RUN,
      at: '2026-11-23T03:30:00.000Z',
      kind: 'unpinned',
      by: 'eve',
      reason: 'x',
    };

    await step(markRestored, mark);
    await step(markRolledBack, mark);

    const marks = await readdir(inTest('local/prod/marks'));
    expect(marks.map((name) => name.replace(/-2026.*/, ''))).toEqual(['restored', 'rolled-back']);
    expect(await readFile(inTest('local/prod/marks', marks[0] ?? ''), 'utf8')).not.toContain('eve');
  });
});

describe('catching up', () => {
  it('brings what the other repository would keep, oldest first, and no more', async () => {
    const [oldest = '', older = '', newer = '', newest = ''] = HOURS;
    await publish(oldest, 'local');
    await publish(older, 'local');
    const missed = await publish(newer, 'local');
    await publish(newest, 'local', 'offsite');

    expect(await step(listCatchUps, { cluster: 'prod', from: 'local', to: 'offsite' })).toEqual([missed.generation]);
    await cp(inTest('local/prod', missed.generation), inTest('offsite/prod', missed.generation), { recursive: true });
    expect(await step(listCatchUps, { cluster: 'prod', from: 'local', to: 'offsite' })).toEqual([]);
  });

  const comparison = { cluster: 'prod', from: 'local', to: 'offsite' };

  it('reads no manifest where nothing is lacking, and of the source only those that are', async () => {
    const [, , third = '', last = ''] = HOURS;
    await publish(third, 'local', 'offsite');
    const { local, offsite } = await watch();

    expect(await step(listCatchUps, comparison)).toEqual([]);
    expect([...local.gets, ...offsite.gets]).toEqual([]);

    const { generation } = await publish(last, 'local');
    local.gets.length = 0;
    expect(await step(listCatchUps, comparison)).toEqual([generation]);
    expect(new Set(local.gets.map((key) => key.split('/')[1]))).toEqual(new Set([generation]));
  });

  it('brings nothing older for what cannot be read just now', async () => {
    const [oldest = '', newer = '', newest = ''] = HOURS;
    await publish(oldest, 'local');
    const { generation } = await publish(newer, 'local', 'offsite');
    await publish(newest, 'offsite');
    await cutOff(`${generation}/manifest`);

    expect(await step(listCatchUps, comparison)).toEqual([]);
  });

  it('sends heartbeats while it compares, and ends when it is reported to', async () => {
    await publish(HOURS[0] ?? '', 'local');
    const worker = workerFor();
    const heartbeats: unknown[] = [];
    worker.on('heartbeat', (details) => heartbeats.push(details));
    await watch((_key, { signal }) => {
      setImmediate(() => worker.cancel());
      return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
    });

    await expect(step(listCatchUps, comparison, worker)).rejects.toThrow('CANCELLED');
    expect(heartbeats).toContain('compare local with offsite');
  });
});

describe('the repositories of a backup', () => {
  const tidy = (newest: string, policy = keepLast(1)) => {
    controller.cluster('prod').backup.retention = policy;
    return step(tidyRepositories, { cluster: 'prod', repositories: ['local', 'offsite'], policy, newest });
  };

  it('are tidied up together where both have the same, each listed once', async () => {
    const old = await publish(HOURS[0] ?? '', 'local', 'offsite');
    const { generation } = await publish(HOURS[1] ?? '', 'local', 'offsite');
    const watched = await watch();

    const { even, retention } = await tidy(generation, keepLast(2));

    expect(even).toBe(true);
    expect(retention).toMatchObject([
      { repository: 'local', kept: 2, removed: [] },
      { repository: 'offsite', kept: 2, removed: [] },
    ]);
    expect(watched.offsite.listed.filter((prefix) => prefix === 'prod/')).toHaveLength(1);

    const { retention: second } = await tidy(generation);
    expect(second.map(({ removed }) => removed)).toEqual([[old.generation], [old.generation]]);
  });

  it('are left as they are where one lacks what it would keep', async () => {
    await publish(HOURS[0] ?? '', 'offsite');
    const { generation } = await publish(HOURS[1] ?? '', 'local', 'offsite');

    expect(await tidy(generation, keepLast(2))).toEqual({ even: false, retention: [] });
    expect(await tidy(generation)).toMatchObject({ even: true, retention: [{ removed: [] }, { kept: 1 }] });
  });

  it('are tidied up one without the other, which is said to be not done', async () => {
    const { generation } = await publish(HOURS[0] ?? '', 'local', 'offsite');
    await rm(inTest('offsite/prod', generation, 'manifest.json.sig'));

    const { even, retention } = await tidy(generation);

    expect([even, retention.map(({ repository }) => repository)]).toEqual([true, ['local']]);
  });

  it('are not tidied up by a policy that is not configured', async () => {
    const { generation } = await publish(HOURS[0] ?? '', 'local', 'offsite');
    const policy = keepLast(9);
    const asked = { cluster: 'prod', repositories: ['local', 'offsite'], policy, newest: generation };

    await expect(step(tidyRepositories, asked)).rejects.toMatchObject({ code: 'InvalidConfiguration' });
  });
});
