import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signManifest, verifySignature } from '../../../src/crypto/signature';

const CHANGED = Buffer.from('{"format":"vault-dr/manifest/v2"}\n');
const BYTES = Buffer.from('{"format":"vault-dr/manifest/v1"}\n');

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'signature-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** A pair as an operator makes it. */
function opensslPair(): { privateKeyPem: string; publicKeyPem: string } {
  openssl('genpkey', '-algorithm', 'ed25519', '-out', 'private.pem');
  openssl('pkey', '-in', 'private.pem', '-pubout', '-out', 'public.pem');
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  return { privateKeyPem: read('private.pem'), publicKeyPem: read('public.pem') };
}

describe('a signature', () => {
  it('is one that openssl verifies', () => {
    const { privateKeyPem } = opensslPair();
    writeFileSync(join(directory, 'manifest.json'), BYTES);

    writeFileSync(join(directory, 'manifest.json.sig'), signManifest(BYTES, privateKeyPem));

    const verify = ['pkeyutl', '-verify', '-pubin', '-inkey', 'public.pem', '-rawin'];
    const answer = openssl(...verify, '-in', 'manifest.json', '-sigfile', 'manifest.json.sig');
    expect(answer).toContain('Signature Verified Successfully');
    writeFileSync(join(directory, 'manifest.json'), CHANGED);
    expect(() => openssl(...verify, '-in', 'manifest.json', '-sigfile', 'manifest.json.sig')).toThrow(/Command failed/);
  });

  it('that openssl made is verified', () => {
    const { publicKeyPem } = opensslPair();
    writeFileSync(join(directory, 'manifest.json'), BYTES);
    openssl('pkeyutl', '-sign', '-inkey', 'private.pem', '-rawin', '-in', 'manifest.json', '-out', 'sig');

    const verified = verifySignature(BYTES, readFileSync(join(directory, 'sig')), publicKeyPem);

    expect(verified).toBe(true);
  });

  it('is the same for the same bytes, and 64 bytes long', () => {
    const { privateKeyPem } = opensslPair();

    const [first, second] = [signManifest(BYTES, privateKeyPem), signManifest(BYTES, privateKeyPem)];

    expect(first).toEqual(second);
    expect(first).toHaveLength(64);
  });

  it('does not hold for other bytes, other keys or a cut signature', () => {
    const { privateKeyPem, publicKeyPem } = opensslPair();
    const signature = signManifest(BYTES, privateKeyPem);
    const flipped = Buffer.from(signature);
    flipped[10] = (flipped[10] ?? 0) ^ 1;
    const { publicKeyPem: strangerPem } = opensslPair();

    expect(verifySignature(BYTES, signature, publicKeyPem)).toBe(true);
    expect(verifySignature(CHANGED, signature, publicKeyPem)).toBe(false);
    expect(verifySignature(BYTES, flipped, publicKeyPem)).toBe(false);
    expect(verifySignature(BYTES, signature.subarray(0, 63), publicKeyPem)).toBe(false);
    expect(verifySignature(BYTES, Buffer.alloc(0), publicKeyPem)).toBe(false);
    expect(verifySignature(BYTES, signature, strangerPem)).toBe(false);
  });

  it('is refused with a key of another kind, and the key is not quoted', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });

    for (const attempt of [
      () => signManifest(BYTES, privateKey),
      () => signManifest(BYTES, 'a secret that is no key'),
      () => verifySignature(BYTES, Buffer.alloc(64), publicKey),
    ]) {
      expect(attempt).toThrow(expect.objectContaining({ code: 'InvalidConfiguration' }));
      expect(attempt).not.toThrow(/a secret|PRIVATE KEY/);
    }
  });
});
