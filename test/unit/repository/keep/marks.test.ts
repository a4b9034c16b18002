import { copyFile, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { DirectoryRepository } from '../../../../src/repository/directory';
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
const pathOf = async (kind: string) =>
  inTest('local/prod/marks', (await readdir(inTest('local/prod/marks'))).find((name) => name.startsWith(kind)) ?? '');

it('marks are read back as written, and writing one again changes nothing', async () => {
  const restored = { kind: 'restored', cluster: 'prod', at: '2026-11-23T06:00:00.000Z', run: 'b1', ...LINK } as const;
  for (const mark of [PINNED, PINNED, restored]) await write(mark);

  const { marks, problems } = await read();

  expect(problems).toEqual([]);
  expect(marks).toEqual([PINNED, restored].map((mark) => ({ format: 'vault-dr/mark/v1', ...mark })));
  expect(meaningOf(marks)).toEqual({
    restored: new Set([LINK.manifestSha256]),
    pinned: new Map([[LINK.manifestSha256, { by: 'ana', reason: 'audit of 2026' }]]),
    tombstones: [],
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
    expect(problems).toEqual([expect.stringMatching(/^The mark prod\/marks\/pinned-.*(not signed|was moved there)/)]);
  });

  it('that was signed with another key, or belongs to another cluster', async () => {
    await writeMark(repository, { ...PINNED, run: 'ee' }, signingPair().privateKeyPem);
    await write({ ...PINNED, cluster: 'other' });
    const other = await readdir(inTest('local/other/marks'));
    await copyFile(inTest('local/other/marks', other[0] ?? ''), inTest('local/prod/marks', other[0] ?? ''));

    const { marks, problems } = await read();

    expect(marks).toEqual([]);
    expect(problems.toSorted()).toEqual([
      expect.stringContaining('was moved there'),
      expect.stringContaining('is not signed with the configured key'),
    ]);
  });
});
