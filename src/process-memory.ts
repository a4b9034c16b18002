import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Variables of a controller or agent that are read when it starts, by V8 and by the C library. They take a third off its
 * memory (measured: an agent 145 MiB, then 93), and change nothing else.
 */
export const MEMORY_ENVIRONMENT = {
  // The young generation otherwise grows to 48 MiB while modules are loaded, and stays so.
  NODE_OPTIONS: '--max-semi-space-size=2',
  // Otherwise each of its threads has a heap of its own.
  MALLOC_ARENA_MAX: '2',
  // Otherwise the threshold rises, and what is freed is kept.
  MALLOC_TRIM_THRESHOLD_: '131072',
} as const;

/**
 * Bytes of a function that V8 still optimizes. Whole modules are larger: those of zod, once run a few hundred times, took it
 * 25 s and 400 MiB (measured, Node 20).
 */
const LARGEST_OPTIMIZED = 8_192;

/** For processes that wait for months. V8 takes it at any time; it helps most before the large packages are loaded. */
export function preferSmallHeap(): void {
  setFlagsFromString('--optimize-for-size');
  setFlagsFromString(`--max-optimized-bytecode-size=${LARGEST_OPTIMIZED}`);
}

const GROWTH_BYTES = 48 * 1024 ** 2;
/** Milliseconds. A collection takes a tenth of a second, so that there is a rest after each. */
const PACE = { look: 2_000, rest: 10_000 };

/**
 * Collects garbage when much of it lies outside of V8's heap. V8 itself lets that grow, and the C library keeps what was
 * once taken in small pieces: a controller had 550 MiB after a backup of each of 1,000 small clusters, and needed a
 * quarter of that (measured, Node 20).
 */
export async function collectBuffers(
  stop: AbortSignal,
  { outside = () => getHeapStatistics().external_memory, collect = collector(), pace = PACE } = {},
): Promise<void> {
  const pause = (ms: number) => sleep(ms, undefined, { signal: stop, ref: false }).catch(() => undefined);
  let floor = outside();
  while (!stop.aborted) {
    await pause(pace.look);
    if (stop.aborted || outside() - floor < GROWTH_BYTES) continue;
    collect();
    floor = outside();
    await pause(pace.rest);
  }
}

/** V8's own, which Node has only with a flag. */
export function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
