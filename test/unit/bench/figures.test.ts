import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compiled, PROJECT_ROOT } from '../../../src/lab/project-root';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const bench = (...args: string[]) =>
  promisify(execFile)(process.execPath, [join(PROJECT_ROOT, 'bench', 'main.mjs'), ...args]);

interface Figure {
  figure: string;
  value: number;
  unit: string;
  target: number | null;
  holds: boolean | null;
}

it.each([
  [['--size', '64'], "'64' is not a size such as 64MiB"],
  [['--only', 'cold-start,warm-end'], "there are no figures 'warm-end'"],
  [['--runs', '0'], "--runs: '0' is not a whole number above 0"],
  [['--more'], "Unknown option '--more'"],
])('the benchmark starts nothing for %j', async (args, problem) => {
  await expect(bench(...args)).rejects.toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(new RegExp(`${problem.replaceAll(/[.*]/g, '.')}[^]*usage: `)) as string,
  });
});

it('measures the start of commands, and each holds its bounds of modules and memory', async () => {
  expect(compiled('src/cli/main.js')).toContain('dist');
  const file = inTest('report.json');

  const { stdout } = await bench('--only', 'cold-start', '--runs', '1', '--report', file);

  const figures = JSON.parse(await readFile(file, 'utf8')) as Figure[];
  const valueOf = (name: string) => figures.find(({ figure }) => figure === name)?.value ?? Number.NaN;
  for (const { figure, value, unit, target, holds } of figures) {
    expect([figure, value > 0, unit !== '']).toEqual([figure, true, true]);
    expect([figure, holds]).toEqual([figure, target === null ? null : value <= target]);
    expect(stdout).toContain(`| ${figure} `);
  }
  // With room; how long it takes depends on what else this machine does.
  expect(valueOf('modules of --help')).toBeLessThan(90);
  expect(valueOf('memory of --help')).toBeLessThan(75);
  expect(valueOf('modules of status')).toBeLessThan(500);
  expect(valueOf('memory of status')).toBeLessThan(120);
  expect(valueOf('memory of backups list')).toBeLessThan(100);
});
