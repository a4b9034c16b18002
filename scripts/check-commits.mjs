#!/usr/bin/env node
// Refuses messages that the changelog can't be made from: npm run check:commits -- main..HEAD
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLIFF = join(dirname(fileURLToPath(import.meta.url)), '../node_modules/.bin/git-cliff');

const [range = 'main..HEAD'] = process.argv.slice(2);
const env = {
  ...process.env,
  GIT_CLIFF__GIT__REQUIRE_CONVENTIONAL: 'true',
  GIT_CLIFF__GIT__FILTER_UNCONVENTIONAL: 'false',
  GIT_CLIFF__GIT__FAIL_ON_UNMATCHED_COMMIT: 'true',
};
const { status, stderr } = spawnSync(CLIFF, [range], { env, encoding: 'utf8' });
if (status !== 0) {
  const reasons = stderr.split('\n').filter((line) => line.includes('Commit ') || line.startsWith('Error:'));
  console.error(reasons.join('\n') || stderr);
  console.error('Messages have the form `type(scope): subject`; CONTRIBUTING.md lists the types.');
  process.exitCode = 1;
}
