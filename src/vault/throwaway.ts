import { isDrError } from '../contract/failures';
import type { Manifest } from '../contract/generation';
import type { SealStatus } from './answers';
import type { VaultClient } from './client';

/** Of a cluster that exists for seconds, until a snapshot replaces it. */
export interface Throwaway {
  /** Root token. */
  token: string;
  /** As many unseal keys as needed; none with auto-unseal. */
  keys: string[];
}

type Seals = Pick<Manifest, 'seal' | 'recovery'>;

/** Whether nobody needs to give a share. */
export function unsealsItself({ seal }: Pick<Manifest, 'seal'>): boolean {
  return seal.type !== 'shamir';
}

/**
 * Initialises a blank Vault, and unseals it unless it does that itself. If N and T differ from the snapshot's, Vault later
 * refuses the original shares ("invalid key size").
 * @param before each change
 */
export async function initializeThrowaway(
  vault: VaultClient,
  { seal, recovery }: Seals,
  before: () => void = () => undefined,
): Promise<Throwaway> {
  before();
  if (unsealsItself({ seal })) {
    const { secretShares, secretThreshold } = recovery ?? seal;
    const shares = { recoveryShares: secretShares, recoveryThreshold: secretThreshold };
    return { token: (await vault.initializeAutoUnseal(shares)).rootToken, keys: [] };
  }
  const { keys: all, rootToken: token } = await vault.initialize(seal);
  const keys = all.slice(0, seal.secretThreshold);
  for (const key of keys) {
    before();
    await vault.unseal({ key });
  }
  return { token, keys };
}

/**
 * A snapshot is accepted before anything of it is applied. Afterwards a Shamir node seals itself; with auto-unseal it stays
 * unsealed and shows the snapshot's cluster id (both measured, Vault 1.21.1).
 */
export function hasApplied(
  { sealed, clusterId }: SealStatus,
  { clusterId: expected }: Pick<Manifest, 'clusterId'>,
): boolean {
  return (sealed && !clusterId) || (!sealed && clusterId === expected);
}

/**
 * From outside, a Vault that died before it had applied a snapshot looks the same. But it is still the throwaway cluster,
 * whose keys unseal it.
 */
export async function keysAreRefused(
  vault: VaultClient,
  keys: readonly string[],
  before: () => void = () => undefined,
): Promise<boolean> {
  for (const key of keys) {
    before();
    try {
      await vault.unseal({ key });
    } catch (error) {
      if (!isDrError(error) || error.code !== 'VaultRefused') throw error;
      await vault.unseal({ reset: true });
      return true;
    }
  }
  return false;
}
