import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  randomBytes,
} from 'node:crypto';
import { DrError } from '../contract/failures';

/**
 * The `ssh-ed25519` recipient of age (agessh): the SSH key is taken to Curve25519, tweaked by its own encoding, and wraps
 * the file key with ChaCha20-Poly1305. The primitives are Node's, except the conversion to Curve25519, which Node lacks.
 */

/** ESM only; a dependency of age-encryption. */
const loadCurve = () => import('@noble/curves/ed25519.js');

const KEY_TYPE = 'ssh-ed25519';
const LABEL = 'age-encryption.org/v1/ssh-ed25519';
const KEY_BYTES = 32;
const TAG_BYTES = 16;
const NONCE = Buffer.alloc(12);
const BASE_POINT = Buffer.concat([Buffer.of(9), Buffer.alloc(KEY_BYTES - 1)]);
/** Prefix of every encoded public key of this type: two lengths and the type. */
const WIRE_HEAD = Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20', 'latin1');

/** The shape of age-encryption's own Stanza. */
export interface SshStanza {
  args: string[];
  body: Uint8Array;
}

/** @throws DrError InvalidConfiguration if the line is no `ssh-ed25519` public key. */
export async function sshRecipient(line: string): Promise<{ wrapFileKey(fileKey: Uint8Array): SshStanza[] }> {
  const wire = parsePublicLine(line);
  const recipientKey = await toMontgomery(publicKeyOf(wire), line);
  return {
    wrapFileKey(fileKey) {
      const ephemeral = randomBytes(KEY_BYTES);
      const share = x25519(ephemeral, BASE_POINT);
      const wrapping = wrappingKey(x25519(ephemeral, recipientKey), wire, share, recipientKey);
      const cipher = createCipheriv('chacha20-poly1305', wrapping, NONCE, { authTagLength: TAG_BYTES });
      const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
      return [{ args: [KEY_TYPE, fingerprint(wire), unpadded(share)], body }];
    },
  };
}

/**
 * An unencrypted OpenSSH private key, as `ssh-keygen -t ed25519` writes it.
 * @throws DrError InvalidConfiguration if it is something else or protected by a passphrase.
 */
export function sshIdentity(pem: string): { unwrapFileKey(stanzas: readonly SshStanza[]): Uint8Array | null } {
  const { wire, seed } = parsePrivateKey(pem);
  const scalar = createHash('sha512').update(seed).digest().subarray(0, KEY_BYTES);
  const ownKey = x25519(scalar, BASE_POINT);
  return {
    unwrapFileKey(stanzas) {
      for (const { args, body } of stanzas) {
        const [type, tag, encodedShare = ''] = args;
        if (type !== KEY_TYPE || tag !== fingerprint(wire)) continue;
        const share = Buffer.from(encodedShare, 'base64');
        if (args.length !== 3 || share.length !== KEY_BYTES || body.length !== 16 + TAG_BYTES) {
          throw new Error('malformed ssh-ed25519 stanza');
        }
        const wrapping = wrappingKey(x25519(scalar, share), wire, share, ownKey);
        const decipher = createDecipheriv('chacha20-poly1305', wrapping, NONCE, { authTagLength: TAG_BYTES });
        decipher.setAuthTag(body.subarray(-TAG_BYTES));
        try {
          return Buffer.concat([decipher.update(body.subarray(0, -TAG_BYTES)), decipher.final()]);
        } catch {
          // Another key with the same four-byte fingerprint.
          continue;
        }
      }
      return null;
    },
  };
}

export function isSshRecipient(text: string): boolean {
  return text.startsWith(`${KEY_TYPE} `);
}

export function isSshPrivateKey(text: string): boolean {
  return text.trimStart().startsWith('-----BEGIN OPENSSH PRIVATE KEY-----');
}

function wrappingKey(shared: Buffer, wire: Buffer, share: Buffer, recipientKey: Buffer): Buffer {
  const tweak = Buffer.from(hkdfSync('sha256', Buffer.alloc(0), wire, LABEL, KEY_BYTES));
  const salt = Buffer.concat([share, recipientKey]);
  return Buffer.from(hkdfSync('sha256', x25519(tweak, shared), salt, LABEL, KEY_BYTES));
}

/** Fails on points of low order, as required. */
function x25519(scalar: Uint8Array, point: Uint8Array): Buffer {
  const der = (prefix: string, key: Uint8Array) => Buffer.concat([Buffer.from(prefix, 'hex'), key]);
  return diffieHellman({
    privateKey: createPrivateKey({
      key: der('302e020100300506032b656e04220420', scalar),
      format: 'der',
      type: 'pkcs8',
    }),
    publicKey: createPublicKey({ key: der('302a300506032b656e032100', point), format: 'der', type: 'spki' }),
  });
}

async function toMontgomery(edwards: Buffer, line: string): Promise<Buffer> {
  const { ed25519 } = await loadCurve();
  try {
    return Buffer.from(ed25519.utils.toMontgomery(edwards));
  } catch (cause) {
    // Not a point of the curve: the key was mistyped, and data encrypted to it could never be decrypted.
    throw noPublicKey(line, cause);
  }
}

function fingerprint(wire: Buffer): string {
  return unpadded(createHash('sha256').update(wire).digest().subarray(0, 4));
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}

/** `ssh-ed25519 AAAA… comment`. */
function parsePublicLine(line: string): Buffer {
  const [type, encoded = ''] = line.trim().split(/\s+/);
  const wire = Buffer.from(encoded, 'base64');
  if (type === KEY_TYPE && isPublicKey(wire)) return wire;
  throw noPublicKey(line);
}

function noPublicKey(line: string, cause?: unknown): DrError {
  return new DrError('InvalidConfiguration', `'${line.slice(0, 100)}' is not an ssh-ed25519 public key.`, {
    advice: 'Use the line of an id_ed25519.pub. Other types of SSH keys are not supported.',
    cause,
  });
}

function isPublicKey(wire: Buffer): boolean {
  return wire.length === WIRE_HEAD.length + KEY_BYTES && wire.subarray(0, WIRE_HEAD.length).equals(WIRE_HEAD);
}

function publicKeyOf(wire: Buffer): Buffer {
  return wire.subarray(WIRE_HEAD.length);
}

/** PROTOCOL.key of OpenSSH: ciphers, the public key, then check numbers, type, public and private key. */
function parsePrivateKey(pem: string): { wire: Buffer; seed: Buffer } {
  const [, encoded = ''] =
    /-----BEGIN OPENSSH PRIVATE KEY-----([^-]+)-----END OPENSSH PRIVATE KEY-----/.exec(pem) ?? [];
  const magic = 'openssh-key-v1\0';
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.toString('latin1', 0, magic.length) !== magic) throw malformed('is incomplete');
  const outer = fieldsOf(bytes.subarray(magic.length));
  const cipher = outer.string();
  outer.string();
  outer.string();
  outer.skip(4);
  const wire = outer.string();
  if (!isPublicKey(wire)) throw malformed('is not of the type ed25519');
  if (cipher.toString() !== 'none') throw malformed('is protected by a passphrase');
  const inner = fieldsOf(outer.string());
  inner.skip(8);
  inner.string();
  inner.string();
  return { wire, seed: inner.string().subarray(0, KEY_BYTES) };
}

/** Length-prefixed strings, as in SSH's encoding. */
function fieldsOf(bytes: Buffer): { string(): Buffer; skip(count: number): void } {
  let at = 0;
  return {
    string() {
      const end = at + 4 <= bytes.length ? at + 4 + bytes.readUInt32BE(at) : Infinity;
      if (end > bytes.length) throw malformed('is incomplete');
      const field = bytes.subarray(at + 4, end);
      at = end;
      return field;
    },
    skip(count) {
      at += count;
    },
  };
}

function malformed(how: string): DrError {
  return new DrError('InvalidConfiguration', `An SSH private key among the identities ${how}.`, {
    advice: 'Use an ed25519 key without a passphrase (`ssh-keygen -p -N "" -f COPY` removes it from a copy).',
  });
}
