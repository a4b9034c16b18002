import { join } from 'node:path';
import { RUN_PATTERN } from '../../contract/names';
import { loadLimitMs, sendingLimitMs } from '../../vault/load-limits';
import { findAside, readMarker, sizeOf, sizeOfData } from './data-directory';
import { entriesIfThere } from '../../files/files';

/**
 * Where Vault stores what its leader sends: created with the first byte, renamed after the last, removed if it is cut
 * off.
 */
const INCOMING = join('raft', 'snapshots');

/** Vault writes 50,000 keys at a time, so on a slow network data may take long to reach the disk. */
const LONGEST_BATCH_MS = 10 * 60_000;

/**
 * Bytes of the snapshot that the leader is currently sending to the Vault of this data directory; null if none. When
 * Vault starts, it removes the rest of one that was cut off.
 */
export async function incomingBytes(dataDir: string): Promise<number | null> {
  const directory = join(dataDir, INCOMING);
  const found = (await entriesIfThere(directory)).find((entry) => entry.isDirectory() && entry.name.endsWith('.tmp'));
  return found ? sizeOf(join(directory, found.name)) : null;
}

/**
 * Watches Vault load its data, from its disk or its leader. Call it about every second: it returns whether Vault may
 * still be loading, while the incoming data grows, and then for as long as a slow disk needs to read what is there.
 */
export function watchLoading(dataDir: string, now: () => number = Date.now): () => Promise<boolean> {
  let most = -1;
  let grownAt = now();
  return async () => {
    const incoming = await incomingBytes(dataDir);
    // More than ever before: a transfer that is cut off at the same place each time makes no progress.
    if (incoming !== null && incoming > most) {
      most = incoming;
      grownAt = now();
    }
    const limitMs = incoming === null ? await quietLimitMs(dataDir) : LONGEST_BATCH_MS;
    return now() - grownAt < limitMs;
  };
}

/** How long it may be silent. The size of the data set aside here indicates how much the leader has to send. */
async function quietLimitMs(dataDir: string): Promise<number> {
  const run = await readMarker(dataDir);
  // Anybody who can write to the data directory can write anything into its marker.
  const aside = run === null || !RUN_PATTERN.test(run) ? null : await findAside(dataDir, run);
  const before = aside === null ? 0 : await sizeOf(aside);
  return loadLimitMs(await sizeOfData(dataDir)) + sendingLimitMs(before);
}
