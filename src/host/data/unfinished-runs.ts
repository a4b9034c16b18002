import { join } from 'node:path';
import type { UnfinishedRun } from '../../contract/host';
import { RUN_PATTERN } from '../../contract/names';
import { entriesIfThere } from '../../files/files';
import { readOwnFile } from '../../files/own-files';
import { readRaftStorage } from '../../vault/storage/raft-storage';
import { readClaim } from '../run/claim';
import { forgetUnfinished, unfinishedNotes } from '../run/unfinished';
import { DrError } from '../../contract/failures';
import { findAside, inData, readMarker, sizeOf } from './data-directory';
import { isHalfMoved } from './inside';
import { listKeptConsul } from './kept-consul';

interface OwnNode {
  stateDir: string;
  dataDir: string;
}

/**
 * What runs that never ended have done on this host, by the agent's own notes; Temporal may not know them. Changes
 * nothing.
 * @param own the run that asks
 * @param stagedFile where a run notes the backup that it has verified here
 */
export async function describeUnfinished(
  { stateDir, dataDir }: OwnNode,
  own: string,
  stagedFile: string,
): Promise<UnfinishedRun[]> {
  const notes = await unfinishedNotes(stateDir);
  const claim = await readClaim(stateDir);
  const open = claim !== null && RUN_PATTERN.test(claim.run) && (await hasRunDirectory(stateDir, claim.run));
  const claimed = open && !notes.some(({ run }) => run === claim.run) ? [claim] : [];
  const marker = await readMarker(dataDir);
  const runs = [...notes, ...claimed].filter(({ run }) => run !== own);
  return Promise.all(
    runs.map(async ({ run, startedAt }) => ({
      run,
      startedAt,
      staged: stagedBy(join(stateDir, 'runs', run, stagedFile)),
      beganToSetAside: notes.some((note) => note.run === run),
      setAside: await describeAside(await findAside(dataDir, run)),
      madeDataDir: marker === run,
      ...((await isHalf(dataDir, run)) ? { isHalfMoved: true } : {}),
      ...(await keptBy(stateDir, run)),
    })),
  );
}

async function keptBy(stateDir: string, run: string): Promise<Pick<UnfinishedRun, 'keptConsul'>> {
  const [kept] = await listKeptConsul(stateDir, run);
  return kept ? { keptConsul: { path: kept.path, sizeBytes: kept.sizeBytes } } : {};
}

async function hasRunDirectory(stateDir: string, run: string): Promise<boolean> {
  return (await entriesIfThere(join(stateDir, 'runs'))).some((entry) => entry.isDirectory() && entry.name === run);
}

function stagedBy(file: string): string | null {
  const text = readOwnFile(file);
  if (text === null) return null;
  try {
    const { generation } = JSON.parse(text) as { generation?: unknown };
    return typeof generation === 'string' ? generation : null;
  } catch {
    return null;
  }
}

/**
 * @throws DrError NodeUnsafe if another run was ended in the middle: the data it set aside and the rest in the data
 * directory belong together.
 */
export async function assertNoneHalfMoved({ stateDir, dataDir }: OwnNode, own: string): Promise<void> {
  for (const { run } of await unfinishedNotes(stateDir)) {
    if (run === own || !(await isHalf(dataDir, run))) continue;
    throw new DrError(
      'NodeUnsafe',
      `Run ${run} ended while it set ${dataDir} aside: only part of the data is still in place.`,
      {
        notice: 'data-half-set-aside',
        where: dataDir,
        advice: `Nothing was changed. \`vault-dr roll-back --of ${run}\` puts both parts back together; then start again.`,
      },
    );
  }
}

async function isHalf(dataDir: string, run: string): Promise<boolean> {
  try {
    return await inData(dataDir, (data) => isHalfMoved(data, run));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function describeAside(path: string | null): Promise<UnfinishedRun['setAside']> {
  if (path === null) return null;
  const sizeBytes = await sizeOf(path);
  // Unreadable data is put back all the same.
  return { path, sizeBytes, storage: await readRaftStorage(path).catch(() => null) };
}

/** Drops the notes of runs that have nothing left to put back. @param own its note stays */
export async function forgetSettled({ stateDir, dataDir }: OwnNode, own: string): Promise<void> {
  const marker = await readMarker(dataDir);
  for (const { run } of await unfinishedNotes(stateDir)) {
    if (run === own || run === marker || (await findAside(dataDir, run))) continue;
    if ((await listKeptConsul(stateDir, run)).length > 0) continue;
    await forgetUnfinished(stateDir, run);
  }
}
