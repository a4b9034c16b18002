import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from '../../../src/lab/project-root';

const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [join(PROJECT_ROOT, 'bench', 'methods.mjs'), ...args]);

it.each([
  [['--size', '64'], "'64' is not a size such as 64MiB"],
  [['--size', '1GiB,big'], "'big' is not a size"],
  [['--method', 'tar'], "there is no method 'tar'"],
  [['--runs', '0'], "--runs: '0' is not a whole number above 0"],
  [['--more'], "Unknown option '--more'"],
])('the benchmark of the methods starts nothing for %j', async (args, problem) => {
  await expect(run(...args)).rejects.toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(new RegExp(`${problem.replaceAll(/[.*]/g, '.')}[^]*usage: `)) as string,
  });
});
