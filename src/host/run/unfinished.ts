import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_PATTERN, runName } from '../../contract/names';
import { writeFileAtomically } from '../../files/atomic-file';
import { privateDirectory } from '../../files/files';
import { readOwnFile } from '../../files/own-files';

/** Says that a run has begun to set data aside, until it ends or the data is put back: Temporal may lose the run. */
export interface UnfinishedNote {
  run: string;
  /** According to Temporal. */
  startedAt: string;
}

/** More than anybody leaves open; keeps reports small. */
const MOST = 20;

const directoryOf = (stateDir: string) => join(stateDir, 'unfinished');
const fileOf = (stateDir: string, run: string) => join(directoryOf(stateDir), `${runName(run)}.json`);

/** Durable before anything is renamed. Repeatable. */
export async function noteUnfinished(stateDir: string, { run, startedAt }: UnfinishedNote): Promise<void> {
  await privateDirectory(directoryOf(stateDir));
  await writeFileAtomically(fileOf(stateDir, run), `${JSON.stringify({ run, startedAt })}\n`);
}

export async function forgetUnfinished(stateDir: string, run: string): Promise<void> {
  await rm(fileOf(stateDir, run), { force: true });
}

/** Newest first. */
export async function unfinishedNotes(stateDir: string): Promise<UnfinishedNote[]> {
  const names = await readdir(directoryOf(stateDir)).catch(() => []);
  const runs = names.flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -'.json'.length)] : []));
  return runs
    .filter((run) => RUN_PATTERN.test(run))
    .flatMap((run) => noteOf(stateDir, run) ?? [])
    .toSorted((left, right) => (left.startedAt < right.startedAt ? 1 : -1))
    .slice(0, MOST);
}

function noteOf(stateDir: string, run: string): UnfinishedNote | null {
  const text = readOwnFile(fileOf(stateDir, run));
  if (text === null) return null;
  try {
    const { startedAt } = JSON.parse(text) as Partial<UnfinishedNote>;
    return { run, startedAt: typeof startedAt === 'string' ? startedAt : '' };
  } catch {
    // An unreadable note still counts.
    return { run, startedAt: '' };
  }
}
