import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { decryptFrom, encryptTo, generateIdentity } from '../../src/crypto/age';
import { ageProgram } from '../support/age-program';
import { useDirectory } from '../support/temporary';

/** Of age. */
const CHUNK = 64 * 1024;
const LENGTHS = [0, 1, ...[1, 2, 3].flatMap((chunks) => [-1, 0, 1].map((more) => chunks * CHUNK + more)), 40 * CHUNK];

const inTest = useDirectory();

it.each(LENGTHS)('files of %i bytes are opened by the stock age, and its files by vault-dr', async (length) => {
  const age = await ageProgram();
  const { identity, recipient } = await generateIdentity();
  const text = randomBytes(length);
  writeFileSync(inTest('identity'), `${identity}\n`, { mode: 0o600 });
  const run = (args: string[], input: Buffer) => execFileSync(age, args, { input, maxBuffer: 2 * length + CHUNK });

  const ours = await buffer(await encryptTo(Readable.from([text], { objectMode: false }), [recipient]));
  const theirs = run(['-r', recipient], text);

  expect(run(['-d', '-i', inTest('identity')], ours).equals(text)).toBe(true);
  expect((await buffer(await decryptFrom(Readable.from([theirs]), [identity]))).equals(text)).toBe(true);
});
