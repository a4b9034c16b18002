import { cp, mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { backupsCommand } from '../../../src/cli/verbs/backups';
import { DrError } from '../../../src/contract/failures';
import type { ChainLink, Manifest } from '../../../src/contract/generation';
import { DirectoryRepository } from '../../../src/repository/directory';
import type { Drilled } from '../../../src/repository/keep/drills';
import { type NewMark, writeMark } from '../../../src/repository/keep/marks';
import { openRepository } from '../../../src/repository/open';
import { publishGeneration } from '../../../src/repository/generations';
import { signingPair, stageSample } from '../../support/generation';
import { sampleConfig } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';
import { runVerb } from '../../support/run-verb';

const inTest = useDirectory();
const KEYS = signingPair();
let exitCode: typeof process.exitCode;
/** What the next generation follows. */
let previous: ChainLink | null;

beforeEach(async () => {
  exitCode = process.exitCode;
  previous = null;
  for (const name of ['one', 'two']) await mkdir(inTest(name), { mode: 0o700 });
  await writeFile(inTest('signing.pub'), KEYS.publicKeyPem);
  await writeFile(inTest('signing.key'), KEYS.privateKeyPem);
  await writeFile(
    inTest('vault-dr.yaml'),
    sampleConfig({
      repositories: { one: inTest('one'), two: inTest('two') },
      publicKeyFile: inTest('signing.pub'),
      privateKeyFile: inTest('signing.key'),
    }),
  );
});
afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = exitCode;
});

const publish = (capturedAt: string, ...repositories: string[]) => publishWith({ capturedAt }, ...repositories);

/** Publishes a generation to the named repositories. @returns its id. */
async function publishWith(
  facts: Partial<Manifest> & { capturedAt: string },
  ...repositories: string[]
): Promise<string> {
  const { capturedAt } = facts;
  const { directory, manifest, manifestSha256 } = await stageSample(inTest('staging'), KEYS, Buffer.from(capturedAt), {
    ...facts,
    previous,
  });
  previous = { generation: manifest.generation, manifestSha256 };
  for (const name of repositories) {
    await publishGeneration(await openRepository(name, { type: 'directory', path: inTest(name) }), directory);
  }
  return manifest.generation;
}

const run = (...args: string[]) =>
  runVerb(backupsCommand(), [...args, '--cluster', 'prod', '--config', inTest('vault-dr.yaml')]);

async function damage(repository: string, generation: string): Promise<void> {
  const names = await readdir(inTest(repository), { recursive: true });
  const file = names.find((name) => name.includes(generation) && name.endsWith('.age')) ?? 'none';
  await writeFile(inTest(repository, file), 'damaged bytes of this length');
}

const OLDER = '2026-11-23T04:00:00.000Z';
const NEWER = '2026-11-23T05:00:00.000Z';

test('list shows each generation once, newest first, with where it is', async () => {
  const older = await publish(OLDER, 'one', 'two');
  const newer = await publish(NEWER, 'one');

  const table = await run('list');
  const json = await run('list', '--json');

  const rows = table.out.split('\n').filter((line) => line.includes('2026'));
  expect(rows[0]).toMatch(new RegExp(`^ ${newer} .* 1\\.21\\.1 +one$`));
  expect(rows[1]).toMatch(new RegExp(`^ ${older} .* 1\\.21\\.1 +one, two$`));
  expect(table.exitCode).toBeUndefined();
  expect(JSON.parse(json.out)).toMatchObject({ copies: { length: 3 }, unreadable: [], unanswered: [] });
});

test('list, show and verify say by which method, where one was made by another than a Raft snapshot', async () => {
  await publish(OLDER, 'one');
  const onlyRaft = await run('list');
  const content = { method: 'filesystem', storage: 'raft', node: 'vault-2', nodeId: null, files: 2, lag: 3 } as const;
  const copy = await publishWith({ capturedAt: NEWER, content }, 'one');

  const list = await run('list');
  const shown = await run('show', 'latest');
  const json = await run('show', 'latest', '--json');
  const verified = await run('verify', 'all');
  const results = await run('verify', 'all', '--json');

  expect(onlyRaft.out).not.toContain('method');
  const rows = list.out.split('\n').filter((line) => line.includes('2026'));
  expect(rows[0]).toMatch(/ 1\.21\.1 +filesystem, vault-2 +one$/);
  expect(rows[1]).toMatch(/ 1\.21\.1 +raft +one$/);
  expect(shown.notes).toContain(
    'A copy of the data of vault-2, stopped for it at raft index 4,711, 3 log entries behind',
  );
  expect(JSON.parse(json.out)).toMatchObject({ method: 'filesystem', manifest: { content } });
  expect(verified.out).toContain(`${copy}  one  filesystem  hashed`);
  expect(JSON.parse(results.out)).toMatchObject({ results: [{ method: 'filesystem' }, { method: 'raft' }] });
});

test('list and show say what a backup was made with warnings of, with the codes in JSON', async () => {
  const text = 'vault-2: nobody picked it up [agent-silent]';
  await publishWith({ capturedAt: OLDER }, 'one');
  await publishWith({ capturedAt: NEWER, warnings: [text] }, 'one', 'two');

  const rows = (await run('list')).out.split('\n').filter((line) => line.includes('2026'));
  const list = JSON.parse((await run('list', '--json')).out) as { notices: unknown };
  const shown = await run('show', 'latest');
  const json = JSON.parse((await run('show', 'latest', '--json')).out) as { notices: unknown };

  expect(rows.map((row) => /\d+ warnings?/.exec(row)?.[0])).toEqual(['1 warning', undefined]);
  expect(list.notices).toEqual([{ code: 'agent-silent', text }]);
  expect(json.notices).toEqual([{ code: 'agent-silent', text }]);
  expect(shown.notes).toContain(text);
});

test('one that cannot be read hides no other, and whatever concerns the newest says so', async () => {
  const older = await publish(OLDER, 'one');
  const newer = await publish(NEWER, 'one');
  await rm(inTest('one/prod', newer, 'manifest.json.sig'));
  await mkdir(inTest('one/prod', newer, 'manifest.json.sig'));

  const [list, pin] = [await run('list'), await run('pin', 'latest', '--reason', 'test', '--as', 'ana')];

  expect(list.out).toContain(older);
  expect(list.exitCode).toBe(6);
  for (const { notes } of [list, pin]) expect(notes).toMatch(new RegExp(`one: ${newer}: .*EISDIR`));
});

test('show prints the manifest, of the newest or of the one that is named', async () => {
  const older = await publish(OLDER, 'one', 'two');
  const newer = await publish(NEWER, 'two');

  const latest = await run('show', 'latest');
  const named = await run('show', older, '--json');

  expect(JSON.parse(latest.out)).toMatchObject({ generation: newer, cluster: 'prod' });
  expect(latest.notes).toContain('Listed in: two');
  expect(JSON.parse(named.out)).toMatchObject({ manifest: { generation: older }, copies: ['one', 'two'] });
});

test('an unknown generation is answered with those there are', async () => {
  const newer = await publish(NEWER, 'one');

  await expect(run('show', 'nope')).rejects.toMatchObject({
    code: 'UnknownGeneration',
    message: `prod has no backup 'nope'. The newest are: ${newer}.`,
  });
});

test('verify reads every copy, and a damaged one shows in text, JSON and exit status', async () => {
  const generation = await publish(NEWER, 'one', 'two');
  const good = await run('verify');
  await damage('two', generation);

  const bad = await run('verify', 'all', '--json');
  const text = await run('verify', generation);

  expect(good.out).toBe(`${generation}  one  hashed\n${generation}  two  hashed\nchain  complete\n`);
  expect(good.exitCode).toBeUndefined();
  expect(bad.exitCode).toBe(6);
  expect(JSON.stringify(JSON.parse(bad.out))).toContain('"repository":"one","check":"hashed","problem":null');
  expect(`${text.out}${text.notes}`).toMatch(new RegExp(`two.*${generation}|${generation}.*two`));
  expect(text.exitCode).toBe(6);
});

test('where there is nothing, list says so and verify does not call it good', async () => {
  const list = await run('list');

  expect(list.out).toContain('There is no backup of prod.');
  await expect(run('verify')).rejects.toMatchObject({ code: 'UnknownGeneration' });
  await expect(run('verify', 'all')).rejects.toMatchObject({ code: 'UnknownGeneration' });
});

test('a repository that does not answer is named, and what others hold is still shown', async () => {
  const generation = await publish(NEWER, 'one');
  await rmdir(inTest('two'));

  const list = await run('list');

  expect(list.out).toContain(generation);
  expect(list.notes).toContain('two: ');
  expect(list.exitCode).toBe(1);
});

describe('drills', () => {
  const drilled = (generation: string, more: Partial<Drilled>): NewMark => ({
    kind: 'drilled',
    cluster: 'prod',
    run: 'd1',
    generation,
    manifestSha256: previous?.generation === generation ? previous.manifestSha256 : 'none',
    repository: 'two',
    level: 'installed',
    failed: null,
    serverVersion: '1.21.1',
    phases: [
      { phase: 'fetch', milliseconds: 1_500 },
      { phase: 'load', milliseconds: 4_000 },
    ],
    at: '2026-11-24T03:00:00.000Z',
    ...more,
  });
  const mark = async (repository: string, word: NewMark) =>
    writeMark(
      await openRepository(repository, { type: 'directory', path: inTest(repository) }),
      word,
      KEYS.privateKeyPem,
    );

  test('list and show say the last one, also where its mark is in another repository', async () => {
    await publish(OLDER, 'one', 'two');
    const newer = await publish(NEWER, 'one');
    await mark('two', drilled(newer, {}));

    const list = await run('list');
    const listed = JSON.parse((await run('list', '--json')).out) as { drills: unknown[] };
    const show = await run('show', 'latest');
    const shown = JSON.parse((await run('show', 'latest', '--json')).out) as { drills: unknown[] };
    const older = await run('show', previousOf(listed));

    expect(list.out).toMatch(new RegExp(`${newer} .* drilled 2026-11-24: installed`));
    expect(listed.drills).toEqual(shown.drills);
    expect(shown.drills).toEqual([expect.objectContaining({ generation: newer, level: 'installed', failed: null })]);
    expect(show.notes).toContain('Drilled: 2026-11-24T03:00:00Z, from two: installed in 5.5 s (fetch 1.5 s, load 4 s)');
    expect(older.notes).toContain('Never drilled.');
  });

  test('one that speaks against a backup is said until a later one gets further', async () => {
    const newer = await publish(NEWER, 'one', 'two');
    const failed = { phase: 'load', code: 'VaultRefused', against: 'backup' } as const;
    await mark('one', drilled(newer, { level: 'fetched', failed }));
    await mark('two', drilled(newer, { level: 'fetched', run: 'd2', at: '2026-11-25T03:00:00.000Z' }));
    expect((await run('list')).out).toMatch(/drill failed 2026-11-24: VaultRefused/);

    await mark('two', drilled(newer, { run: 'd3', at: '2026-11-26T03:00:00.000Z' }));
    expect((await run('list')).out).toMatch(/drilled 2026-11-26: installed/);
  });

  test('the newest of those that came furthest is kept in every repository, and a failed one is not', async () => {
    const old = await publish(OLDER, 'one', 'two');
    await mark('one', drilled(old, { level: 'restored' }));
    const bad = await publish('2026-11-23T04:30:00.000Z', 'one', 'two');
    const failed = { phase: 'verify', code: 'CopyDamaged', against: 'backup' } as const;
    await mark('one', drilled(bad, { level: 'restored' }));
    await mark('one', drilled(bad, { failed, run: 'd2', at: '2026-11-25T03:00:00.000Z' }));
    for (const capturedAt of ['2026-11-23T04:45:00.000Z', NEWER]) await publish(capturedAt, 'one', 'two');

    const { out } = await run('prune');

    for (const name of ['one', 'two']) {
      expect(out).toContain(`${name}  ${old}  keep: the newest drilled backup`);
      expect(out).toContain(`${name}  ${bad}  removed`);
    }
  });

  const previousOf = (list: unknown) => (list as { copies: { generation: string }[] }).copies.at(-1)!.generation;
});

describe('the chain', () => {
  const EARLY = '2026-11-20T05:00:00.000Z';
  const MIDDLE = '2026-11-21T05:00:00.000Z';

  test('shows what somebody removed, and says nothing of what retention removed', async () => {
    const early = await publish(EARLY, 'one', 'two');
    await publish(MIDDLE, 'one', 'two');
    await publish(OLDER, 'one', 'two');
    await publish(NEWER, 'one', 'two');
    const pruned = await run('prune');
    const whole = await run('verify', '--chain');
    await publish('2026-11-24T05:00:00.000Z', 'one', 'two');
    const stolen = (await run('list')).out.split('\n').find((line) => line.includes('20261123T0400')) ?? '';
    for (const place of ['one', 'two']) {
      const id = stolen.trim().split(' ')[0] ?? 'none';
      await rm(inTest(place, 'prod', id), { recursive: true });
    }
    const broken = await run('verify', '--chain', '--json');

    expect(pruned.out).toContain(`one  ${early}  removed`);
    expect(whole.out).toBe('chain  complete\n');
    expect(whole.exitCode).toBeUndefined();
    const { chain } = JSON.parse(broken.out) as { chain: { kind: string; generation: string }[] };
    expect(chain).toEqual([expect.objectContaining({ kind: 'removed', severity: 'problem' })]);
    expect(stolen).toContain(chain[0]?.generation ?? 'none');
    expect(broken.exitCode).toBe(6);
  });
});

describe('retention', () => {
  const DAYS = ['18', '19', '20', '21', '22'].map((day) => `2026-11-${day}T05:00:00.000Z`);
  interface Pruned {
    repositories: {
      repository: string;
      plan: { remove: string[] };
      done: { removed: string[]; kept: number } | null;
    }[];
  }

  test('does exactly what the dry run showed, and the dry run touches nothing', async () => {
    for (const day of DAYS) await publish(day, 'one', 'two');
    const before = (await readdir(inTest(), { recursive: true })).length;

    const shown = await run('prune', '--dry-run');
    const dry = JSON.parse((await run('prune', '--dry-run', '--json')).out) as Pruned;
    const untouched = (await readdir(inTest(), { recursive: true })).length;
    const done = JSON.parse((await run('prune', '--json')).out) as Pruned;
    const again = JSON.parse((await run('prune', '--json')).out) as Pruned;

    expect(untouched).toBe(before);
    expect(shown.out.split('\n').filter((line) => line.includes('would be removed'))).toHaveLength(6);
    for (const [index, { plan, done: nothing }] of dry.repositories.entries()) {
      expect(nothing).toBeNull();
      expect(plan.remove).toHaveLength(3);
      expect(done.repositories[index]).toMatchObject({ plan, done: { removed: plan.remove, kept: 2, failed: [] } });
      expect(again.repositories[index]).toMatchObject({ plan: { remove: [] }, done: { removed: [], kept: 2 } });
    }
  });

  test('removes nothing where the newest generation is damaged', async () => {
    for (const day of DAYS) await publish(day, 'one');
    const newest = (await run('list')).out.split('\n').find((line) => line.includes('20261122')) ?? '';
    const id = newest.trim().split(' ')[0] ?? 'none';
    await writeFile(inTest('one/prod', id, 'snapshot.snap.age'), 'X'.repeat(DAYS[0]?.length ?? 0));

    const { out, exitCode: status } = await run('prune');

    expect(out).toContain('nothing was removed: snapshot.snap.age');
    expect(status).toBe(1);
    expect((await readdir(inTest('one/prod'))).length).toBe(5);
  });

  test('says what was removed, and warns, where what died attempts left can not be swept', async () => {
    for (const day of DAYS) await publish(day, 'one');
    const refused = new DrError('PermissionDenied', 'one: scandir failed with EACCES');
    jest.spyOn(DirectoryRepository.prototype, 'removePartials').mockRejectedValue(refused);

    const { out, notes, exitCode: status } = await run('prune');

    expect(out.split('\n').filter((line) => line.endsWith('  removed'))).toHaveLength(3);
    expect(notes).toContain('take up space: one: scandir failed with EACCES');
    expect(status).toBeUndefined();
  });

  test('does not claim that nothing was removed, where it broke off after the removal', async () => {
    for (const day of DAYS) await publish(day, 'one');
    const gone = new DrError('RepositoryUnavailable', 'one: the connection was cut');
    jest.spyOn(DirectoryRepository.prototype, 'removePartials').mockImplementation(() => {
      jest.spyOn(DirectoryRepository.prototype, 'list').mockImplementationOnce(() => {
        throw gone;
      });
      return Promise.resolve(0);
    });

    const { out, exitCode: status } = await run('prune');

    expect(out).toContain('failed halfway, and some may be removed: one: the connection was cut');
    expect(out).not.toContain('nothing was removed');
    expect((await readdir(inTest('one/prod'))).filter((name) => name.startsWith('2026'))).toHaveLength(2);
    expect(status).toBe(1);
  });

  test('keeps what is pinned until it is unpinned, in every repository', async () => {
    const [first = ''] = DAYS;
    const old = await publish(first, 'one', 'two');
    for (const day of DAYS.slice(1)) await publish(day, 'one', 'two');

    const pin = await run('pin', old, '--reason', 'before the migration', '--as', 'ana');
    const listed = await run('list', '--json');
    await run('prune');
    const kept = await readdir(inTest('two/prod'));
    await run('unpin', old, '--reason', 'migrated', '--as', 'ana');
    await run('prune');

    expect(pin.out).toBe(`${old}  pinned in one, two\n`);
    expect(JSON.parse(listed.out)).toMatchObject({
      pinned: [{ generation: old, by: 'ana', reason: 'before the migration' }],
    });
    expect(kept).toContain(old);
    expect(await readdir(inTest('two/prod'))).not.toContain(old);
    expect((await run('verify', 'all')).out).toContain('chain  complete');
  });

  test('a pin needs a reason', async () => {
    await publish(NEWER, 'one');

    await expect(run('pin', 'latest', '--reason', ' ')).rejects.toMatchObject({ code: 'InvalidInput' });
  });
});

describe('repair', () => {
  test('brings a good copy to the repository that lacks it', async () => {
    const generation = await publish(NEWER, 'one');

    const repaired = await run('verify', 'all', '--repair');
    const after = await run('verify', 'all');

    expect(repaired.out).toBe(`${generation}  one  hashed\n${generation}  two  added and read back\nchain  complete\n`);
    expect(repaired.exitCode).toBeUndefined();
    expect(after.out).toBe(`${generation}  one  hashed\n${generation}  two  hashed\nchain  complete\n`);
  });

  test('completes a copy that lacks a file', async () => {
    const generation = await publish(NEWER, 'one', 'two');
    await rm(inTest('two/prod', generation, 'snapshot.snap.age'));

    const repaired = await run('verify', '--repair');

    expect(repaired.out).toContain(`${generation}  two  added and read back`);
    expect(repaired.exitCode).toBeUndefined();
  });

  test('never overwrites what is damaged, and says so', async () => {
    const generation = await publish(NEWER, 'one', 'two');
    await damage('one', generation);
    const evidence = await readFile(inTest('one/prod', generation, 'snapshot.snap.age'));
    // The damaged file has another length, so the copy is not even listed.
    const { out, exitCode: status } = await run('verify', '--repair');

    expect(out).toContain(`${generation}  one  NOT REPAIRED, because nothing is ever overwritten`);
    expect(await readFile(inTest('one/prod', generation, 'snapshot.snap.age'))).toEqual(evidence);
    expect(status).toBe(6);
  });

  test('does not bring back what retention would remove at once', async () => {
    for (const day of ['20', '21', '22']) await publish(`2026-11-${day}T05:00:00.000Z`, 'one', 'two');
    const old = (await readdir(inTest('two/prod'))).find((name) => name.startsWith('20261120')) ?? 'none';
    await rm(inTest('two/prod', old), { recursive: true });

    await run('verify', 'all', '--repair');

    expect(await readdir(inTest('two/prod'))).not.toContain(old);
  });
});

test('a plain copy of a repository is a repository', async () => {
  const generation = await publish(NEWER, 'one');
  await run('pin', generation, '--reason', 'kept');
  await cp(inTest('one'), inTest('two'), { recursive: true });

  const verified = await run('verify', 'all');

  expect(verified.out).toBe(`${generation}  one  hashed\n${generation}  two  hashed\nchain  complete\n`);
});

describe('diff', () => {
  it('shows what two signed manifests say otherwise, and nothing else', async () => {
    const older = await publish(OLDER, 'one');
    const newer = await publish(NEWER, 'one');

    const text = await run('diff', older);
    const json = await run('diff', older, newer, '--json');
    const same = await run('diff', newer, 'latest');

    expect(text.out).toMatch(/captured +2026-11-23T04:00:00\S* +2026-11-23T05:00:00\S* +\+1 h 0 min/);
    expect(JSON.parse(json.out)).toMatchObject({
      cluster: 'prod',
      from: { generation: older },
      to: { generation: newer },
      changes: expect.arrayContaining([expect.objectContaining({ what: 'capturedAt', difference: 3_600 })]),
    });
    expect(text.out).not.toContain('cluster id');
    expect(same.out).toBe('Nothing differs.\n');
  });
});
