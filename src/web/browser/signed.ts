import { ed25519 } from '@noble/curves/ed25519.js';

/** An Ed25519 key in SPKI, DER: these bytes, and the 32 of the key. */
const PREFIX = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const KEY_BYTES = 32;

/** As Node verifies: strictly, so that a signature has one form. */
export function isSigned(publicKey: string, statement: string, signature: string): boolean {
  try {
    const der = bytesOf(publicKey);
    if (der.length !== PREFIX.length + KEY_BYTES || PREFIX.some((byte, at) => der[at] !== byte)) return false;
    const key = der.subarray(PREFIX.length);
    return ed25519.verify(bytesOf(signature), new TextEncoder().encode(statement), key, { zip215: false });
  } catch {
    return false;
  }
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
