#!/usr/bin/env node
// Prepares the project (packages, compilation, servers) and runs the demo, the tests or the kill matrix. Plain Node: it
// runs before any package is there.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInForeground, runLogged, runTests, StepFailed, step } from './steps.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const OLDEST_NODE = [20, 19];
const SOURCES = ['src', 'workflows', 'activities', 'test', 'tsconfig.json', 'package-lock.json'];

process.chdir(ROOT);

const [command, ...args] = process.argv.slice(2);
try {
  checkNode();
  if (command === 'demo') process.exitCode = await demo(args);
  else if (command === 'test') process.exitCode = await test(args);
  else if (command === 'chaos') process.exitCode = await chaos(args);
  else throw new StepFailed('usage: node scripts/run.mjs demo|test|chaos [arguments…]', 2);
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  if (error.message) console.error(error.message);
  process.exitCode = error.exitCode;
}

async function demo(demoArgs) {
  await installPackages();
  await compile();
  await ensureServers();
  return runInForeground(process.execPath, ['dist/src/lab/demo/main.js', ...demoArgs]);
}

async function chaos(chaosArgs) {
  await installPackages();
  await compile();
  await ensureServers();
  return runInForeground(process.execPath, ['dist/test/chaos/main.js', ...chaosArgs]);
}

/** With arguments only Jest runs, and gets them. */
async function test(jestArgs) {
  await installPackages();
  await compile();
  if (jestArgs.length > 0) {
    await ensureServers();
    return runJest(jestArgs);
  }
  const failedChecks = [];
  for (const check of ['lint', 'format']) {
    if (!(await passes(check))) failedChecks.push(check);
  }
  await ensureServers();

  const countsFile = join(tmpdir(), `vault-dr-test-counts-${process.pid}.jsonl`);
  try {
    // Two at a time is what two cores bear: end-to-end tests start whole clusters, and nothing runs beside them. The others wait
    // more than they work.
    const codes = [
      await runJest(['--selectProjects', 'unit', 'workflow', 'replay', '--maxWorkers=2'], countsFile),
      await runJest(['--selectProjects', 'e2e', '--maxWorkers=2'], countsFile),
    ];
    for (const check of failedChecks) console.log(`The ${check} check failed, see above.`);
    const { passed, failed } = sumCounts(countsFile);
    const code = codes.find((item) => item !== 0) ?? 0;
    // A run that failed without a failed test did not get as far as running tests.
    console.log(`\n${passed} passed, ${failed || (code === 0 ? 0 : 1)} failed`);
    return code || (failedChecks.length === 0 ? 0 : 1);
  } finally {
    rmSync(countsFile, { force: true });
  }
}

/** Tests still run when a check fails: one look at the output tells all that is wrong. */
async function passes(check) {
  try {
    await step(check, () => runLogged(check, 'npm', ['run', '--silent', `check:${check}`]));
    return true;
  } catch (error) {
    if (!(error instanceof StepFailed) || !error.message) throw error;
    console.log(error.message);
    return false;
  }
}

function runJest(jestArgs, countsFile) {
  const reporters = ['--reporters=default', `--reporters=${join(ROOT, 'test/support/summary-reporter.js')}`];
  // Behind the other options, because Jest takes every word after this one for a reporter; yet before a `--`.
  const end = jestArgs.includes('--') ? jestArgs.indexOf('--') : jestArgs.length;
  const options = jestArgs.toSpliced(end, 0, ...reporters);
  return runTests(process.execPath, ['node_modules/jest/bin/jest.js', ...options], {
    ...(countsFile ? { VAULT_DR_TEST_COUNTS: countsFile } : {}),
  });
}

function sumCounts(countsFile) {
  const lines = existsSync(countsFile) ? readFileSync(countsFile, 'utf8').trim().split('\n') : [];
  const counts = lines.map((line) => JSON.parse(line));
  const sum = (name) => counts.reduce((total, item) => total + item[name], 0);
  return { passed: sum('passed'), failed: sum('failed') };
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new StepFailed(
    `vault-dr needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.version} at ${process.execPath}.`,
  );
}

async function installPackages() {
  // npm writes its own copy of the lock file last of all.
  if (timeOf('node_modules/.package-lock.json') >= timeOf('package-lock.json')) return;
  await step('packages', () => runLogged('packages', 'npm', ['ci', '--no-audit', '--no-fund']));
}

function timeOf(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

async function compile() {
  const stamp = 'dist/.compiled';
  const wanted = hashOfSources();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  rmSync(stamp, { force: true });
  await step('compile', async () => {
    await runLogged('compile', process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.']);
    await runLogged('bundle', process.execPath, ['dist/src/temporal/build-bundle.js']);
  });
  writeFileSync(stamp, wanted);
}

async function ensureServers() {
  const require = createRequire(import.meta.url);
  await step('servers', async (note, signal) => {
    const { ensureServers: ensure } = require(join(ROOT, 'dist/src/lab/servers/servers.js'));
    try {
      await ensure({ onStep: note, signal });
    } catch (error) {
      if (error.name !== 'DrError') throw error;
      throw new StepFailed([error.message, error.advice].filter(Boolean).join('\n'));
    }
  });
}

/** Of names, sizes and times: reading every file would take longer than the rest of a warm start. */
function hashOfSources() {
  const hash = createHash('sha256');
  for (const source of SOURCES) addToHash(hash, source);
  return hash.digest('hex');
}

function addToHash(hash, path) {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) return;
  if (stats.isDirectory()) {
    for (const name of readdirSync(path).sort()) addToHash(hash, join(path, name));
  } else {
    hash.update(`${path}\0${stats.size}\0${stats.mtimeMs}\n`);
  }
}
