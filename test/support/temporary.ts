import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A directory for each test of a file, removed after it.
 * @returns a function that answers with a path in it; only tests and hooks may call it.
 */
export function useDirectory(): (...segments: string[]) => string {
  let directory = '';
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vault-dr-test-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));
  return (...segments) => join(directory, ...segments);
}
