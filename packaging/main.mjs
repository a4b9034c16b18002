#!/usr/bin/env node
// Makes the packages of the project.
//   npm run package -- [--only deb,rpm,tar,npm,image] [--arch x64,arm64] [--output DIRECTORY] [--level 0…9] [--key FILE]
//   npm run package -- --only image [--base IMAGE]     on another image than that of docker/Dockerfile
//   npm run package -- --only tree --output DIRECTORY  the files of the image, for a build of docker/Dockerfile
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../scripts/sources.mjs';
import { tarOf, xz } from './archive.mjs';
import { commitTime, MANIFEST, uncommitted } from './commit.mjs';
import { compile } from './compile.mjs';
import { ARCHITECTURES, LARGEST_BYTES, LARGEST_IMAGE_BYTES } from './contents.mjs';
import { debName, debOf } from './deb.mjs';
import { canBuild, imageFile, imageOf, imageTree, writeTree } from './image.mjs';
import { npmName, npmOf } from './npm.mjs';
import { sha256 } from './papers.mjs';
import { rpmName, rpmOf } from './rpm.mjs';
import { releaseKey, writeSums } from './sums.mjs';
import { installedTree } from './tree.mjs';

const KINDS = ['deb', 'rpm', 'tar', 'npm', 'image'];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    arch: { type: 'string' },
    output: { type: 'string', default: join(ROOT, 'build/packages') },
    level: { type: 'string', default: '6' },
    base: { type: 'string' },
    // Signs SHA256SUMS. In the environment for those who keep it in a file of a job.
    key: { type: 'string', default: process.env.VAULT_DR_RELEASE_KEY_FILE },
  },
});
const kinds = chosen(values.only, KINDS, '--only', ['tree']);
const arches = chosen(values.arch, Object.keys(ARCHITECTURES), '--arch');
const options = { time: commitTime(), level: values.level, base: values.base };

if (process.env.SOURCE_DATE_EPOCH === undefined && uncommitted().length > 0) {
  console.error('Not everything is committed: nobody else can make the same packages.');
}
// Not after an hour of packing.
if (values.key !== undefined) releaseKey(values.key);
const written = [];
const compiled = await compile();
try {
  mkdirSync(values.output, { recursive: true });
  for (const arch of arches) await makeFor(arch);
  if (kinds.includes('npm')) write(npmName(), await npmOf(compiled, options));
  if (written.length > 0) console.log(writeSums(values.output, written, values.key).join(', '));
} finally {
  rmSync(compiled, { recursive: true });
}

async function makeFor(arch) {
  if (kinds.includes('deb') || kinds.includes('rpm')) {
    const tree = await installedTree(compiled, arch, '/usr');
    if (kinds.includes('deb')) write(debName(arch), await debOf(tree, arch, options));
    if (kinds.includes('rpm')) write(rpmName(arch), await rpmOf(tree, arch, options));
  }
  if (kinds.includes('tar')) {
    const name = `vault-dr-${MANIFEST.version}-linux-${arch}`;
    const tree = await installedTree(compiled, arch, '/usr/local');
    write(`${name}.tar.xz`, await xz(await tarOf(tree, `${name}/`, options.time), options.level));
  }
  if (kinds.includes('tree')) writeTree(await imageTree(compiled, arch), values.output);
  if (kinds.includes('image')) await makeImage(arch);
}

/** Without podman, or for another processor, only who has asked for it hears that there is none. */
async function makeImage(arch) {
  if (canBuild(arch))
    write(imageFile(arch), await imageOf(await imageTree(compiled, arch), options), LARGEST_IMAGE_BYTES);
  else if (values.only === undefined)
    console.log(`No image for ${arch}: that takes podman, on a machine of that kind.`);
  else throw new Error(`An image for ${arch} takes podman, on a machine of that kind.`);
}

function write(name, bytes, largest = LARGEST_BYTES) {
  // A quick build of a test is larger, and for nobody.
  if (Number(options.level) >= 6 && bytes.length > largest) {
    throw new Error(`${name} has ${bytes.length} bytes, more than ${largest}: see packaging/contents.mjs.`);
  }
  writeFileSync(join(values.output, name), bytes);
  written.push(name);
  console.log(`${sha256(bytes)}  ${name}  ${(bytes.length / 1e6).toFixed(1)} MB`);
}

/** @param more are only made for who asks */
function chosen(words, known, option, more = []) {
  const list = words?.split(',') ?? known;
  const wrong = list.find((word) => ![...known, ...more].includes(word));
  if (wrong === undefined) return list;
  throw new Error(`${option} ${wrong}: known are ${known.join(', ')}.`);
}
