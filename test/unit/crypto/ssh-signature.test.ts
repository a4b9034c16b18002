import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { sshKeyOf, verifySshSignature } from '../../../src/crypto/ssh-signature';
import { useDirectory } from '../../support/temporary';

const NAMESPACE = 'vault-dr-test';
const MESSAGE = 'vault-dr/test\ncluster: prod\n';

describe('a signature of ssh-keygen', () => {
  const inTest = useDirectory();
  let publicKey: string;

  beforeEach(() => {
    publicKey = makeKey('own', 'ed25519');
  });

  it('holds for its message, its key and its purpose', () => {
    expect(verifySshSignature(MESSAGE, signed('own'), publicKey, NAMESPACE)).toBe(true);
  });

  it.each<[string, (signature: string) => boolean]>([
    ['another message', (signature) => verifySshSignature(`${MESSAGE} `, signature, publicKey, NAMESPACE)],
    ['another purpose', (signature) => verifySshSignature(MESSAGE, signature, publicKey, 'file')],
    ['another key', (signature) => verifySshSignature(MESSAGE, signature, makeKey('other', 'ed25519'), NAMESPACE)],
    ['a flipped bit', (signature) => verifySshSignature(MESSAGE, flipped(signature), publicKey, NAMESPACE)],
    ['bytes behind it', (signature) => verifySshSignature(MESSAGE, extended(signature), publicKey, NAMESPACE)],
    ['a signature that is cut', (signature) => verifySshSignature(MESSAGE, cut(signature), publicKey, NAMESPACE)],
    ['text around it', (signature) => verifySshSignature(MESSAGE, `x${signature}`, publicKey, NAMESPACE)],
    ['nothing', () => verifySshSignature(MESSAGE, '', publicKey, NAMESPACE)],
    ['a flood', () => verifySshSignature(MESSAGE, 'A'.repeat(1_000_000), publicKey, NAMESPACE)],
  ])('does not hold for %s', (_what, holds) => {
    expect(holds(signed('own'))).toBe(false);
  });

  it('is not taken of a key whose type is weaker', () => {
    const rsa = makeKey('rsa', 'rsa');

    expect(sshKeyOf(rsa)).toBeNull();
    expect(verifySshSignature(MESSAGE, signed('rsa'), rsa, NAMESPACE)).toBe(false);
  });

  it('is what `ssh-keygen -Y verify` takes as well', () => {
    execFileSync('sh', ['-c', `printf 'ana %s' "$(cat own.pub)" > allowed && printf %s "$MESSAGE" > message`], {
      cwd: inTest(),
      env: { ...process.env, MESSAGE },
    });
    signed('own');
    const verified = execFileSync(
      'sh',
      ['-c', `ssh-keygen -Y verify -f allowed -I ana -n ${NAMESPACE} -s signature < message`],
      { cwd: inTest(), encoding: 'utf8' },
    );

    expect(verified).toContain('Good');
  });

  function makeKey(name: string, type: string): string {
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', 'a comment', '-f', inTest(name)]);
    return readFileSync(inTest(`${name}.pub`), 'utf8');
  }

  function signed(name: string): string {
    const args = ['-q', '-Y', 'sign', '-n', NAMESPACE, '-f', inTest(name)];
    const signature = execFileSync('ssh-keygen', args, { input: MESSAGE, encoding: 'utf8', stdio: 'pipe' });
    execFileSync('sh', ['-c', 'cat > signature'], { cwd: inTest(), input: signature });
    return signature;
  }
});

// No token is at hand in a test; what it signs is made here as OpenSSH's PROTOCOL.u2f describes it.
describe('a signature by a hardware key', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const type = 'sk-ssh-ed25519@openssh.com';
  const blob = Buffer.concat([string(type), string(raw), string('ssh:')]);
  const line = `${type} ${blob.toString('base64')} ana@token`;

  it.each([
    ['holds when the token was touched', 0x01, 'ssh:', true],
    ['holds when the token has asked for a PIN as well', 0x05, 'ssh:', true],
    ['does not hold when nobody touched it', 0x00, 'ssh:', false],
    ['does not hold for another application', 0x01, 'https://example.com', false],
  ])('%s', (_what, flags, application, holds) => {
    expect(verifySshSignature(MESSAGE, byToken(flags, application), line, NAMESPACE)).toBe(holds);
  });

  function byToken(flags: number, application: string): string {
    const digest = createHash('sha512').update(MESSAGE).digest();
    const data = Buffer.concat([
      Buffer.from('SSHSIG'),
      string(NAMESPACE),
      string(''),
      string('sha512'),
      string(digest),
    ]);
    const counter = Buffer.from([0, 0, 0, 9]);
    const tail = Buffer.concat([Buffer.from([flags]), counter]);
    const sha = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest();
    const signature = sign(null, Buffer.concat([sha(application), tail, sha(data)]), privateKey);
    const inner = Buffer.concat([string(type), string(signature), tail]);
    const version = Buffer.from([0, 0, 0, 1]);
    const parts = [
      Buffer.from('SSHSIG'),
      version,
      string(blob),
      string(NAMESPACE),
      string(''),
      string('sha512'),
      string(inner),
    ];
    return `-----BEGIN SSH SIGNATURE-----\n${Buffer.concat(parts).toString('base64')}\n-----END SSH SIGNATURE-----\n`;
  }
});

function string(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function bytesOf(armored: string): Buffer {
  return Buffer.from(armored.replace(/-----[^-]+-----/g, '').replace(/\s/g, ''), 'base64');
}

function armor(bytes: Buffer): string {
  return `-----BEGIN SSH SIGNATURE-----\n${bytes.toString('base64')}\n-----END SSH SIGNATURE-----\n`;
}

function flipped(armored: string): string {
  const bytes = bytesOf(armored);
  bytes[bytes.length - 1]! ^= 1;
  return armor(bytes);
}

function extended(armored: string): string {
  return armor(Buffer.concat([bytesOf(armored), Buffer.from([0])]));
}

function cut(armored: string): string {
  return armor(bytesOf(armored).subarray(0, -1));
}
