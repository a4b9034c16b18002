import type { Encrypter } from 'age-encryption';
import { DrError } from '../contract/failures';

/**
 * An unseal share, encrypted for the agents of a run as they open it. It runs in browsers too.
 * @throws DrError InvalidConfiguration if there is no recipient or one is malformed.
 */
export async function sealShare(share: string, recipients: readonly string[]): Promise<string> {
  // ESM only.
  const age = await import('age-encryption');
  const encrypter = new age.Encrypter();
  if (recipients.length === 0) throw noRecipient();
  for (const recipient of recipients) addRecipient(encrypter, recipient);
  return age.armor.encode(await encrypter.encrypt(share.trim()));
}

/** @throws DrError InvalidConfiguration */
export function addRecipient(encrypter: Encrypter, recipient: string): void {
  try {
    encrypter.addRecipient(recipient);
  } catch (error) {
    throw new DrError('InvalidConfiguration', `'${recipient}' is not an age recipient.`, {
      advice: 'Use the public age1… line printed by age-keygen, or the line of an id_ed25519.pub.',
      cause: error,
    });
  }
}

export function noRecipient(): DrError {
  return new DrError('InvalidConfiguration', 'There is no age recipient to encrypt to.');
}
