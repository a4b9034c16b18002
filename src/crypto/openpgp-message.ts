import { openPgpText } from './openpgp-text';

/**
 * An OpenPGP message in any common form: binary, armored, base64 or hexadecimal, as Vault's API, its CLI and key managers
 * print it, with blanks and line ends as mail adds them. @returns it as gpg accepts it; null if it is none of these.
 */
export function openPgpMessage(given: Buffer): Buffer | null {
  const message = openPgpText(given.toString('latin1'));
  return message === null ? null : Buffer.from(message, 'latin1');
}
