import type { KeyCount } from '../contract/generation';

/** A small snapshot takes under six seconds (measured, Vault 1.21.1). */
const LEAST_MS = 60_000;
/** Bytes per second that a poor disk still takes. */
const SLOWEST = 2 * 1024 ** 2;

/** Milliseconds that a Vault may take to load a snapshot; one that takes longer hangs in it, which has been seen. */
export function applyLimitMs({ bytes }: Pick<KeyCount, 'bytes'>): number {
  return LEAST_MS + Math.ceil((bytes / SLOWEST) * 1_000);
}
