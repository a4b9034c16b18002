const ARMOR = '-----BEGIN PGP MESSAGE-----';
/** What a message for somebody's key begins with: the packet that holds the session key, in either format (RFC 9580, 4.2). */
const FIRST_BYTES = [0xc1, 0x84, 0x85, 0x86];
/** Every message is longer than a share in clear. */
const LEAST_BYTES = 34;
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';

/**
 * An OpenPGP message in any common form: binary, armored, base64 or hexadecimal, as Vault's API, its CLI and key managers
 * print it, with blanks and line ends as mail adds them. @returns it as gpg accepts it; null if it is none of these.
 */
export function openPgpMessage(given: Buffer): Buffer | null {
  return messageIn(given) ?? decoded(given.toString('latin1').replace(BYTE_ORDER_MARK, '').replace(/\s+/g, ''));
}

function messageIn(bytes: Buffer): Buffer | null {
  if (FIRST_BYTES.includes(bytes[0] ?? 0) && bytes.length >= LEAST_BYTES) return bytes;
  const at = bytes.indexOf(ARMOR);
  return at < 0 ? null : bytes.subarray(at);
}

/** Tried first: hexadecimal is also valid base64, of something else. */
function decoded(text: string): Buffer | null {
  const hex = text.replace(/^0x/i, '');
  if (/^(?:[0-9a-f]{2})+$/i.test(hex)) return messageIn(Buffer.from(hex, 'hex'));
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? messageIn(Buffer.from(text, 'base64')) : null;
}
