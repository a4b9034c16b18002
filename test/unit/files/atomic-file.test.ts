import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createFileAtomically, removeWithTraces, writeFileAtomically } from '../../../src/files/atomic-file';
import { ownIdentity } from '../../../src/files/process-identity';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

test('a file is replaced whole, is only for its owner and leaves nothing beside it', async () => {
  await Promise.all(['a', 'b', 'c'].map((letter) => writeFileAtomically(inTest('file'), letter.repeat(100_000))));

  expect(await readFile(inTest('file'), 'utf8')).toMatch(/^(a{100000}|b{100000}|c{100000})$/);
  expect(await modeOf(inTest('file'))).toBe(0o600);
  expect(await readdir(inTest())).toEqual(['file']);
});

test('a write that fails leaves the old content and nothing beside it', async () => {
  await mkdir(inTest('file'));

  await expect(writeFileAtomically(inTest('file'), 'x')).rejects.toMatchObject({ code: 'EISDIR' });

  expect(await readdir(inTest())).toEqual(['file']);
});

test('of several that create a file the first one wins', async () => {
  await createFileAtomically(inTest('file'), 'first');
  await createFileAtomically(inTest('file'), 'second');

  expect(await readFile(inTest('file'), 'utf8')).toBe('first');
  expect(await readdir(inTest())).toEqual(['file']);
});

describe('what a writer has left that was killed', () => {
  let dead: string;
  let alive: string;
  beforeEach(async () => {
    const own = (await ownIdentity()) ?? '';
    dead = `file.${own.replace(/\d+$/, '1')}.c9ece966ca92.tmp`;
    alive = `file.${own}.c9ece966ca92.tmp`;
    for (const name of [dead, alive, `other.${dead}`]) await writeFile(inTest(name), 'half');
  });

  it.each([writeFileAtomically, createFileAtomically])(
    'goes with the next write by %p, of this file only',
    async (write) => {
      await write(inTest('file'), 'x');

      expect((await readdir(inTest())).toSorted()).toEqual(['file', alive, `other.${dead}`].toSorted());
    },
  );

  it('goes with the file when that is removed for good, whoever wrote it', async () => {
    await writeFileAtomically(inTest('file'), 'x');

    await removeWithTraces(inTest('file'));

    expect(await readdir(inTest())).toEqual([`other.${dead}`]);
  });
});
