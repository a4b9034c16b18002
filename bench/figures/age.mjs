// Encryption and decryption by age, CPU for --size of bytes that don't compress.
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuOf, measured, peer } from '../peers.mjs';
import { MIB, sizeText } from '../shared.mjs';

const require = createRequire(import.meta.url);
const PROGRAM = fileURLToPath(new URL('age-process.mjs', import.meta.url));

export const usesLab = false;

export async function measure({ size, runs }) {
  const { ageProgram } = require('../../dist/test/support/age-program.js');
  const { generateIdentity } = require('../../dist/src/crypto/age.js');
  const age = await ageProgram();
  const { recipient, identity } = await generateIdentity();
  const directory = mkdtempSync(fileURLToPath(new URL('../../dist/bench-', import.meta.url)));
  try {
    const [plain, sealed, key] = ['plain', 'sealed', 'key'].map((name) => join(directory, name));
    writeFileSync(plain, randomFillSync(Buffer.alloc(size)));
    writeFileSync(key, `${identity}\n`, { mode: 0o600 });
    measured([peer('age-encrypt.sh'), age, recipient, plain, sealed], process.env, true);
    const own = (what, input, word) => cpuOf([process.execPath, PROGRAM, what, input, word], runs);
    const target = 0.25 * (size / (64 * MIB));
    return [
      {
        figure: `encrypt ${sizeText(size)}, with the start of Node`,
        unit: 'CPU s',
        target: target + 0.2,
        values: own('encrypt', plain, recipient),
        peer: { name: 'age', values: cpuOf([peer('age-encrypt.sh'), age, recipient, plain, '/dev/null'], runs) },
      },
      {
        figure: `decrypt ${sizeText(size)}, with the start of Node`,
        unit: 'CPU s',
        target: target + 0.2,
        values: own('decrypt', sealed, key),
        peer: { name: 'age', values: cpuOf([peer('age-decrypt.sh'), age, key, sealed], runs) },
      },
    ];
  } finally {
    rmSync(directory, { recursive: true });
  }
}
