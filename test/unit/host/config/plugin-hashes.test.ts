import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { hashesIn } from '../../../../src/host/config/plugin-hashes';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const hashOf = (content: string) => createHash('sha256').update(content).digest('hex');
const hashes = async (withinMs?: number) => hashesIn(inTest('.'), await readdir(inTest('.')), withinMs);

it('are those of the files, also after one has changed without another length or time', async () => {
  await writeFile(inTest('one'), 'abc');
  await writeFile(inTest('two'), 'abc');
  const then = new Date('2026-01-01T00:00:00Z');
  await utimes(inTest('one'), then, then);
  const before = await hashes();
  await writeFile(inTest('one'), 'abd');
  await utimes(inTest('one'), then, then);

  expect(before).toEqual({ sha256: [hashOf('abc')], unhashed: 0 });
  expect((await hashes()).sha256.toSorted()).toEqual([hashOf('abc'), hashOf('abd')].toSorted());
});

it('follow no link, and wait for no pipe', async () => {
  await writeFile(inTest('one'), 'abc');
  await symlink('/etc/passwd', inTest('link'));
  execFileSync('mkfifo', [inTest('pipe')]);

  expect(await hashes()).toEqual({ sha256: [hashOf('abc')], unhashed: 0 });
});

it('say what was not hashed: directories, what is too large, what there are too many of, what there was no time for', async () => {
  await mkdir(inTest('directory'));
  await writeFile(inTest('large'), '');
  await truncate(inTest('large'), 1024 ** 3 + 1);
  expect(await hashes()).toEqual({ sha256: [], unhashed: 2 });

  await Promise.all(Array.from({ length: 110 }, (_, at) => writeFile(inTest(`plugin-${at}`), 'abc')));
  expect((await hashes()).unhashed).toBeGreaterThanOrEqual(10);
});

it('come later where there was no time', async () => {
  await writeFile(inTest('a'), 'x'.repeat(30 * 1024 ** 2));
  const early = await hashes(0);
  const late = await hashes(30_000);

  expect(early).toEqual({ sha256: [], unhashed: 1 });
  expect(late).toMatchObject({ unhashed: 0 });
});
