import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { belowRoot } from '../files/below-root';
import { entriesIfThere } from '../files/files';

/** Temporal's run ids; a directory with any other name is not a run's. */
const RUN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Files of a backup run on the controller's disk until they are published. */
export async function stagingDirectory(stateDir: string, cluster: string, run: string): Promise<string> {
  return belowRoot(rootOf(stateDir), cluster, run);
}

/** Removes what ended backups have left in staging, as after a `temporal workflow terminate`. @returns the runs. */
export async function sweepStaging(stateDir: string, isOver: (run: string) => Promise<boolean>): Promise<string[]> {
  const over: string[] = [];
  for (const cluster of await directoriesIn(rootOf(stateDir))) {
    for (const run of await directoriesIn(join(rootOf(stateDir), cluster))) {
      if (!RUN_ID.test(run) || !(await isOver(run))) continue;
      await rm(join(rootOf(stateDir), cluster, run), { recursive: true, force: true });
      over.push(run);
    }
  }
  return over;
}

function rootOf(stateDir: string): string {
  return join(stateDir, 'staging');
}

async function directoriesIn(path: string): Promise<string[]> {
  const entries = await entriesIfThere(path);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
