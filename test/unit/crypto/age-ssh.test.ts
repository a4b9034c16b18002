import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { decryptArmored, decryptFrom, encryptArmored, encryptTo, generateIdentity } from '../../../src/crypto/age';

/** Made with OpenSSH 9.2 and age 1.1.1: `ssh-keygen -t ed25519 -N ''`, then `printf 'unseal share number one' | age -a -R KEY.pub`. */
const PRIVATE_KEY = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACC+ts3qwI0b/3DQHi789F1sjyu5cRbUl/QT4xEnpWUt3wAAAJD6c5wO+nOc
DgAAAAtzc2gtZWQyNTUxOQAAACC+ts3qwI0b/3DQHi789F1sjyu5cRbUl/QT4xEnpWUt3w
AAAEDLhEWUNiRoshz9yQDJe+tFs8tPnGrGi2ki7/ktf6a43762zerAjRv/cNAeLvz0XWyP
K7lxFtSX9BPjESelZS3fAAAABmJhY2t1cAECAwQFBgc=
-----END OPENSSH PRIVATE KEY-----
`;
const PUBLIC_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL62zerAjRv/cNAeLvz0XWyPK7lxFtSX9BPjESelZS3f backup';
const ARMORED = `-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNzaC1lZDI1NTE5IEQrRlpYUSBPTFcv
WnR1Wmo3YlJpQmJoYTl3TFFvWDlENlVtcWxZZGcyUzF0YUNadDI4Cm0va2xsaXl4
NUoxaTlXUWpvcW5LQ3Bxeit3NkRXdU1UREVMUi9ZKzBSN1EKLS0tIEV4QXJHdnNT
UFNVbUV0dWpRME40Nnp5MnVaWUtjMVhhcE84U2RzejhYQmcKXSM1R5mfYPSumNtR
3qR3zOArsm0PXgPU8MlARuG+RVs0CJriiA7eXP78ksusM36CDTd4yWmHZA==
-----END AGE ENCRYPTED FILE-----
`;
/** The same kind of key, with `-N pass`. */
const PROTECTED_KEY = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABC11Jsur9
dqM+ardoQk2KcwAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIFzHLudULTrEsnAc
9JACE6MbtMDMFLImCldcNjHCzAPfAAAAkARRZiVP3zxJwXLD1lu596+Y0gZhJT77llH5dG
ibWyRj8CffUg5Q2nNbDYWEivUNvRWIbtp1onOs0u3CbR+6W3k6d6zpxkek3UT0j2i16M6m
CICyCDqr1lS2/Lic9KkWy2iRN6qpmUt9CreE3BxesISEluOBhlzSLpaysH3a+Dn8QdUTQG
HpBh7IV924urNftQ==
-----END OPENSSH PRIVATE KEY-----
`;
const SECRET_PART = 'S4RFljQkaLIc/ckAyXvrRbPLT5xqxotpIu/5LX+mt+M=';

it('opens what age itself has encrypted to an SSH key', async () => {
  expect(await decryptArmored(ARMORED, [PRIVATE_KEY])).toBe('unseal share number one');
});

it('opens streams for an SSH key and an age identity alike', async () => {
  const plaintext = randomBytes(100_000);
  const native = await generateIdentity();

  const ciphertext = await buffer(await encryptTo(Readable.from([plaintext]), [native.recipient, PUBLIC_KEY]));

  for (const identity of [native.identity, PRIVATE_KEY, `\n${PRIVATE_KEY}`]) {
    const opened = await buffer(await decryptFrom(Readable.from([ciphertext]), [identity]));
    expect(opened.equals(plaintext)).toBe(true);
  }
});

it('works with any key, whatever its bytes', async () => {
  for (let count = 0; count < 50; count++) {
    const { privateKeyPem, publicKeyLine } = sshKeyPair();
    const armored = await encryptArmored('text', [publicKeyLine]);

    expect(await decryptArmored(armored, [privateKeyPem])).toBe('text');
  }
});

it('is closed to another SSH key, also beside one that fits', async () => {
  const stranger = sshKeyPair();
  const armored = await encryptArmored('text', [PUBLIC_KEY]);

  await expect(decryptArmored(armored, [stranger.privateKeyPem])).rejects.toMatchObject({ code: 'DecryptionFailed' });
  expect(await decryptArmored(armored, [stranger.privateKeyPem, PRIVATE_KEY])).toBe('text');
});

it('notices a change anywhere in its header', async () => {
  const bytes = await buffer(await encryptTo(Readable.from([Buffer.from('text')]), [PUBLIC_KEY]));
  const headerEnd = bytes.indexOf('\n', bytes.indexOf('--- '));
  let opened = 0;

  for (let at = 0; at < headerEnd; at++) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    await decryptFrom(Readable.from([changed]), [PRIVATE_KEY]).then(
      () => opened++,
      (error: unknown) => expect(error).toMatchObject({ name: 'DrError' }),
    );
  }

  expect(opened).toBe(0);
});

it.each([
  ['another kind of key', 'ssh-ed25519 AAAAB3NzaC1yc2EAAAADAQABAAAAgQ== rsa'],
  ['a cut key', PUBLIC_KEY.slice(0, 40)],
  ['nothing behind the type', 'ssh-ed25519 '],
  ['a key that is no point of the curve', publicLine(Buffer.of(2, ...Buffer.alloc(31)))],
  ['the neutral point', publicLine(Buffer.of(1, ...Buffer.alloc(31)))],
])('refuses %s as recipient', async (_what, line) => {
  await expect(encryptArmored('text', [line])).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    message: expect.stringContaining('is not an ssh-ed25519 public key'),
  });
});

it.each([
  ['protected by a passphrase', PROTECTED_KEY, 'protected by a passphrase'],
  ['cut', `${PRIVATE_KEY.slice(0, 200)}\n-----END OPENSSH PRIVATE KEY-----\n`, 'is incomplete'],
  ['without its end', PRIVATE_KEY.slice(0, 250), 'is incomplete'],
])('refuses a private key that is %s, and shows nothing of it', async (_what, key, reason) => {
  const refusal = decryptArmored(ARMORED, [key]);

  await expect(refusal).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    message: expect.stringContaining(reason),
  });
  await expect(refusal).rejects.not.toMatchObject({ message: expect.stringContaining(SECRET_PART.slice(0, 20)) });
});

/** As `ssh-keygen` writes a pair. */
function sshKeyPair(): { privateKeyPem: string; publicKeyLine: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const seed = privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32);
  const wire = wireOf(key);
  const secret = [
    Buffer.alloc(8, 7),
    field('ssh-ed25519'),
    field(key),
    field(Buffer.concat([seed, key])),
    field('test'),
  ];
  const file = [
    Buffer.from('openssh-key-v1\0'),
    ...['none', 'none', ''].map(field),
    Buffer.from([0, 0, 0, 1]),
    field(wire),
    field(Buffer.concat(secret)),
  ];
  const pem = (
    Buffer.concat(file)
      .toString('base64')
      .match(/.{1,70}/g) ?? []
  ).join('\n');
  return {
    publicKeyLine: publicLine(key),
    privateKeyPem: `-----BEGIN OPENSSH PRIVATE KEY-----\n${pem}\n-----END OPENSSH PRIVATE KEY-----\n`,
  };
}

function publicLine(key: Buffer): string {
  return `ssh-ed25519 ${wireOf(key).toString('base64')} test`;
}

function wireOf(key: Buffer): Buffer {
  return Buffer.concat([field('ssh-ed25519'), field(key)]);
}

function field(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
