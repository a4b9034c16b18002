const ARMOR = '-----BEGIN PGP MESSAGE-----';
/** What a message for somebody's key begins with: the packet that holds the session key, in either format (RFC 9580, 4.2). */
const FIRST_BYTES = [0xc1, 0x84, 0x85, 0x86];
/** Every message is longer than a share in clear. */
const LEAST_BYTES = 34;
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';

/**
 * An OpenPGP message in any common form, without a Buffer, which browsers lack.
 * @param given a character for each byte
 */
export function openPgpText(given: string): string | null {
  return messageIn(given) ?? decoded(given.replace(BYTE_ORDER_MARK, '').replace(/\s+/g, ''));
}

function messageIn(bytes: string): string | null {
  if (FIRST_BYTES.includes(bytes.charCodeAt(0)) && bytes.length >= LEAST_BYTES) return bytes;
  const at = bytes.indexOf(ARMOR);
  return at < 0 ? null : bytes.slice(at);
}

/** Tried first: hexadecimal is also valid base64, of something else. */
function decoded(text: string): string | null {
  const hex = text.replace(/^0x/i, '');
  if (/^(?:[0-9a-f]{2})+$/i.test(hex)) return messageIn(fromHex(hex));
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? messageIn(fromBase64(text)) : null;
}

function fromHex(hex: string): string {
  return hex.replace(/../g, (byte) => String.fromCharCode(Number.parseInt(byte, 16)));
}

/** What is left over of a cut message is dropped: gpg says what it lacks. */
function fromBase64(text: string): string {
  const digits = text.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  return atob(digits.length % 4 === 1 ? digits.slice(0, -1) : digits);
}
