import { DrError, isDrError } from '../contract/failures';
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

/** Makes root tokens of one set of shares after another, to find out which are right. The tokens are forgotten. */
export class RootTokens {
  #nonce: string | null = null;

  constructor(private readonly vault: VaultClient) {}

  /** @param shares as many as needed. @throws DrError VaultRefused if Vault makes no root tokens at all */
  async areMadeBy(shares: readonly string[]): Promise<boolean> {
    const nonce = (this.#nonce ??= (await this.vault.beginRootGeneration()).nonce);
    for (const key of shares) {
      try {
        if (!(await this.vault.continueRootGeneration({ key, nonce })).complete) continue;
        this.#nonce = null;
        return true;
      } catch (error) {
        // Vault has dropped the shares; the attempt is as it was.
        if (!isDrError(error) || error.code !== 'VaultRefused') throw error;
        return false;
      }
    }
    return false;
  }

  /** For whoever makes one next. */
  async end(): Promise<void> {
    if (this.#nonce !== null) await this.vault.cancelRootGeneration();
    this.#nonce = null;
  }
}
