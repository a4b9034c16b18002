import { writeFile } from 'node:fs/promises';
import { openBolt } from '../../../../src/vault/storage/bolt';
import { boltFile, boltMeta, boltPage, bucketAt, inlineBucket, PAGE_SIZE } from '../../../support/bolt-builder';
import { useDirectory } from '../../../support/temporary';

const path = useDirectory();
const text = (value: string): Buffer => Buffer.from(value);

/** Root on page 2; bucket `data` with a branch on page 3 and leaves on 4 and 5 (two pages long); `config` inline. */
const PAGES = [
  boltPage(2, [
    { key: 'config', value: inlineBucket([{ key: 'one', value: text('1') }]), bucket: true },
    { key: 'data', value: bucketAt(3), bucket: true },
    { key: 'plain', value: text('no bucket') },
  ]),
  boltPage(3, [
    { key: 'b', child: 4 },
    { key: 'm', child: 5 },
  ]),
  boltPage(4, [
    { key: 'b', value: text('first') },
    { key: 'c', value: bucketAt(7), bucket: true },
  ]),
  boltPage(5, [
    { key: 'm', value: Buffer.alloc(6000, 7) },
    { key: 'z', value: text('last') },
  ]),
  boltPage(7, [{ key: 'inner', value: text('deep') }]),
];

async function inFile<T>(
  content: Buffer,
  work: (file: Awaited<ReturnType<typeof openBolt>>) => Promise<T>,
): Promise<T> {
  await writeFile(path('test.db'), content);
  const file = await openBolt(path('test.db'));
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

async function textAt(content: Buffer, bucketPath: string[], key: string): Promise<string | null> {
  return inFile(content, async (file) => (await file.get(bucketPath, key))?.toString() ?? null);
}

test.each([
  [['config'], 'one', '1'],
  [['data'], 'b', 'first'],
  [['data'], 'z', 'last'],
  [['data', 'c'], 'inner', 'deep'],
  [['data'], 'a', null],
  [['data'], 'bb', null],
  [['data'], 'zz', null],
  [['plain'], 'x', null],
  [['nothing'], 'x', null],
])('finds %j %s', async (bucketPath, key, expected) => {
  expect(await textAt(boltFile(PAGES), bucketPath, key)).toBe(expected);
});

test('reads a value that is longer than a page', async () => {
  expect(await inFile(boltFile(PAGES), (file) => file.get(['data'], 'm'))).toEqual(Buffer.alloc(6000, 7));
});

test('finds the last entry', async () => {
  const last = (bucket: string) => inFile(boltFile(PAGES), (file) => file.lastEntry([bucket]));
  expect(await last('data')).toEqual({ key: text('z'), value: text('last') });
  expect(await last('config')).toEqual({ key: text('one'), value: text('1') });
  expect(await last('nothing')).toBeNull();
  const empty = boltFile([boltPage(2, [{ key: 'logs', value: inlineBucket([]), bucket: true }])]);
  expect(await inFile(empty, (file) => file.lastEntry(['logs']))).toBeNull();
});

describe('of the two meta pages', () => {
  const body = [
    boltPage(2, [{ key: 'b', value: inlineBucket([{ key: 'k', value: text('older') }]), bucket: true }]),
    boltPage(3, [{ key: 'b', value: inlineBucket([{ key: 'k', value: text('newer') }]), bucket: true }]),
  ];
  const even = (root: number, transaction: number): Buffer => boltMeta(transaction, root, 4);

  test.each([
    ['the second', [even(2, 8), even(3, 9)], 'newer'],
    ['the first', [even(3, 10), even(2, 9)], 'newer'],
    ['the one whose sum is right', [even(2, 8), damaged(even(3, 9), 32)], 'older'],
    ['the second when the first is lost', [Buffer.alloc(PAGE_SIZE), even(3, 9)], 'newer'],
  ])('%s counts', async (_which, metas, expected) => {
    expect(await textAt(Buffer.concat([...metas, ...body]), ['b'], 'k')).toBe(expected);
  });
});

describe('says of a damaged file', () => {
  test.each([
    ['an empty one', Buffer.alloc(0), 'not a bbolt database'],
    ['another one', Buffer.alloc(3 * PAGE_SIZE, 'x'), 'not a bbolt database'],
    ['a cut one', boltFile(PAGES).subarray(0, 4 * PAGE_SIZE + 30), 'ends inside its page'],
    [
      'one with a page in the wrong place',
      boltFile([...PAGES.slice(0, 2), boltPage(9, [])]),
      'another page in place of page 4',
    ],
    [
      'one whose pages lead in a circle',
      boltFile([PAGES[0] as Buffer, boltPage(3, [{ key: 'a', child: 3 }])]),
      'form a loop',
    ],
    [
      'one with a page that is not there',
      boltFile([PAGES[0] as Buffer, boltPage(3, [{ key: 'a', child: 99 }])]),
      'page 99',
    ],
    ['one that refers to a meta page', boltFile([PAGES[0] as Buffer, boltPage(3, [{ key: 'a', child: 1 }])]), 'page 1'],
    ['one with a key outside of its page', damaged(boltFile(PAGES), 4 * PAGE_SIZE + 16 + 6), 'outside its page'],
    ['one with a huge key', damaged(boltFile(PAGES), 4 * PAGE_SIZE + 16 + 10), 'a key of'],
    ['one with a page of another kind', damaged(boltFile(PAGES), 4 * PAGE_SIZE + 8), 'unexpected kind'],
    [
      'one with a cut bucket',
      boltFile([boltPage(2, [{ key: 'data', value: text('x'), bucket: true }])]),
      'without a header',
    ],
    [
      'one with a cut inline bucket',
      boltFile([boltPage(2, [{ key: 'data', value: inlineBucket([]).subarray(0, 20), bucket: true }])]),
      'shorter than declared',
    ],
  ])('%s', async (_which, content, problem) => {
    await expect(textAt(content, ['data'], 'b')).rejects.toMatchObject({
      name: 'DrError',
      code: 'NodeUnsafe',
      retryable: false,
      message: expect.stringContaining(problem) as string,
      where: path('test.db'),
    });
  });
});

test('answers or refuses, whatever byte is wrong', async () => {
  const content = boltFile(PAGES);
  const outcomes = new Set<string>();
  for (let at = 2 * PAGE_SIZE; at < content.length; at += at % PAGE_SIZE < 200 ? 3 : 97) {
    const outcome = await inFile(damaged(content, at), async (file) => {
      await file.get(['data'], 'm');
      await file.lastEntry(['data']);
    }).then(
      () => 'answers',
      (error: { code: string }) => error.code,
    );
    outcomes.add(outcome);
  }
  expect([...outcomes].toSorted()).toEqual(['NodeUnsafe', 'answers']);
});

test('leaves the error of a file that is not there', async () => {
  await expect(openBolt(path('missing.db'))).rejects.toMatchObject({ code: 'ENOENT' });
});

function damaged(content: Buffer, at: number): Buffer {
  const copy = Buffer.from(content);
  copy.writeUInt8(copy.readUInt8(at) ^ 0xff, at);
  return copy;
}

test('goes through the entries of a bucket by their keys, and leaves out buckets in it', async () => {
  const seen: [string, number][] = [];

  const found = await inFile(boltFile(PAGES), (file) =>
    file.each(['data'], (key, valueBytes) => seen.push([key.toString(), valueBytes])),
  );

  expect(found).toBe(true);
  expect(seen).toEqual([
    ['b', 5],
    ['m', 6000],
    ['z', 4],
  ]);
  expect(await inFile(boltFile(PAGES), (file) => file.each(['nothing'], () => undefined))).toBe(false);
});

test('goes through a page that is too long to be read at once', async () => {
  const long = boltPage(3, [
    { key: 'a', value: Buffer.alloc(70_000, 1) },
    { key: 'b', value: text('behind') },
  ]);
  const seen: string[] = [];

  const root = boltPage(2, [{ key: 'data', value: bucketAt(3), bucket: true }]);
  await inFile(boltFile([root, long]), (file) => file.each(['data'], (key) => seen.push(key.toString())));

  expect(seen).toEqual(['a', 'b']);
});
