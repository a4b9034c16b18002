import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { DrError } from '../contract/failures';

export const SIGNATURE_BYTES = 64;

/** PEM, PKCS #8: as `openssl genpkey -algorithm ed25519` writes it. */
export function generateSigningKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Its public half, PEM. @throws DrError InvalidConfiguration if the PEM is no Ed25519 private key. */
export function publicSigningKey(privateKeyPem: string): string {
  const key = ed25519Key('private', () => createPrivateKey(privateKeyPem));
  return createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
}

/**
 * Detached raw Ed25519 signature, 64 bytes, as `openssl pkeyutl -verify -rawin` takes it. Equal input gives equal output.
 * @throws DrError InvalidConfiguration if the PEM is not an Ed25519 private key.
 */
export function signManifest(bytes: Uint8Array, privateKeyPem: string): Buffer {
  return sign(
    null,
    bytes,
    ed25519Key('private', () => createPrivateKey(privateKeyPem)),
  );
}

/** @throws DrError InvalidConfiguration if the PEM is not an Ed25519 public key. */
export function verifySignature(bytes: Uint8Array, signature: Uint8Array, publicKeyPem: string): boolean {
  const key = publicKeyOf(publicKeyPem);
  return signature.length === SIGNATURE_BYTES && verify(null, bytes, key, signature);
}

/** SHA-256 of the key in DER, as `openssl pkey -pubin -outform DER | sha256sum` says it. @throws as `verifySignature` */
export function signingKeySha256(publicKeyPem: string): string {
  const der = publicKeyOf(publicKeyPem).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex');
}

/** The last key, by the hash of its PEM: thousands of manifests are checked with one. */
let last: { sha256: string; key: KeyObject } | undefined;

function publicKeyOf(pem: string): KeyObject {
  const sha256 = createHash('sha256').update(pem).digest('hex');
  if (last?.sha256 !== sha256) last = { sha256, key: ed25519Key('public', () => createPublicKey(pem)) };
  return last.key;
}

function ed25519Key(kind: 'private' | 'public', read: () => KeyObject): KeyObject {
  const key = readOrUndefined(read);
  if (key?.asymmetricKeyType === 'ed25519') return key;
  throw new DrError('InvalidConfiguration', `The ${kind} signing key is not an Ed25519 key in PEM.`, {
    advice: 'Create a pair with `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`.',
  });
}

/** The parser's message may quote the key, so it is dropped. */
function readOrUndefined(read: () => KeyObject): KeyObject | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
