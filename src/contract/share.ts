import { walkMessage } from './message-bounds';

/** Vault's AES key has 16 to 32 bytes; a Shamir share has one more. With N = 1 the "share" is the key itself. */
const SHORTEST_SHARE_BYTES = 16;
const LONGEST_SHARE_BYTES = 33;

/**
 * Decodes a share as printed by `vault operator init`: base64 or hexadecimal.
 * @returns lower-case hexadecimal for both; null if it is neither, or too short or long for a share.
 */
export function decodeShare(text: string): string | null {
  const value = text.trim();
  const hex = /^(?:[0-9a-f]{2})+$/i.test(value) ? value.toLowerCase() : base64ToHex(value);
  if (hex === null) return null;
  const bytes = hex.length / 2;
  return bytes >= SHORTEST_SHARE_BYTES && bytes <= LONGEST_SHARE_BYTES ? hex : null;
}

/** Why a text, as it was entered, is no share; null if it is one. @param isPgp whether it is an OpenPGP message */
export function problemOfShare(text: string, isPgp: boolean): string | null {
  if (decodeShare(text) !== null) return null;
  if (isPgp) return 'This share is PGP-encrypted.';
  if (text.includes('AGE ENCRYPTED FILE')) return 'This is an encrypted envelope, not an unseal share.';
  return 'This is not an unseal share: base64 or hexadecimal, 16 to 33 bytes.';
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The workflow sandbox has no Buffer. */
function base64ToHex(value: string): string | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(value) || value.length % 4 !== 0) return null;
  let bits = 0;
  let width = 0;
  let hex = '';
  for (const character of value.replace(/=+$/, '')) {
    bits = (bits << 6) | BASE64.indexOf(character);
    width += 6;
    if (width < 8) continue;
    width -= 8;
    hex += ((bits >> width) & 0xff).toString(16).padStart(2, '0');
    bits &= (1 << width) - 1;
  }
  return hex;
}

export type EnvelopeVerdict = { ok: true } | { ok: false; exposed: boolean; reason: string };

const ENVELOPE = /^-----BEGIN AGE ENCRYPTED FILE-----\s([A-Za-z0-9+/=\s]+)-----END AGE ENCRYPTED FILE-----\s*$/;
const LONGEST_ENVELOPE = 16 * 1024;

const ENCRYPT = 'Send it encrypted: `vault-dr unseal`, or `age -a` to the recipients that the run shows.';

/** Answer to a message that is rejected before Temporal stores it. */
export const TURNED_AWAY = `This looks like an unseal share in clear text. It was rejected, and Temporal does not keep it. If others could see it in transit, rekey when the cluster is back. ${ENCRYPT}`;

/** Whether a message may be passed to an agent. Plaintext was visible to everybody who can read the run's history. */
export function checkEnvelope(share: string): EnvelopeVerdict {
  if (findsShareInClear(share)) {
    return {
      ok: false,
      exposed: true,
      reason: `This looks like an unseal share in clear text. It was not used. Treat it as exposed, and rekey when the cluster is back. ${ENCRYPT}`,
    };
  }
  if (share.length > LONGEST_ENVELOPE || !ENVELOPE.test(share.trim())) {
    return {
      ok: false,
      exposed: false,
      reason:
        'This is not an armored age file (-----BEGIN AGE ENCRYPTED FILE-----). ' +
        'Use `vault-dr unseal`, or `age -a` to the recipients that the run shows.',
    };
  }
  return { ok: true };
}

/**
 * Whether there is a share in clear anywhere in a message, whatever the message was meant to be; of one that is too
 * large, only the beginning is searched. Also finds shares as people paste them: in quotes, or as the line `Unseal Key
 * 1: …`. Lines of an age file look like shares.
 * @param known values that look like a share and are none, such as a hash
 */
export function findsShareInClear(message: unknown, known: readonly (string | null)[] = []): boolean {
  let found = false;
  walkMessage(message, (text) => {
    if (text.includes('AGE ENCRYPTED FILE')) return false;
    found = wordsOf(text).some((word) => !known.includes(word) && decodeShare(word) !== null);
    return found;
  });
  return found;
}

function wordsOf(text: string): string[] {
  return text.split(/[\s"',;:{}[\]]+/);
}
