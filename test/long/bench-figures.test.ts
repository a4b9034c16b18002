import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { useDirectory } from '../support/temporary';

const inTest = useDirectory();

it('measures a running installation: memory, requests and events hold their bounds', async () => {
  const file = inTest('report.json');
  const args = ['--only', 'memory,s3-requests,history', '--runs', '1', '--report', file];

  await promisify(execFile)(process.execPath, [join(PROJECT_ROOT, 'bench', 'main.mjs'), ...args]);

  const figures = JSON.parse(await readFile(file, 'utf8')) as { figure: string; value: number }[];
  const valueOf = (name: string) => figures.find(({ figure }) => figure === name)?.value ?? Number.NaN;
  // With room above what was measured, and below what it was before: no times.
  expect(valueOf('memory of an idle agent')).toBeLessThan(125);
  expect(valueOf('memory of an agent in a small backup, peak')).toBeLessThan(135);
  expect(valueOf('memory of an idle controller')).toBeLessThan(180);
  expect(valueOf('memory of a controller in a small backup, peak')).toBeLessThan(240);
  expect(valueOf('events of a backup')).toBeLessThan(85);
  expect(valueOf('S3 requests of a small backup')).toBeLessThan(36);
}, 300_000);
