import { DrError } from '../contract/failures';
import type { VaultClient } from './client';

/**
 * Makes a root token with the shares of the holders: the recovery keys, if the seal unseals by itself.
 * @returns a token: secret
 * @throws DrError VaultRefused if they are wrong
 */
export async function generateRoot(vault: VaultClient, shares: readonly string[]): Promise<string> {
  const begun = await vault.beginRootGeneration();
  for (const key of shares) {
    const { complete, encodedToken } = await vault.continueRootGeneration({ key, nonce: begun.nonce });
    if (complete) return decodeRootToken(encodedToken, begun.otp);
  }
  await vault.cancelRootGeneration();
  throw new DrError('VaultRefused', `A root token needs ${begun.required} shares; ${shares.length} are too few.`, {
    where: vault.node,
  });
}

/** @param encoded base64, without padding, of the token combined with its one-time password by exclusive or */
export function decodeRootToken(encoded: string, otp: string): string {
  const key = Buffer.from(otp);
  const token = Buffer.from(encoded, 'base64').map((byte, index) => byte ^ (key[index] ?? 0));
  return Buffer.from(token).toString('latin1');
}
