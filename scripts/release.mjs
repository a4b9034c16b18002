#!/usr/bin/env node
// Makes a release of what is committed: version, changelog, what was recorded, commit and tag. Pushes nothing.
//   npm run release -- [--dry-run] [--version 1.2.3]
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { commitsIn, TYPES } from './commits.mjs';
import { writingCode } from './writing-code.mjs';

const FIRST = '0.1.0';
const BREAKING = 'Breaking changes';
const CHANGELOG = 'CHANGELOG.md';
const HISTORIES = 'test/replay/histories';
/** What the released version writes, for tests of later ones: recorded before it has its number. */
const ARTEFACTS = 'test/releases';
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
  const artefacts = artefactsProblem();
  if (artefacts !== null && !dryRun) throw new Refused(artefacts);
  const changelog = await releasedChangelog(readFileSync(CHANGELOG, 'utf8'), version);
  if (dryRun) {
    console.log(sectionOf(changelog, version));
    console.log(`Would release ${tag}: copy ${histories.length} histories to ${HISTORIES}/${version}, commit and tag.`);
    const problem = artefactsProblem();
    if (problem !== null) console.log(`Not yet: ${problem}`);
    return;
  }
  run('npm', 'version', version, '--no-git-tag-version', '--allow-same-version');
  writeFileSync(CHANGELOG, changelog);
  mkdirSync(join(HISTORIES, version));
  for (const name of histories) copyFileSync(join(HISTORIES, name), join(HISTORIES, version, name));
  renameSync(join(ARTEFACTS, 'next'), join(ARTEFACTS, version));
  run('git', 'add', '--all', 'package.json', 'package-lock.json', CHANGELOG, HISTORIES, ARTEFACTS);
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

/** @returns why what the version writes is not recorded; null if it is */
function artefactsProblem() {
  const toDo = 'Run `npm run record:release`, and commit what it writes.';
  const file = join(ARTEFACTS, 'next/release.json');
  if (!existsSync(file)) return `${ARTEFACTS}/next is missing. ${toDo}`;
  const now = writingCode();
  const old = Object.entries(JSON.parse(readFileSync(file, 'utf8'))).find(([, { code }]) => code !== now);
  return old === undefined ? null : `${ARTEFACTS}/next/${old[0]} was written by other code. ${toDo}`;
}

/** The newest tag of a version that leads to HEAD; null before the first release. */
function lastTag() {
  return run('git', 'tag', '--merged', 'HEAD', '--list', 'v[0-9]*', '--sort=-version:refname').split('\n')[0] || null;
}

function unreleased() {
  const last = lastTag();
  return commitsIn(last === null ? 'HEAD' : `${last}..HEAD`);
}

/** By the commits since the last release. Until 1.0.0 a breaking change raises the minor version. */
function nextVersion() {
  const last = lastTag();
  if (last === null) return FIRST;
  const [major, minor, patch] = last.slice(1).split('.').map(Number);
  const commits = unreleased();
  if (major > 0 && commits.some(({ isBreaking }) => isBreaking)) return `${major + 1}.0.0`;
  if (commits.some(({ type, isBreaking }) => type === 'feat' || isBreaking)) return `${major}.${minor + 1}.0`;
  return `${major}.${minor}.${patch + 1}`;
}

/** What the commits say, under a heading for each kind. */
function commitSections() {
  const listed = unreleased().flatMap((commit) => {
    const heading = commit.isBreaking ? BREAKING : TYPES[commit.type ?? ''];
    return heading ? [{ ...commit, heading }] : [];
  });
  const headings = [BREAKING, ...Object.values(TYPES)].filter((name) => listed.some(({ heading }) => heading === name));
  return headings
    .map((name) => {
      const lines = listed.filter(({ heading }) => heading === name).map(lineOf);
      return [`#### ${name}`, '', ...lines].join('\n');
    })
    .join('\n\n');
}

function lineOf({ hash, scope, subject }) {
  return `- ${scope ? `**${scope}:** ` : ''}${subject} (${hash.slice(0, 7)})`;
}

/** What was written by hand comes first, what the commits say below it. */
async function releasedChangelog(text, version) {
  const [before, after] = text.split(`${UNRELEASED}\n`);
  if (after === undefined) throw new Refused(`${CHANGELOG} has no heading "${UNRELEASED}".`);
  const end = after.search(/^## /m);
  const [written, earlier] = end === -1 ? [after, ''] : [after.slice(0, end), after.slice(end)];
  const commits = commitSections();
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

function run(program, ...args) {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}
