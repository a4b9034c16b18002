// What the product does to bytes, alone: age-process.mjs encrypt FILE RECIPIENT, or decrypt FILE IDENTITY-FILE
import { createReadStream, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const { decryptFrom, encryptTo } = createRequire(import.meta.url)('../../dist/src/crypto/age.js');
const [what, file, key] = process.argv.slice(2);
const source = createReadStream(file, { highWaterMark: 1024 * 1024 });
const result =
  what === 'encrypt' ? await encryptTo(source, [key]) : await decryptFrom(source, [readFileSync(key, 'utf8').trim()]);
await pipeline(result, new Writable({ write: (_chunk, _encoding, done) => done() }));
