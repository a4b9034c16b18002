// Runs Jest, and counts what it ran.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './sources.mjs';
import { runTests } from './steps.mjs';

export const JEST = 'node_modules/jest/bin/jest.js';
/** With more of them than this, it is not the machine. */
const MOST_AGAIN = 3;

/**
 * Runs tests, and the files that fail, if they are few, once more, one after the other with nothing beside them: on a machine
 * that is too busy for whole clusters that tells its slowness from a defect. Those that pass then are named as unsteady.
 *
 * @param patterns of paths of test files
 * @param options of Jest
 */
export async function runJestTwice(patterns, options) {
  const first = await runJest([...patterns, ...options]);
  const failed = first.files.filter((file) => file.failed > 0);
  if (failed.length === 0 || failed.length > MOST_AGAIN) return first;
  const names = failed.map(({ file }) => file);
  console.log(`\nFailed, and run again by themselves: ${names.join(', ')}`);
  const paths = names.map((name) => join(ROOT, name));
  const second = await runJest([...paths, '--runTestsByPath', '--runInBand', ...options]);
  const kept = first.files.filter((file) => !failed.includes(file));
  return {
    code: second.code,
    passed: kept.reduce((sum, file) => sum + file.passed, second.passed),
    failed: second.failed,
    files: [...kept, ...second.files],
    unsteady: second.files.filter((file) => file.failed === 0).map(({ file }) => file),
  };
}

/** @returns its exit code, how many tests have passed and failed, in all and by file, and how long each file took */
export async function runJest(jestArgs) {
  const countsFile = join(tmpdir(), `vault-dr-test-counts-${process.pid}.json`);
  const reporters = ['--reporters=default', `--reporters=${join(ROOT, 'test/support/summary-reporter.js')}`];
  try {
    const environment = { VAULT_DR_TEST_COUNTS: countsFile };
    const code = await runTests(process.execPath, [JEST, ...withOptions(jestArgs, reporters)], environment);
    const counts = existsSync(countsFile)
      ? JSON.parse(readFileSync(countsFile, 'utf8'))
      : { passed: 0, failed: 0, files: [] };
    // A run that failed without a failed test did not get as far as running tests.
    return { ...counts, code, failed: counts.failed || (code === 0 ? 0 : 1) };
  } finally {
    rmSync(countsFile, { force: true });
  }
}

/** Behind the other options, because Jest takes every word after some of these for one more of them; yet before a `--`. */
export function withOptions(jestArgs, options) {
  const end = jestArgs.includes('--') ? jestArgs.indexOf('--') : jestArgs.length;
  return jestArgs.toSpliced(end, 0, ...options);
}
