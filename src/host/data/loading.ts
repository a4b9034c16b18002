import { join } from 'node:path';
import { RUN_PATTERN } from '../../contract/names';
import { loadLimitMs, sendingLimitMs } from '../../vault/load-limits';
import { findAside, readMarker, sizeOf, sizeOfData } from './data-directory';
import { entriesIfThere } from '../../files/files';

/** Where a Vault puts what its leader sends: made with the first byte, renamed after the last, removed when it is cut. */
const INCOMING = join('raft', 'snapshots');

/** Vault writes 50,000 keys at a time, so a slow network may keep what comes in off the disk for long. */
const LONGEST_BATCH_MS = 10 * 60_000;

/**
 * Bytes of the snapshot that the leader is sending to the Vault of this data directory right now; null when none comes. A Vault
 * that starts clears away what has come of one that was cut.
 */
export async function incomingBytes(dataDir: string): Promise<number | null> {
  const directory = join(dataDir, INCOMING);
  const found = (await entriesIfThere(directory)).find((entry) => entry.isDirectory() && entry.name.endsWith('.tmp'));
  return found ? sizeOf(join(directory, found.name)) : null;
}

/**
 * Watches a Vault load its data, from its disk or from its leader. The answer, asked for every second or so, says whether it may
 * still be at it: while what comes in grows, and then for as long as a poor disk takes to read what is there.
 */
export function watchLoading(dataDir: string, now: () => number = Date.now): () => Promise<boolean> {
  let most = -1;
  let grownAt = now();
  return async () => {
    const incoming = await incomingBytes(dataDir);
    // More than ever: what is cut at the same place again and again gets nowhere.
    if (incoming !== null && incoming > most) {
      most = incoming;
      grownAt = now();
    }
    const limitMs = incoming === null ? await quietLimitMs(dataDir) : LONGEST_BATCH_MS;
    return now() - grownAt < limitMs;
  };
}

/** How long nothing may be heard of it. What was set aside here tells about how much the leader has to send. */
async function quietLimitMs(dataDir: string): Promise<number> {
  const run = await readMarker(dataDir);
  // Whoever writes in the data directory can write anything into its marker.
  const aside = run === null || !RUN_PATTERN.test(run) ? null : await findAside(dataDir, run);
  const before = aside === null ? 0 : await sizeOf(aside);
  return loadLimitMs(await sizeOfData(dataDir)) + sendingLimitMs(before);
}
