import { readdir } from 'node:fs/promises';
import { destroyRunIdentity } from './run-identity';

const SUFFIX = '.identity';

/** Destroys identities whose run is over, as after a `temporal workflow terminate`. @returns the runs. */
export async function sweepRunIdentities(
  runtimeDir: string,
  isOver: (run: string) => Promise<boolean>,
): Promise<string[]> {
  const names = await readdir(runtimeDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const runs = names.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length));
  const over: string[] = [];
  for (const run of runs) {
    if (!(await isOver(run))) continue;
    await destroyRunIdentity(runtimeDir, run);
    over.push(run);
  }
  return over;
}
