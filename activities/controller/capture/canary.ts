import { writeCanary } from '../../../src/vault/canary';
import type { VaultClient } from '../../../src/vault/client';
import { cancellation } from '../../heartbeat';
import type { Captured } from './captured';

/** A proof that is missing is no reason to make no backup. */
export async function tryCanary(
  vault: VaultClient,
  path: string | null,
): Promise<Pick<Captured, 'canary' | 'warnings'>> {
  if (path === null) return { canary: null, warnings: [] };
  try {
    return { canary: await writeCanary(vault, path), warnings: [] };
  } catch (error) {
    cancellation().throwIfAborted();
    return { canary: null, warnings: [`the canary could not be written: ${(error as Error).message}`] };
  }
}
