import type { Readable } from 'node:stream';
import type { ClusterConfig } from '../config/schema';
import { DrError } from '../contract/failures';
import type { Encryption } from '../contract/generation';
import { decryptFrom, encryptTo } from './age';
import { decryptWithGpg, encryptWithGpg } from './openpgp';

/** Keys that decrypt a file. */
export interface DecryptionKeys {
  /** Texts of age identity files or OpenSSH private keys. */
  identities: readonly string[];
  /** For OpenPGP: GnuPG home directory. */
  gpgHome?: string | undefined;
}

export interface EncryptionSettings extends Encryption {
  /** For OpenPGP: GnuPG home directory; null for that of the user. */
  gpgHome: string | null;
}

export function encryptionOf(setting: ClusterConfig['backup']['encryption']): EncryptionSettings {
  if (setting === 'none') return { method: 'none', recipients: [], gpgHome: null };
  if ('age' in setting) return { method: 'age', recipients: setting.age, gpgHome: null };
  return { method: 'openpgp', recipients: setting.openpgp.recipients, gpgHome: setting.openpgp.home ?? null };
}

/** The suffix of a file name, by method. */
export const SUFFIX: Record<Encryption['method'], string> = { age: '.age', openpgp: '.gpg', none: '' };

/** Encrypts while the result is read; with `none` the source itself. See `encryptTo` and `encryptWithGpg` for the errors. */
export async function encryptStream(
  source: Readable,
  { method, recipients, gpgHome }: EncryptionSettings,
): Promise<Readable> {
  switch (method) {
    case 'age':
      return encryptTo(source, recipients);
    case 'openpgp':
      return encryptWithGpg(source, recipients, { home: gpgHome ?? undefined });
    case 'none':
      return source;
  }
}

/** Decrypts while the result is read; nothing that was read counts before its end. */
export async function decryptStream(
  source: Readable,
  { method, recipients }: Encryption,
  { identities, gpgHome }: DecryptionKeys,
  where?: string,
): Promise<Readable> {
  const about = { recipients, ...(where === undefined ? {} : { where }) };
  switch (method) {
    case 'age':
      return decryptFrom(source, identities, about);
    case 'openpgp':
      return decryptWithGpg(source, { ...about, home: gpgHome });
    case 'none':
      return source;
  }
}

/** Bytes that `methodOf` needs. */
export const MAGIC_BYTES = 64;

const AGE = 'age-encryption.org/v1\n';
const AGE_ARMOR = '-----BEGIN AGE ENCRYPTED FILE-----';
const PGP_ARMOR = '-----BEGIN PGP MESSAGE-----';
/** Packets that an encrypted OpenPGP file begins with: session keys and encrypted data. */
const PGP_TAGS = [1, 3, 9, 18, 20];

/** How a file is encrypted, by its first bytes. @throws DrError InvalidInput for armored age, which is not read. */
export function methodOf(head: Buffer): Encryption['method'] {
  const text = head.toString('latin1');
  if (text.startsWith(AGE)) return 'age';
  if (text.startsWith(AGE_ARMOR)) {
    throw new DrError('InvalidInput', 'The file is an ASCII-armored age file, which is not supported.', {
      advice: 'Decrypt it first: `age -d -i IDENTITY -o snapshot.snap FILE`.',
    });
  }
  if (text.startsWith(PGP_ARMOR)) return 'openpgp';
  const [first = 0] = head;
  const tag = first & 0x40 ? first & 0x3f : (first & 0x3c) >> 2;
  return first & 0x80 && PGP_TAGS.includes(tag) ? 'openpgp' : 'none';
}
