// What the commit says that packages are made from.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from '../scripts/sources.mjs';

export const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** Seconds since 1970. Outside of a checkout, as in a container's build, SOURCE_DATE_EPOCH says it. */
export function commitTime() {
  const said = process.env.SOURCE_DATE_EPOCH;
  if (said !== undefined && !/^\d{1,10}$/.test(said)) throw new Error(`SOURCE_DATE_EPOCH is no number: ${said}`);
  return Number(said ?? git('log', '-1', '--format=%ct').trim());
}

/** Paths that git knows or would take. */
export function uncommitted() {
  return git('status', '--porcelain')
    .split('\n')
    .filter((line) => line !== '' && !line.endsWith(' node_modules'));
}

/** In a container's build, which has no git and only what .dockerignore lets in, whatever is there. */
export function trackedFiles(folder) {
  if (!existsSync(join(ROOT, '.git'))) return filesBelow(join(ROOT, folder));
  return git('ls-files', '-z', '--', folder)
    .split('\0')
    .filter((name) => name !== '')
    .map((name) => name.slice(folder.length + 1));
}

function filesBelow(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)));
}

function git(...args) {
  return execFileSync('git', ['-C', ROOT, ...args], { encoding: 'utf8', maxBuffer: 1 << 26 });
}
