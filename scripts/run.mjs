#!/usr/bin/env node
// Prepares the project (packages, compilation, servers) and runs the demo, the tests or the kill matrix. Plain Node: it
// runs before any package is there.
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { JEST, runJest, runJestTwice, withOptions } from './jest.mjs';
import { needsOf } from './needs.mjs';
import { ROOT, source } from './sources.mjs';
import { outputOf, runInForeground, runLogged, StepFailed, step } from './steps.mjs';

const OLDEST_NODE = [20, 19];
const SOURCES = [
  'src',
  'workflows',
  'activities',
  'test',
  'scripts/build-pages.mjs',
  'tsconfig.json',
  'package-lock.json',
];
const TEST_PROJECTS = ['unit', 'workflow', 'replay', 'e2e', 'long', 'attacks'];
/** What `npm test` runs; the long ones have a command of their own. */
const TESTED = TEST_PROJECTS.filter((project) => project !== 'long');
/** Of the attacks the part that takes no longer than a minute or two. */
const SHORT_ATTACKS = 'test/attacks/forged-steps.test.ts';
/** How many test files are named that took longest. */
const SLOWEST = 10;

process.chdir(ROOT);

const [command, ...args] = process.argv.slice(2);
try {
  checkNode();
  if (command === 'demo') process.exitCode = await demo(args);
  else if (command === 'test' && args.length === 0) process.exitCode = await testAll();
  else if (command === 'test') process.exitCode = await testSome(args);
  else if (TEST_PROJECTS.some((project) => command === `test:${project}`)) {
    process.exitCode = await testSome(withOptions(args, ['--selectProjects', command.slice('test:'.length)]));
  } else if (command === 'chaos') process.exitCode = await chaos(args);
  else if (command === 'hosts') process.exitCode = await hosts(args);
  else if (command === 'pictures') process.exitCode = await pictures();
  else throw new StepFailed(`usage: node scripts/run.mjs demo|test|test:PROJECT|chaos|hosts|pictures [arguments…]`, 2);
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

/** It looks for its servers itself: where it can't run none is needed. */
async function hosts(hostsArgs) {
  await installPackages();
  await compile();
  return runInForeground(process.execPath, ['dist/test/hosts/main.js', ...hostsArgs]);
}

async function pictures() {
  await installPackages();
  await compile();
  await ensureServers();
  return runInForeground(process.execPath, ['scripts/pictures/main.mjs']);
}

async function testAll() {
  await installPackages();
  await compile();
  const failedChecks = [];
  for (const check of ['lint', 'format']) {
    if (!(await passes(check))) failedChecks.push(check);
  }
  await ensureServers(needsOf(await filesOf(['--selectProjects', ...TESTED]), ROOT).servers);
  // Nothing runs beside end-to-end tests: they start whole clusters.
  const results = [
    await runJest(['--selectProjects', 'unit', 'workflow', 'replay']),
    await runJestTwice(['test/e2e/', SHORT_ATTACKS], ['--selectProjects', 'e2e', 'attacks']),
  ];
  for (const check of failedChecks) console.log(`The ${check} check failed, see above.`);
  return summarise(results) || (failedChecks.length === 0 ? 0 : 1);
}

/** Only Jest runs, and gets the arguments; only what its tests need is prepared. */
async function testSome(jestArgs) {
  await installPackages();
  const { compiled, servers } = needsOf(await filesOf(jestArgs), ROOT);
  if (compiled) await compile();
  if (servers.length > 0) await ensureServers(servers);
  return summarise([await runJest(jestArgs)]);
}

/** What Jest itself would run. With arguments that it does not take it says so when it runs. */
async function filesOf(jestArgs) {
  const output = await outputOf(process.execPath, [JEST, ...withOptions(jestArgs, ['--listTests', '--json'])]);
  return output?.startsWith('[') ? JSON.parse(output) : [];
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

/** The last line must be enough for those who read only that. */
function summarise(results) {
  const files = results.flatMap((item) => item.files).toSorted((one, other) => other.seconds - one.seconds);
  if (files.length > SLOWEST) {
    console.log('\nThe slowest files:');
    for (const { file, seconds } of files.slice(0, SLOWEST))
      console.log(`${seconds.toFixed(0).padStart(6)} s  ${file}`);
  }
  for (const file of results.flatMap(({ unsteady = [] }) => unsteady)) {
    console.log(`\nUnsteady, to be looked into: ${file} failed, and passed when it ran alone.`);
  }
  const sum = (name) => results.reduce((total, item) => total + item[name], 0);
  console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`);
  return results.find(({ code }) => code !== 0)?.code ?? 0;
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
  if (hasPackages()) return;
  if (lstatSync('node_modules', { throwIfNoEntry: false })?.isSymbolicLink()) {
    // `npm ci` would empty the target, which others may be using.
    console.log(`packages   differ from package-lock.json: node_modules is a link to ${realpathSync('node_modules')}`);
    return;
  }
  await step('packages', () => runLogged('packages', 'npm', ['ci', '--no-audit', '--no-fund']));
}

/** By content: another branch or a new worktree makes the lock file newer, and changes nothing else. */
function hasPackages() {
  // npm writes its own copy of the lock file last of all; it leaves out what this platform has no use for.
  if (!existsSync('node_modules/.package-lock.json')) return false;
  const [wanted, there] = ['package-lock.json', 'node_modules/.package-lock.json'].map(
    (file) => JSON.parse(readFileSync(file, 'utf8')).packages,
  );
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || there[path]?.version === version || (optional && !there[path]),
  );
}

async function compile() {
  const stamp = 'dist/.compiled';
  const wanted = hashOfSources();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  // Leftovers of a moved file would be used instead of the folder in its place.
  rmSync('dist', { recursive: true, force: true });
  await step('compile', async () => {
    await runLogged('compile', process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.']);
    await runLogged('bundle', process.execPath, ['dist/src/temporal/build-bundle.js']);
    await runLogged('pages', process.execPath, ['scripts/build-pages.mjs', 'dist']);
  });
  writeFileSync(stamp, wanted);
}

/** @param names those that every lab needs when it is left out */
async function ensureServers(names) {
  await step('servers', async ({ note, passing }, signal) => {
    // From the source: workflow tests need a server, and nothing that is compiled.
    const { ensureServers: ensure } = source('src/lab/servers/servers.ts');
    try {
      await ensure({ names, onStep: note, onProgress: passing, signal });
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
