import { createHash, createPublicKey, verify } from 'node:crypto';

/** Accepted key types: a plain key, and one in a hardware token that must be touched. */
export const SSH_KEY_TYPES = ['ssh-ed25519', 'sk-ssh-ed25519@openssh.com'] as const;

const MAGIC = Buffer.from('SSHSIG');
const ARMOR = /^\s*-----BEGIN SSH SIGNATURE-----([A-Za-z0-9+/=\s]+)-----END SSH SIGNATURE-----\s*$/;
/** A signature by one of these keys has about 300 characters. */
const MAX_ARMOR = 4_096;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const USER_PRESENT = 0x01;
/** DER prefix of a raw Ed25519 public key (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

interface SshPublicKey {
  type: (typeof SSH_KEY_TYPES)[number];
  /** Raw Ed25519 key. */
  key: Buffer;
  /** Application of a hardware key, such as `ssh:`. */
  application: Buffer | null;
}

/** The base64 part of a public key line, without comment; null if it is not an accepted key. */
export function sshKeyOf(line: string): string | null {
  const [type = '', blob = ''] = line.trim().split(/\s+/);
  if (!(SSH_KEY_TYPES as readonly string[]).includes(type) || !/^[A-Za-z0-9+/]+=*$/.test(blob)) return null;
  const parsed = parseKey(Buffer.from(blob, 'base64'));
  return parsed?.type === type ? blob : null;
}

/**
 * Whether `signature` is by `publicKey` over `message`, in the format of `ssh-keygen -Y sign`
 * (https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig). A hardware key must have been touched.
 * @param publicKey a line such as `ssh-ed25519 AAAA… ana@example.com`
 * @param namespace purpose of the signature; one for another purpose is refused
 */
export function verifySshSignature(message: string, signature: string, publicKey: string, namespace: string): boolean {
  const blob = sshKeyOf(publicKey);
  const envelope = parseEnvelope(signature);
  if (blob === null || envelope === null) return false;
  if (envelope.namespace !== namespace || !envelope.publicKey.equals(Buffer.from(blob, 'base64'))) return false;
  const key = parseKey(envelope.publicKey);
  if (key === null) return false;
  const digest = createHash(envelope.hash).update(message).digest();
  const signed = Buffer.concat([
    MAGIC,
    ...[Buffer.from(namespace), Buffer.alloc(0), Buffer.from(envelope.hash), digest].map(withLength),
  ]);
  return verifyRaw(key, signed, envelope.signature);
}

interface Envelope {
  publicKey: Buffer;
  namespace: string;
  hash: 'sha256' | 'sha512';
  signature: Buffer;
}

function parseEnvelope(armored: string): Envelope | null {
  const base64 = armored.length > MAX_ARMOR ? undefined : ARMOR.exec(armored)?.[1];
  if (base64 === undefined) return null;
  const reader = new Reader(Buffer.from(base64.replace(/\s/g, ''), 'base64'));
  if (!reader.take(MAGIC.length)?.equals(MAGIC) || reader.uint32() !== 1) return null;
  const [publicKey, namespace, reserved, hash, signature] = [1, 2, 3, 4, 5].map(() => reader.string());
  if (!publicKey || !namespace || !reserved || !hash || !signature || !reader.atEnd) return null;
  const algorithm = hash.toString('latin1');
  if (algorithm !== 'sha256' && algorithm !== 'sha512') return null;
  return { publicKey, namespace: namespace.toString('latin1'), hash: algorithm, signature };
}

function parseKey(blob: Buffer): SshPublicKey | null {
  const reader = new Reader(blob);
  const type = SSH_KEY_TYPES.find((item) => item === reader.peekString()?.toString('latin1'));
  reader.string();
  const key = reader.string();
  if (type === undefined || key?.length !== KEY_BYTES) return null;
  const application = type === 'ssh-ed25519' ? null : reader.string();
  return reader.atEnd && application !== undefined ? { type, key, application } : null;
}

function verifyRaw({ type, key, application }: SshPublicKey, message: Buffer, blob: Buffer): boolean {
  const reader = new Reader(blob);
  if (reader.string()?.toString('latin1') !== type) return false;
  const signature = reader.string();
  if (signature?.length !== SIGNATURE_BYTES) return false;
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, key]), format: 'der', type: 'spki' });
  if (application === null) return reader.atEnd && verify(null, message, publicKey, signature);
  // https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.u2f, "SSH U2F signatures"
  const flagsAndCounter = reader.take(5);
  if (!flagsAndCounter || !reader.atEnd || (flagsAndCounter[0]! & USER_PRESENT) === 0) return false;
  const signed = Buffer.concat([sha256(application), flagsAndCounter, sha256(message)]);
  return verify(null, signed, publicKey, signature);
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Reads SSH's wire format (RFC 4251); undefined if the bytes end too early. */
class Reader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  get atEnd(): boolean {
    return this.#at === this.bytes.length;
  }

  take(count: number): Buffer | undefined {
    if (this.#at + count > this.bytes.length) return undefined;
    return this.bytes.subarray(this.#at, (this.#at += count));
  }

  uint32(): number | undefined {
    return this.take(4)?.readUInt32BE();
  }

  string(): Buffer | undefined {
    const length = this.uint32();
    return length === undefined ? undefined : this.take(length);
  }

  peekString(): Buffer | undefined {
    const at = this.#at;
    const found = this.string();
    this.#at = at;
    return found;
  }
}
