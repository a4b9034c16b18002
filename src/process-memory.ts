import { setFlagsFromString } from 'node:v8';

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

/** For processes that wait for months. V8 takes it at any time; it helps most before the large packages are loaded. */
export function preferSmallHeap(): void {
  setFlagsFromString('--optimize-for-size');
}
