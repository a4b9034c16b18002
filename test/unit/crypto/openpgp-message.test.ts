import { execFileSync } from 'node:child_process';
import { decryptWithGpg } from '../../../src/cli/unseal';
import { openPgpMessage } from '../../../src/crypto/openpgp-message';
import { type GnuPg, makeGnuPg } from '../../support/gnupg';

const SHARE = '3f'.repeat(33);
let holder: GnuPg;
let binary: Buffer;
let armored: Buffer;

beforeAll(async () => {
  holder = await makeGnuPg('holder@example.com');
  const encrypt = (...args: string[]) =>
    execFileSync(
      'gpg',
      ['--homedir', holder.home, '--batch', '--trust-model', 'always', '--recipient', holder.fingerprint, ...args],
      { input: SHARE, stdio: ['pipe', 'pipe', 'ignore'] },
    );
  binary = encrypt('--encrypt');
  armored = encrypt('--armor', '--encrypt');
});
afterAll(() => holder.stop());

const lines = (text: string, end: string) => text.match(/.{1,64}/g)!.join(end) + end;
const forms: [string, () => Buffer][] = [
  ['binary', () => binary],
  ['armored', () => armored],
  ['armored, below what a mail program wrote', () => Buffer.concat([Buffer.from('Hi,\r\n\r\n'), armored])],
  ['base64', () => Buffer.from(binary.toString('base64'))],
  ['base64 in lines, from another system', () => Buffer.from(`\ufeff${lines(binary.toString('base64'), '\r\n')}`)],
  ['base64 of an armored one', () => Buffer.from(armored.toString('base64'))],
  ['base64 as URLs have it', () => Buffer.from(binary.toString('base64url'))],
  ['hexadecimal', () => Buffer.from(`${binary.toString('hex')}\n`)],
  ['hexadecimal in capitals and lines', () => Buffer.from(lines(binary.toString('hex').toUpperCase(), '\n'))],
];

test.each(forms)('a share that is %s is decrypted', async (_form, make) => {
  const before = process.env['GNUPGHOME'];
  process.env['GNUPGHOME'] = holder.home;
  try {
    await expect(decryptWithGpg(make())).resolves.toBe(SHARE);
  } finally {
    if (before === undefined) delete process.env['GNUPGHOME'];
    else process.env['GNUPGHOME'] = before;
  }
});

test.each([
  ['nothing', ''],
  ['a share in clear, hexadecimal', SHARE],
  ['a share in clear, base64', Buffer.from(SHARE, 'hex').toString('base64')],
  ['a sentence', 'this is my share'],
  ['half a byte', '8'],
])('%s is no message', async (_what, given) => {
  expect(openPgpMessage(Buffer.from(given))).toBeNull();
  await expect(decryptWithGpg(Buffer.from(given))).rejects.toMatchObject({ code: 'InvalidInput' });
});
