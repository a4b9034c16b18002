import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stagingDirectory, sweepStaging } from '../../../src/repository/staging';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const OVER = '019ab3c4-0000-7000-8000-000000000001';
const OPEN = '019ab3c4-0000-7000-8000-000000000002';

test('what backups that are over have left is removed, of every cluster; all else stays', async () => {
  for (const [cluster, run] of [
    ['lab', OVER],
    ['lab', OPEN],
    ['lab', "x' OR '1'='1"],
    ['prod', OVER],
  ] as const) {
    const directory = inTest('staging', cluster, run);
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'snapshot.snap.age'), 'half');
  }
  await writeFile(inTest('staging', 'note'), 'of a person');
  const asked: string[] = [];

  const over = await sweepStaging(inTest(), async (run) => {
    asked.push(run);
    return run === OVER;
  });

  expect(over).toEqual([OVER, OVER]);
  expect(new Set(asked)).toEqual(new Set([OVER, OPEN]));
  expect((await readdir(inTest('staging', 'lab'))).sort()).toEqual([OPEN, "x' OR '1'='1"]);
  expect(await readdir(inTest('staging', 'prod'))).toEqual([]);
  expect(await readdir(inTest('staging'))).toContain('note');
});

test.each([
  ['prod', '..'],
  ['..', OVER],
  ['../../etc', OVER],
  ['/etc', OVER],
  ['prod', '../../reports'],
  ['away', OVER],
])('nothing is staged for %s, %s', async (cluster, run) => {
  await mkdir(inTest('staging'));
  await mkdir(inTest('outside'));
  await symlink(inTest('outside'), inTest('staging', 'away'));

  await expect(stagingDirectory(inTest(), cluster, run)).rejects.toMatchObject({ code: 'InvalidInput' });
});

test('a controller that never backed up has nothing to remove', async () => {
  expect(await sweepStaging(inTest(), async () => true)).toEqual([]);
});
