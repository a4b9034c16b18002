// Node.js for an installation, as the npm registry has it; its version and hash are in packaging/node/package-lock.json.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { ROOT } from '../scripts/sources.mjs';

const run = promisify(execFile);
const LOCK = JSON.parse(readFileSync(join(ROOT, 'packaging/node/package-lock.json'), 'utf8')).packages;
const WANTED = ['bin/node', 'LICENSE'];

/** @returns `{ name, version, integrity, license }` of the package of Node for a processor */
export function nodePackage(arch) {
  const name = `node-linux-${arch}`;
  const { version, integrity, license } = LOCK[`node_modules/${name}`];
  return { name, version, integrity, license };
}

/** @returns `{ program, license }`, bytes */
export async function fetchNode(arch) {
  const { name, version, integrity } = nodePackage(arch);
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'vault-dr/node');
  const file = join(cache, `${name}-${version}.tgz`);
  mkdirSync(cache, { recursive: true });
  if (!existsSync(file)) await download(`${name}@${version}`, cache, file);
  await refuseUnless(file, integrity);
  const parts = new Map();
  const unpacked = extract();
  unpacked.on('entry', (header, stream, next) => {
    const path = header.name.replace(/^package\//, '');
    const chunks = [];
    stream.on('data', (chunk) => WANTED.includes(path) && chunks.push(chunk));
    stream.on('end', () => {
      if (WANTED.includes(path)) parts.set(path, Buffer.concat(chunks));
      next();
    });
  });
  await pipeline(createReadStream(file), createGunzip(), unpacked);
  const [program, licenseText] = WANTED.map((path) => parts.get(path));
  if (!program || !licenseText) throw new Error(`${name} ${version} has not both of ${WANTED.join(', ')}.`);
  return { program, license: licenseText };
}

async function download(specifier, cache, file) {
  const directory = mkdtempSync(join(cache, 'download-'));
  try {
    const { stdout } = await run('npm', ['pack', specifier, '--json', '--pack-destination', directory]);
    renameSync(join(directory, JSON.parse(stdout)[0].filename), file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function refuseUnless(file, integrity) {
  const hash = createHash('sha512');
  await pipeline(createReadStream(file), hash);
  if (`sha512-${hash.digest('base64')}` === integrity) return;
  rmSync(file);
  throw new Error(`${file} was not what packaging/node/package-lock.json names, and is deleted. Run this again.`);
}
