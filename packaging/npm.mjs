// The package for npm: compiled, and with the versions of all that it depends on.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ROOT } from '../scripts/sources.mjs';
import { tarOf } from './archive.mjs';
import { MANIFEST } from './commit.mjs';
import { shippedPackages } from './packages.mjs';
import { billOfMaterials, commandPapers, json } from './papers.mjs';
import { installedManifest, made, own, programFiles, sharedFiles, sorted } from './tree.mjs';

/** `npm install -g` of it gives the command, and the packages of `npm-shrinkwrap.json` whatever is newer. */
export async function npmOf(compiled, { time }) {
  const { manual } = commandPapers(time);
  const entries = sorted([
    ...programFiles(compiled, '.').filter(({ path }) => path !== 'package.json'),
    made('package.json', json({ ...installedManifest(), man: ['man/vault-dr.1'] })),
    made('npm-shrinkwrap.json', json(shrinkwrap())),
    made('man/vault-dr.1', manual),
    made('sbom.cdx.json', billOfMaterials(shippedPackages(), null, time)),
    ...sharedFiles('share'),
    own('LICENSE', 'LICENSE'),
    own('README.md', 'README.md'),
  ]);
  return gzipSync(await tarOf(entries, 'package/', time), { level: 9 });
}

export function npmName() {
  return `vault-dr-${MANIFEST.version}.tgz`;
}

/** The lock file without what only developers need. */
function shrinkwrap() {
  const { packages, ...rest } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const { devDependencies: _, ...root } = packages[''];
  const kept = Object.entries(packages).filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional);
  return { ...rest, packages: { '': root, ...Object.fromEntries(kept) } };
}
