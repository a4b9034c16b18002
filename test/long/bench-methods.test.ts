import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { useDirectory } from '../support/temporary';

const inTest = useDirectory();
const bench = (...args: string[]) =>
  promisify(execFile)(process.execPath, [join(PROJECT_ROOT, 'bench', 'methods.mjs'), ...args]);

interface Figures {
  results: {
    method: string;
    backups: { seconds: number; storedBytes: number; ageAtEndSeconds: number; longestOutageSeconds: number }[];
    writer: Record<'idle' | 'during', { writes: number; errors: number; p50: number; p99: number }>;
    lossSeconds: number;
    restore: { stopToFirstSeconds: number; stopToAllSeconds: number; machineSeconds: number };
  }[];
}

/** Every figure of the docs comes from it, so that it may not fill any in. */
it('measures a method of backup with its restore, on a real cluster, and leaves nothing behind', async () => {
  const file = inTest('report.json');

  const options = ['--size', '256KiB', '--method', 'filesystem', '--runs', '1', '--idle', '1', '--report', file];
  const { stdout } = await bench(...options);

  const { results } = JSON.parse(await readFile(file, 'utf8')) as Figures;
  expect(results.map(({ method }) => method)).toEqual(['filesystem']);
  const [{ backups, writer, lossSeconds, restore }] = results as [Figures['results'][number]];
  const [backup] = backups as [(typeof backups)[number]];
  expect(backup.storedBytes).toBeGreaterThan(256 * 1024);
  // A node was stopped for it, and what was written after that is not in it.
  expect(backup.longestOutageSeconds).toBeGreaterThan(0);
  expect(backup.longestOutageSeconds).toBeLessThan(backup.seconds);
  expect(backup.ageAtEndSeconds).toBeLessThan(backup.seconds);
  expect(lossSeconds).toBeGreaterThan(0);
  expect(lossSeconds).toBeLessThan(backup.seconds);
  for (const { writes, errors, p50, p99 } of Object.values(writer)) {
    expect(writes).toBeGreaterThan(0);
    expect(errors).toBe(0);
    expect(p99).toBeGreaterThanOrEqual(p50);
  }
  expect(restore.stopToFirstSeconds).toBeGreaterThan(0);
  expect(restore.stopToAllSeconds).toBeGreaterThan(restore.stopToFirstSeconds);
  expect(restore.machineSeconds).toBeGreaterThan(restore.stopToAllSeconds);
  expect(stdout).toMatch(/256 KiB +filesystem/);
}, 300_000);
