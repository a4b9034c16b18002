// The packages of the lock file that an installation needs, and of each the files that Node loads.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from '../scripts/sources.mjs';
import { CORE_BRIDGE, NOT_RUNTIME, NOT_RUNTIME_OF, NOT_SHIPPED, ONLY_OF, RUNTIME_FILE } from './contents.mjs';

const LOCK = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;

/**
 * Those that are there for every platform; native ones of one platform are left out but for Temporal's.
 * @returns `{ path, name, version, license, integrity }` of each, path from the root
 */
export function shippedPackages() {
  return Object.entries(LOCK)
    .filter(([path, { dev, devOptional, os, cpu }]) => path !== '' && !dev && !devOptional && !os && !cpu)
    .map(([path, entry]) => ({ path, name: path.split('node_modules/').at(-1), ...entry }))
    .filter(({ name }) => !NOT_SHIPPED.some((prefix) => name.startsWith(prefix)))
    .map((item) => asInstalled(item))
    .map(({ path, name, version, license, integrity }) => ({ path, name, version, license, integrity }))
    .toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

function asInstalled(item) {
  const manifest = join(ROOT, item.path, 'package.json');
  const there = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : 'nothing';
  if (there === item.version) return item;
  throw new Error(`${item.path} has ${there}, and package-lock.json ${item.version}. Run: npm ci`);
}

/** @returns paths from the root of the project */
export function filesOfPackage({ path, name }, arch) {
  const only = ONLY_OF[name];
  const without = NOT_RUNTIME_OF[name] ?? [];
  const isLoaded = (file) =>
    only?.test(file) ??
    (RUNTIME_FILE.test(file) &&
      !/\.d\.[cm]?ts$/.test(file) &&
      !NOT_RUNTIME.test(file) &&
      !without.some((folder) => file.startsWith(`${folder}/`)));
  const files = filesIn(join(ROOT, path)).filter(isLoaded);
  const core = name === '@temporalio/core-bridge' ? [CORE_BRIDGE[arch]] : [];
  return [...files, ...core].map((file) => `${path}/${file}`);
}

/** Without packages inside of the package, which the lock file names themselves. */
function filesIn(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .filter((file) => !/(^|\/)node_modules\//.test(file))
    .toSorted();
}
