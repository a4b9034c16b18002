import type { KeyCount } from '../contract/generation';

/** A small snapshot takes under six seconds (measured, Vault 1.21.1). */
const LEAST_APPLY_MS = 60_000;
/** Bytes per second that a slow disk writes. */
const SLOWEST_WRITE = 2 * 1024 ** 2;

/** Without data it takes a second or two. */
const LEAST_LOAD_MS = 60_000;
/** Bytes per second that a slow disk reads. */
const SLOWEST_READ = 8 * 1024 ** 2;
/** The same for data that was just loaded, and so is mostly cached. */
const SLOWEST_READ_AGAIN = 64 * 1024 ** 2;

/** Milliseconds that a Vault may take to load a snapshot; one that takes longer hangs (observed). */
export function applyLimitMs({ bytes }: Pick<KeyCount, 'bytes'>): number {
  return LEAST_APPLY_MS + Math.ceil((bytes / SLOWEST_WRITE) * 1_000);
}

/** Milliseconds that a Vault may take to open its data: it reads all of it before it answers. */
export function loadLimitMs(dataBytes: number): number {
  return LEAST_LOAD_MS + Math.ceil((dataBytes / SLOWEST_READ) * 1_000);
}

/** Milliseconds until a leader begins to send its data to a joining node: it reads all of it first, to know its size. */
export function sendingLimitMs(dataBytes: number): number {
  return Math.ceil((dataBytes / SLOWEST_READ_AGAIN) * 1_000);
}
