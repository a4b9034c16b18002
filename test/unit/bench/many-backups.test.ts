import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from '../../../src/lab/project-root';

it.each([
  [['--count', '5'], "'5' is not a whole number from 10 on"],
  [['--count', 'many'], "'many' is not a whole number"],
  [['--more'], "Unknown option '--more'"],
])('the benchmark of many backups starts nothing for %j', async (args, problem) => {
  const script = join(PROJECT_ROOT, 'bench', 'many-backups.mjs');

  await expect(promisify(execFile)(process.execPath, [script, ...args])).rejects.toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining(problem) as string,
  });
});
