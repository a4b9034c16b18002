import { join } from 'node:path';
import { RUN_PATTERN } from '../contract/names';
import { readOwnFile } from '../files/own-files';

/** Those of the runs whose report is stored here; Temporal may have forgotten them. */
export function endedRuns(stateDir: string, cluster: string, runs: readonly string[]): string[] {
  const directory = join(stateDir, 'reports', cluster);
  return [...new Set(runs)].filter((run) => RUN_PATTERN.test(run) && isKept(join(directory, `${run}.json`)));
}

/** Untrusted reports are ignored. */
function isKept(file: string): boolean {
  try {
    return readOwnFile(file, { maxBytes: 64 * 1024 ** 2 }) !== null;
  } catch {
    return false;
  }
}
