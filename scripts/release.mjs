#!/usr/bin/env node
// Makes a release of what is committed: version, changelog, recorded histories, commit and tag. Pushes nothing.
//   npm run release -- [--dry-run] [--version 1.2.3]
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format } from 'prettier';

const CLIFF = join(dirname(fileURLToPath(import.meta.url)), '../node_modules/.bin/git-cliff');
const CHANGELOG = 'CHANGELOG.md';
const HISTORIES = 'test/replay/histories';
const UNRELEASED = '## [Unreleased]';

class Refused extends Error {}

try {
  const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean' }, version: { type: 'string' } } });
  await release(values.version ?? nextVersion(), values['dry-run'] === true);
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function release(version, dryRun) {
  const tag = `v${version}`;
  const histories = readdirSync(HISTORIES).filter((name) => name.endsWith('.json'));
  refuseUnlessReady(version, tag);
  const changelog = await releasedChangelog(readFileSync(CHANGELOG, 'utf8'), version);
  if (dryRun) {
    console.log(sectionOf(changelog, version));
    console.log(`Would release ${tag}: copy ${histories.length} histories to ${HISTORIES}/${version}, commit and tag.`);
    return;
  }
  run('npm', 'version', version, '--no-git-tag-version', '--allow-same-version');
  writeFileSync(CHANGELOG, changelog);
  mkdirSync(join(HISTORIES, version));
  for (const name of histories) copyFileSync(join(HISTORIES, name), join(HISTORIES, version, name));
  run('git', 'add', 'package.json', 'package-lock.json', CHANGELOG, HISTORIES);
  run('git', 'commit', '--quiet', '--message', `chore(release): ${tag}`);
  run('git', 'tag', '--annotate', tag, '--message', tag);
  console.log(`Released ${tag}. To publish it: git push --follow-tags`);
}

function refuseUnlessReady(version, tag) {
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Refused(`${version} is not a version such as 1.2.3.`);
  if (run('git', 'status', '--porcelain') !== '')
    throw new Refused('There are uncommitted changes. Commit or stash them.');
  if (run('git', 'tag', '--list', tag) !== '') throw new Refused(`${tag} is already released.`);
  if (existsSync(join(HISTORIES, version))) throw new Refused(`${HISTORIES}/${version} already exists.`);
}

/** By the commits since the last release; the first release is that of cliff.toml. */
function nextVersion() {
  return cliff('--bumped-version').replace(/^v/, '');
}

/** What was written by hand comes first, what the commits say below it. */
async function releasedChangelog(text, version) {
  const [before, after] = text.split(`${UNRELEASED}\n`);
  if (after === undefined) throw new Refused(`${CHANGELOG} has no heading "${UNRELEASED}".`);
  const end = after.search(/^## /m);
  const [written, earlier] = end === -1 ? [after, ''] : [after.slice(0, end), after.slice(end)];
  const commits = cliff('--unreleased', '--tag', `v${version}`);
  if (written.trim() === '' && commits === '') throw new Refused('Nothing has changed since the last release.');
  const date = new Date().toISOString().slice(0, 10);
  const made = commits === '' ? '' : `### Commits\n\n${commits}\n`;
  const whole = [`${before}${UNRELEASED}`, `## [${version}] - ${date}`, written.trim(), made, earlier].join('\n\n');
  return format(whole, { parser: 'markdown', printWidth: 120 });
}

function sectionOf(changelog, version) {
  const section = changelog.slice(changelog.indexOf(`## [${version}]`));
  const next = section.indexOf('\n## ');
  return section.slice(0, next === -1 ? undefined : next).trimEnd();
}

function cliff(...args) {
  return run(CLIFF, ...args);
}

function run(program, ...args) {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}
