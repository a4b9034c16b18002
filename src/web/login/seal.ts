import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { DrError } from '../../contract/failures';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Browsers drop cookies of more than 4096 characters. */
const LONGEST = 3_800;

/** Seals what a browser keeps for the server, and says what belongs to whom. */
export class Seal {
  readonly #key: Buffer;

  /** @param settings what a sealed value belongs to: with others it can't be opened */
  constructor(secret: Buffer, settings: string) {
    this.#key = Buffer.from(hkdfSync('sha256', secret, '', `vault-dr web, version 1\n${settings}`, 2 * KEY_BYTES));
  }

  /** @param purpose a value sealed for another can't be opened */
  seal(purpose: string, value: object, expires: number): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key.subarray(0, KEY_BYTES), nonce).setAAD(Buffer.from(purpose));
    const text = JSON.stringify({ expires, value });
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    const encoded = sealed.toString('base64url');
    if (encoded.length <= LONGEST) return encoded;
    throw new DrError('InvalidInput', 'What the issuer says of this person does not fit into a cookie.');
  }

  /** Null for what was not sealed here for that purpose, or is over. What comes back was written by this program. */
  open<T extends object>(purpose: string, sealed: string | undefined, now: number): T | null {
    if (sealed === undefined || sealed.length > LONGEST || !/^[A-Za-z0-9_-]+$/.test(sealed)) return null;
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length <= NONCE_BYTES + TAG_BYTES) return null;
    try {
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(CIPHER, this.#key.subarray(0, KEY_BYTES), nonce, { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(purpose))
        .setAuthTag(bytes.subarray(-TAG_BYTES));
      const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
      const { expires, value } = JSON.parse(text.toString('utf8')) as { expires: number; value: T };
      return expires > now ? value : null;
    } catch {
      return null;
    }
  }

  /** Says that something was made here for that purpose. */
  tag(purpose: string, text: string): string {
    const hmac = createHmac('sha256', this.#key.subarray(KEY_BYTES));
    return hmac.update(JSON.stringify([purpose, text])).digest('base64url');
  }

  isTag(tag: string | undefined, purpose: string, text: string): boolean {
    const [given, own] = [Buffer.from(tag ?? ''), Buffer.from(this.tag(purpose, text))];
    return given.length === own.length && timingSafeEqual(given, own);
  }
}

/** @throws DrError InvalidConfiguration */
export function sealSecret(configured: string | null): Buffer {
  if (configured === null) return randomBytes(KEY_BYTES);
  const bytes = Buffer.from(configured, 'base64');
  if (/^[A-Za-z0-9+/]+=*$/.test(configured) && bytes.length >= KEY_BYTES) return bytes;
  throw new DrError('InvalidConfiguration', 'web.login.cookieKey is not base64 of at least 32 bytes.', {
    advice: 'Make one with: openssl rand -base64 32',
  });
}
