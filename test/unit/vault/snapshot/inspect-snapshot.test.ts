import { gzipSync } from 'node:zlib';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { encryptTo, generateIdentity } from '../../../../src/crypto/age';
import { encryptWithGpg } from '../../../../src/crypto/openpgp';
import { inspectSnapshot } from '../../../../src/vault/snapshot/inspect-snapshot';
import { makeGnuPg } from '../../../support/gnupg';
import { buildSnapshot, sha256, snapshotMembers, tarOf } from '../../../support/snapshot-builder';

function inspect(bytes: Buffer, identities: string[] = [], gpgHome?: string) {
  const oneByOne = Array.from(bytes.subarray(0, 100), (byte) => Buffer.of(byte));
  const source = Readable.from([...oneByOne, bytes.subarray(100)], { objectMode: false });
  return inspectSnapshot(source, { identities, gpgHome }, 'snapshot.snap');
}

it('reads a snapshot in clear', async () => {
  const archive = await buildSnapshot();

  expect(await inspect(archive)).toMatchObject({
    encryption: 'none',
    archive: { sha256: sha256(archive) },
    keys: { count: 7 },
  });
});

it('reads an archive whose gzip does not compress, as newer OpenBao writes it', async () => {
  const archive = gzipSync(await tarOf(snapshotMembers()), { level: 0 });

  expect(await inspect(archive)).toMatchObject({ archive: { sizeBytes: archive.length }, keys: { count: 7 } });
});

it('reads what is encrypted with age, and says what is missing without an identity', async () => {
  const archive = await buildSnapshot();
  const { identity, recipient } = await generateIdentity();
  const ciphertext = await buffer(await encryptTo(Readable.from([archive]), [recipient]));

  expect(await inspect(ciphertext, [identity])).toMatchObject({
    encryption: 'age',
    archive: { sha256: sha256(archive) },
  });
  await expect(inspect(ciphertext)).rejects.toMatchObject({
    code: 'DecryptionFailed',
    advice: expect.stringContaining('--identity'),
  });
  await expect(inspect(ciphertext.subarray(0, -1), [identity])).rejects.toMatchObject({ code: 'CopyDamaged' });
});

it('reads what is encrypted with OpenPGP, armored or not', async () => {
  const archive = await buildSnapshot();
  const gnupg = await makeGnuPg('ana@example.com');
  const { home, fingerprint } = gnupg;
  try {
    const binary = await buffer(encryptWithGpg(Readable.from([archive]), [fingerprint], { home }));
    const armored = Buffer.from(
      await gnupg.gpg('--output', '-', '--armor', '--recipient', fingerprint, '--encrypt', __filename),
    );

    expect(await inspect(binary, [], home)).toMatchObject({
      encryption: 'openpgp',
      archive: { sha256: sha256(archive) },
    });
    await expect(inspect(binary.subarray(0, -1), [], home)).rejects.toMatchObject({ code: 'CopyDamaged' });
    // It is opened: what comes out is this file, which is no snapshot.
    await expect(inspect(armored, [], home)).rejects.toMatchObject({
      message: 'The snapshot is not a gzip archive.',
    });
  } finally {
    await gnupg.stop();
  }
});

it('asks for an armored age file to be decrypted first', async () => {
  await expect(inspect(Buffer.from('-----BEGIN AGE ENCRYPTED FILE-----\nYWdl'))).rejects.toMatchObject({
    code: 'InvalidInput',
    advice: expect.stringContaining('age -d'),
  });
});

it.each([
  ['nothing', Buffer.alloc(0), 'SnapshotIncomplete'],
  ['an error page', Buffer.from('{"errors":["permission denied"]}'), 'SnapshotCorrupt'],
])('refuses %s', async (_what, bytes, code) => {
  await expect(inspect(bytes)).rejects.toMatchObject({ code });
});

it('hands on an error of its source', async () => {
  const source = new Readable({
    read() {
      this.destroy(Object.assign(new Error('EIO'), { code: 'EIO' }));
    },
  });

  await expect(inspectSnapshot(source, { identities: [] }, 'x')).rejects.toMatchObject({ code: 'EIO' });
});
