import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { DrError } from '../../../src/contract/failures';
import { decryptWithGpg, encryptWithGpg } from '../../../src/crypto/openpgp';
import { type GnuPg, makeGnuPg } from '../../support/gnupg';

const PLAINTEXT = randomBytes(3_000_000);

let ana: GnuPg;
let bob: GnuPg;
beforeAll(async () => {
  [ana, bob] = await Promise.all([makeGnuPg('ana@example.com'), makeGnuPg('bob@example.com')]);
  // Not signed and not trusted: the fingerprint in the configuration is what counts.
  const file = join(ana.home, 'bob.asc');
  await writeFile(file, await bob.publicKey());
  await ana.gpg('--import', file);
});
afterAll(async () => {
  await Promise.all([ana.stop(), bob.stop()]);
});

function encrypted(...recipients: string[]): Promise<Buffer> {
  return buffer(encryptWithGpg(Readable.from([PLAINTEXT]), recipients, { home: ana.home }));
}

it('is opened by every recipient, with stock gpg and with this', async () => {
  const ciphertext = await encrypted(ana.fingerprint, bob.fingerprint);

  expect(ciphertext.indexOf(PLAINTEXT.subarray(0, 16))).toBe(-1);
  for (const { home } of [ana, bob]) {
    const file = join(home, 'file.gpg');
    await writeFile(file, ciphertext);
    const args = ['--homedir', home, '--batch', '--decrypt', file];
    const stock = await promisify(execFile)('gpg', args, { encoding: 'buffer', maxBuffer: 10_000_000 });
    expect(stock.stdout.equals(PLAINTEXT)).toBe(true);
    expect((await buffer(decryptWithGpg(Readable.from([ciphertext]), { home }))).equals(PLAINTEXT)).toBe(true);
  }
});

it('is for the recipients that were named, whatever gpg.conf says', async () => {
  await writeFile(join(ana.home, 'gpg.conf'), `encrypt-to ${ana.fingerprint}\narmor\n`);

  const ciphertext = await encrypted(bob.fingerprint);

  await writeFile(join(ana.home, 'gpg.conf'), '');
  await expect(buffer(decryptWithGpg(Readable.from([ciphertext]), { home: ana.home }))).rejects.toMatchObject({
    code: 'DecryptionFailed',
  });
  expect((await buffer(decryptWithGpg(Readable.from([ciphertext]), { home: bob.home }))).equals(PLAINTEXT)).toBe(true);
});

it('names a recipient whose key is not there', async () => {
  const unknown = 'A'.repeat(40);

  await expect(encrypted(ana.fingerprint, unknown)).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    message: expect.stringContaining(unknown),
    advice: expect.stringContaining('--list-keys'),
  });
});

it('names a recipient whose key has expired', async () => {
  const carol = await makeGnuPg('carol@example.com', 'seconds=1');
  try {
    await new Promise((resolve) => setTimeout(resolve, 2_100));

    const ciphertext = buffer(encryptWithGpg(Readable.from([PLAINTEXT]), [carol.fingerprint], { home: carol.home }));

    await expect(ciphertext).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining(carol.fingerprint),
    });
  } finally {
    await carol.stop();
  }
});

it('says whose key is wanted when it is not there', async () => {
  const ciphertext = await encrypted(bob.fingerprint);

  const opened = buffer(
    decryptWithGpg(Readable.from([ciphertext]), { home: ana.home, where: 'vault-1', recipients: [bob.fingerprint] }),
  );

  await expect(opened).rejects.toMatchObject({
    code: 'DecryptionFailed',
    where: 'vault-1',
    advice: expect.stringContaining(bob.fingerprint),
  });
});

it.each([
  ['cut in its middle', (file: Buffer) => file.subarray(0, file.length / 2)],
  ['cut before its last byte', (file: Buffer) => file.subarray(0, -1)],
  ['changed by one bit', (file: Buffer) => file.with(file.length - 1_000, (file.at(-1_000) ?? 0) ^ 1)],
  ['empty', () => Buffer.alloc(0)],
  ['something else', () => Buffer.from('no OpenPGP at all')],
])('finds a file that is %s', async (_how, damage) => {
  const damaged = Buffer.from(damage(await encrypted(bob.fingerprint)));

  const opened = buffer(decryptWithGpg(Readable.from([damaged]), { home: bob.home }));

  await expect(opened).rejects.toMatchObject({ code: 'CopyDamaged' });
});

it('fails with the error of its source, and never ends as if that were the end', async () => {
  async function* failing(): AsyncGenerator<Buffer> {
    yield PLAINTEXT;
    await Promise.resolve();
    throw new DrError('SnapshotIncomplete', 'the snapshot was cut');
  }
  const ciphertext = encryptWithGpg(Readable.from(failing(), { objectMode: false }), [bob.fingerprint], {
    home: ana.home,
  });

  await expect(buffer(ciphertext)).rejects.toMatchObject({ code: 'SnapshotIncomplete' });
});

it('ends its gpg and its source when nobody reads on', async () => {
  const source = new Readable({
    read() {
      this.push(randomBytes(65_536));
    },
  });
  const ciphertext = encryptWithGpg(source, [bob.fingerprint], { home: ana.home });

  await once(ciphertext, 'readable');
  ciphertext.destroy();

  await once(source, 'close');
  expect(source.destroyed).toBe(true);
});

it('says so when there is no gpg', async () => {
  const path = process.env['PATH'];
  process.env['PATH'] = '/nowhere';
  try {
    const ciphertext = buffer(encryptWithGpg(Readable.from([PLAINTEXT]), [bob.fingerprint]));

    await expect(ciphertext).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      advice: 'Install GnuPG on this host.',
    });
  } finally {
    process.env['PATH'] = path;
  }
});
