import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createFileAtomically, privateDirectory, readIfThere, writeFileAtomically } from '../../../src/host/files';
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

test('a private directory is private, also when it was there before and open to all', async () => {
  await mkdir(inTest('open'), { mode: 0o755 });

  await privateDirectory(inTest('open'));
  const nested = await privateDirectory(inTest(), 'a', 'b');

  expect(await modeOf(inTest('open'))).toBe(0o700);
  expect(await modeOf(nested)).toBe(0o700);
});

test('a missing file reads as null; anything else that is wrong is an error', async () => {
  await writeFile(inTest('file'), 'text');

  await expect(readIfThere(inTest('none'))).resolves.toBeNull();
  await expect(readIfThere(inTest('file'))).resolves.toBe('text');
  await expect(readIfThere(inTest('file', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});
