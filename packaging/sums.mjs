// What a user checks a download with: SHA256SUMS, and its signature by the key of whoever releases.
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../scripts/sources.mjs';
import { sha256 } from './papers.mjs';

const PUBLIC_KEY = join(ROOT, 'packaging/release-key.pub.pem');

/**
 * @param names of files in the directory
 * @param keyFile private Ed25519 key, PEM; undefined: nothing is signed
 * @returns the names of the files written
 */
export function writeSums(directory, names, keyFile) {
  const sums = names
    .toSorted()
    .map((name) => `${sha256(readFileSync(join(directory, name)))}  ${name}\n`)
    .join('');
  writeFileSync(join(directory, 'SHA256SUMS'), sums);
  if (keyFile === undefined) return ['SHA256SUMS'];
  writeFileSync(join(directory, 'SHA256SUMS.sig'), sign(null, Buffer.from(sums), releaseKey(keyFile)));
  return ['SHA256SUMS', 'SHA256SUMS.sig'];
}

/** @throws Error when it is not the one whose public half users have */
export function releaseKey(file) {
  const key = createPrivateKey(readFileSync(file));
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`${file} is no Ed25519 key.`);
  const half = createPublicKey(key).export({ type: 'spki', format: 'pem' });
  if (existsSync(PUBLIC_KEY) && readFileSync(PUBLIC_KEY, 'utf8').trim() !== half.trim()) {
    throw new Error(`${file} is not the key whose public half is packaging/release-key.pub.pem.`);
  }
  return key;
}
