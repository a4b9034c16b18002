import { copyFile, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { DirectoryRepository } from '../../../../src/repository/directory';
import type { RollCalled } from '../../../../src/contract/roll-call';
import { sha256Hex } from '../../../../src/repository/digest';
import { type Mark, meaningOf, type NewMark, readMarks, writeMark } from '../../../../src/repository/keep/marks';
import { signingPair } from '../../../support/generation';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const KEYS = signingPair();
const LINK = { generation: '20261123T040000Z-000000004711-0a1b2c3d', manifestSha256: 'a'.repeat(64) };
const PINNED = {
  kind: 'pinned',
  cluster: 'prod',
  at: '2026-11-23T05:00:00.000Z',
  run: '0a1b',
  by: 'ana',
  reason: 'audit of 2026',
  ...LINK,
} as const;

let repository: DirectoryRepository;
beforeEach(async () => {
  await mkdir(inTest('local'));
  repository = new DirectoryRepository('local', inTest('local'));
});

const write = (mark: NewMark) => writeMark(repository, mark, KEYS.privateKeyPem);
const read = () => readMarks(repository, 'prod', KEYS.publicKeyPem);
const hashOf = async (kind: string) => sha256Hex(await readFile(await pathOf(kind)));
const pathOf = async (kind: string) =>
  inTest('local/prod/marks', (await readdir(inTest('local/prod/marks'))).find((name) => name.startsWith(kind)) ?? '');

it('marks are read back as written, and writing one again changes nothing', async () => {
  const restored = { kind: 'restored', cluster: 'prod', at: '2026-11-23T06:00:00.000Z', run: 'b1', ...LINK } as const;
  for (const mark of [PINNED, PINNED, restored]) await write(mark);

  const { marks, problems } = await read();

  expect(problems).toEqual([]);
  expect(marks).toEqual([
    { format: 'vault-dr/mark/v1', ...PINNED },
    { format: 'vault-dr/mark/v1', ...restored, previous: [await hashOf('pinned')] },
  ]);
  expect(meaningOf(marks)).toEqual({
    restored: new Set([LINK.manifestSha256]),
    pinned: new Map([[LINK.manifestSha256, { by: 'ana', reason: 'audit of 2026' }]]),
    drills: new Map(),
    rollCalls: [],
    tombstones: [],
  });
});

it('the mark of a roll-call is read back as written, once from several repositories, and also with words of later versions', async () => {
  const called: RollCalled = {
    ...LINK,
    at: '2026-11-23T06:00:00.000Z',
    run: 'r1',
    repository: 'local',
    keys: 'unseal',
    shares: 5,
    threshold: 3,
    holders: [
      { holder: 'Ana Müller', outcome: 'right', shares: 1 },
      { holder: 'ben', outcome: 'forgotten' as 'silent', shares: 0 },
    ],
  };
  await write({ kind: 'roll-call', cluster: 'prod', ...called });

  const { marks, problems } = await read();

  expect(problems).toEqual([]);
  expect(meaningOf([...marks, ...marks]).rollCalls).toEqual([called]);
});

describe('each mark names those before it', () => {
  const at = (hour: number) => ({ at: `2026-11-23T0${hour}:00:00.000Z` });
  const LIST: NewMark = { kind: 'removed', cluster: 'prod', run: 'c1', tombstones: [], ...at(8) };

  it('that no other one names, and a fork is closed by the next one', async () => {
    await Promise.all([write({ ...PINNED, run: 'a' }), write({ ...PINNED, run: 'b' })]);
    const { heads } = await read();
    await write({ ...PINNED, kind: 'unpinned', ...at(6) });
    await write({ ...PINNED, run: 'd', ...at(7) });

    const { marks, problems } = await read();

    expect(problems).toEqual([]);
    expect(heads.length).toBeGreaterThan(0);
    expect(marks.find(({ kind }) => kind === 'unpinned')?.previous?.toSorted()).toEqual(heads.toSorted());
    expect(marks.find(({ run }) => run === 'd')?.previous).toEqual([await hashOf('unpinned')]);
  });

  it.each<[string, NewMark]>([
    ['another mark', { ...PINNED, kind: 'unpinned', run: 'ff', ...at(6) }],
    ['a list of tombstones', LIST],
  ])('so that one that was removed shows: it is named by %s', async (_what, later) => {
    await write(PINNED);
    await write(later);
    await rm(await pathOf('pinned'));

    const { problems } = await read();

    expect(problems).toEqual([expect.stringMatching(/^A mark is missing in local: SHA-256 /)]);
  });

  it('but lists of tombstones are named by none, because retention removes them', async () => {
    await write(LIST);
    await write({ ...PINNED, ...at(9) });

    expect((await read()).marks.map(({ previous }) => previous)).toEqual([undefined, undefined]);
  });

  it('and one that was spoilt is said of twice: it is not to be trusted, and what was there is missing', async () => {
    await write(PINNED);
    await write({ ...PINNED, kind: 'unpinned', run: 'ff', ...at(6) });
    await writeFile(await pathOf('pinned'), 'damaged');

    expect((await read()).problems).toEqual([
      expect.stringContaining('is not signed'),
      expect.stringContaining('is missing in local'),
    ]);
  });

  it('and one whose key was replaced is there all the same', async () => {
    await writeMark(repository, PINNED, signingPair().privateKeyPem);
    await write({ ...PINNED, run: 'ff', ...at(6) });

    const { problems } = await read();

    expect(problems).toEqual([expect.stringContaining('is not signed with the configured key')]);
  });

  it('and an attempt that is repeated after others have written changes nothing', async () => {
    await write(PINNED);
    await write({ ...PINNED, run: 'ff', ...at(6) });

    await write(PINNED);

    expect((await read()).marks).toHaveLength(2);
  });

  it('and two attempts at once that name different ones write one mark', async () => {
    const list = jest.spyOn(repository, 'list').mockImplementationOnce(async function* () {
      // As it was before the other attempt.
    });
    await write({ ...PINNED, run: 'ff', ...at(4) });
    await write(PINNED);
    list.mockImplementationOnce(async function* () {
      // Again.
    });

    await write(PINNED);

    expect((await read()).marks).toHaveLength(2);
  });

  it('and what says something else under the same name is refused', async () => {
    await write(PINNED);

    await expect(write({ ...PINNED, reason: 'another' })).rejects.toMatchObject({ code: 'RepositoryConflict' });
  });
});

it('of a pin and its end the later one counts, whatever the order they are read in', () => {
  const at = (hour: number, kind: 'pinned' | 'unpinned') =>
    ({ ...PINNED, format: 'vault-dr/mark/v1', kind, at: `2026-11-23T0${hour}:00:00.000Z` }) as Mark;
  const isPinned = (...marks: Mark[]) => meaningOf(marks).pinned.size > 0;

  expect(isPinned(at(1, 'pinned'), at(2, 'unpinned'))).toBe(false);
  expect(isPinned(at(3, 'pinned'), at(2, 'unpinned'))).toBe(true);
  expect(isPinned(at(2, 'unpinned'), at(2, 'pinned'))).toBe(true);
});

it('a cluster that was rolled back is not restored, whichever mark is read first; what another run restored is', () => {
  const mark = (kind: 'restored' | 'rolled-back', run: string) =>
    ({ ...LINK, format: 'vault-dr/mark/v1', cluster: 'prod', at: '2026-11-23T06:00:00.000Z', kind, run }) as const;
  const isRestored = (...marks: Mark[]) => meaningOf(marks).restored.has(LINK.manifestSha256);

  expect(isRestored(mark('restored', 'b1'), mark('rolled-back', 'b1'))).toBe(false);
  expect(isRestored(mark('rolled-back', 'b1'), mark('restored', 'b1'))).toBe(false);
  expect(isRestored(mark('restored', 'b1'), mark('rolled-back', 'c2'))).toBe(true);
});

it('of lists of removed generations only the newest is read', async () => {
  const list = (at: string, generation: string) =>
    write({ kind: 'removed', cluster: 'prod', at, run: 'c1', tombstones: [{ ...LINK, generation, previous: null }] });
  await list('2026-11-23T05:00:00.000Z', LINK.generation);
  await list('2026-11-24T05:00:00.000Z', LINK.generation.replace('1123', '1122'));
  await writeFile(await pathOf('removed-20261123'), 'damaged');

  const { marks, problems } = await read();

  expect(problems).toEqual([]);
  expect(meaningOf(marks).tombstones.map(({ generation }) => generation)).toEqual([
    LINK.generation.replace('1123', '1122'),
  ]);
});

describe('the mark of a drill', () => {
  const PASSED = {
    kind: 'drilled',
    cluster: 'prod',
    at: '2026-11-23T07:00:00.000Z',
    run: 'd1',
    ...LINK,
    repository: 'local',
    level: 'installed',
    failed: null,
    serverVersion: '1.21.1',
    phases: [{ phase: 'fetch', milliseconds: 1200 }],
  } satisfies NewMark;
  const FAILED = {
    ...PASSED,
    at: '2026-11-23T08:00:00.000Z',
    run: 'd2',
    level: 'fetched',
    failed: { phase: 'load', code: 'CopyDamaged', against: 'backup' },
  } satisfies NewMark;
  const history = async () => meaningOf((await read()).marks).drills.get(LINK.manifestSha256);
  const { kind: _kind, cluster: _cluster, ...drill } = PASSED;

  it('is read back as written', async () => {
    await write(PASSED);

    expect(await history()).toEqual({ all: [drill], last: drill, bad: null, level: 'installed' });
  });

  it('of one that failed shows when it is removed: the next mark names it', async () => {
    await write(FAILED);
    await write({ ...PINNED, at: '2026-11-23T09:00:00.000Z' });
    await rm(await pathOf('drilled'));

    expect((await read()).problems).toEqual([expect.stringMatching(/^A mark is missing in local/)]);
    expect(await history()).toBeUndefined();
  });

  it('of one that passed earlier does not heal a failure, wherever it is copied to', async () => {
    await write(PASSED);
    await write(FAILED);
    const path = await pathOf(`drilled-${LINK.generation}-20261123T0700`);
    await copyFile(path, path.replace('T070000', 'T100000'));

    expect((await read()).problems).toEqual([expect.stringContaining('was moved from another backup')]);
    expect((await history())?.bad).toMatchObject({ run: 'd2' });
  });

  it('of another cluster or backup counts for nothing here', async () => {
    await write({ ...FAILED, cluster: 'other' });
    const [name = ''] = await readdir(inTest('local/other/marks'));
    await mkdir(inTest('local/prod/marks'), { recursive: true });
    await copyFile(inTest('local/other/marks', name), inTest('local/prod/marks', name));
    const elsewhere = {
      ...FAILED,
      generation: LINK.generation.replace('1123', '1122'),
      manifestSha256: 'b'.repeat(64),
    };
    await write(elsewhere);
    const path = await pathOf(`drilled-${elsewhere.generation}`);
    await rename(path, path.replace(elsewhere.generation, LINK.generation).replace('d2', 'd3'));

    expect((await read()).problems).toHaveLength(2);
    expect(await history()).toBeUndefined();
  });

  it('that another key has signed counts for nothing', async () => {
    await writeMark(repository, FAILED, signingPair().privateKeyPem);

    expect((await read()).problems).toEqual([expect.stringContaining('is not signed with the configured key')]);
    expect(await history()).toBeUndefined();
  });

  it('that is huge is refused by its size, and the others are read', async () => {
    await write(PASSED);
    const path = await pathOf('drilled');
    await writeFile(path.replace('T070000', 'T110000'), '');
    await truncate(path.replace('T070000', 'T110000'), 64 * 1024 * 1024);

    expect((await read()).problems).toEqual([expect.stringMatching(/too large|larger|bytes|MiB/i)]);
    expect((await history())?.last).toMatchObject({ run: 'd1' });
  });

  it.each<[string, Partial<typeof FAILED> | Record<string, unknown>]>([
    ['control characters', { serverVersion: '1.21\u001b[2J' }],
    ['a repository that is a path', { repository: '../../etc' }],
    ['a code that is a text', { failed: { phase: 'load', code: 'bad; rm -rf', against: 'backup' } }],
    ['times that nobody has measured', { phases: [{ phase: 'load', milliseconds: Number.MAX_SAFE_INTEGER }] }],
    ['more phases than there are', { phases: Array.from({ length: 33 }, () => ({ phase: 'load', milliseconds: 1 })) }],
    ['a level that there is not', { level: 'perfect' }],
  ])('is never written with %s', async (_what, wrong) => {
    await expect(write({ ...FAILED, ...wrong } as NewMark)).rejects.toMatchObject({ name: 'ZodError' });
    expect((await read()).marks).toEqual([]);
  });

  it('of a later version, with a phase and a code that this one does not know, is read', async () => {
    const later = { phase: 'rehearse', code: 'TimeRanBackwards', against: 'hypervisor' };
    await write({ ...FAILED, failed: later } as unknown as NewMark);

    expect(await history()).toMatchObject({ last: { failed: later }, bad: null });
  });
});

describe('a mark counts for nothing and is reported', () => {
  it.each<[string, (path: string) => Promise<unknown>]>([
    ['that was changed', async (path) => writeFile(path, (await readFile(path, 'utf8')).replace('ana', 'eve'))],
    ['that was cut', (path) => writeFile(path, '{}')],
    ['that is empty', (path) => writeFile(path, '')],
    ['that was renamed', (path) => rename(path, path.replace('0a1b.json', 'ffff.json'))],
  ])('%s', async (_how, spoil) => {
    await write(PINNED);
    await spoil(await pathOf('pinned'));

    const { marks, problems } = await read();

    expect(marks).toEqual([]);
    expect(problems).toEqual([
      expect.stringMatching(/^The mark prod\/marks\/pinned-.*(not signed|was moved from another backup)/),
    ]);
  });

  it('that was signed with another key, or belongs to another cluster', async () => {
    await writeMark(repository, { ...PINNED, run: 'ee' }, signingPair().privateKeyPem);
    await write({ ...PINNED, cluster: 'other' });
    const other = await readdir(inTest('local/other/marks'));
    await copyFile(inTest('local/other/marks', other[0] ?? ''), inTest('local/prod/marks', other[0] ?? ''));

    const { marks, problems } = await read();

    expect(marks).toEqual([]);
    expect(problems.toSorted()).toEqual([
      expect.stringContaining('was moved from another backup'),
      expect.stringContaining('is not signed with the configured key'),
    ]);
  });
});
