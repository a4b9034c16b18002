import { RUN_PATTERN } from '../../contract/names';
import { entriesIfThere } from '../../files/files';
import { destroyRunIdentity, IDENTITY_SUFFIX } from './run-identity';

/** Destroys identities whose run is over, as after a `temporal workflow terminate`. @returns the runs. */
export async function sweepRunIdentities(
  runtimeDir: string,
  isOver: (run: string) => Promise<boolean>,
): Promise<string[]> {
  const names = (await entriesIfThere(runtimeDir)).map(({ name }) => name);
  // Also files of an agent that was killed while writing one.
  const runs = new Set(
    names.filter((name) => name.includes(IDENTITY_SUFFIX)).map((name) => name.split(IDENTITY_SUFFIX, 1)[0] ?? ''),
  );
  const over: string[] = [];
  for (const run of runs) {
    if (!RUN_PATTERN.test(run) || !(await isOver(run))) continue;
    await destroyRunIdentity(runtimeDir, run);
    over.push(run);
  }
  return over;
}
