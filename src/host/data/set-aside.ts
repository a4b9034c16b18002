import { chownSync, renameSync, writeFileSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DrError } from '../../contract/failures';
import type { LeftOver } from '../../contract/host';
import type { Attempt } from '../run/attempt';
import { copyDirectory, endCopies } from './copy-directory';
import {
  ASIDE_NOTE,
  asideNote,
  besideData,
  describeDataDirectory,
  MARKER,
  ownerAndMode,
  putBlankDirectory,
  readMarker,
  setAsidePath,
  statIfThere,
  temporaryName,
} from './data-directory';
import { readIfThere, syncDirectory, syncTree } from '../../files/files';

/** What a restore made, once the old data are back in its place. */
function rolledBackPath(path: string, runId: string): string {
  return besideData(path, 'rolled-back', runId);
}

/** For disks that are too small to keep it: deletes a data directory and puts an empty one in its place. Repeatable. */
export async function deleteDataDirectory(path: string, runId: string, attempt: Attempt): Promise<void> {
  const current = await statIfThere(path);
  if (current && (await readMarker(path)) === runId) return;
  const like = current ?? (await ownerAndMode(path, runId));
  if (current) {
    const discarded = temporaryName(path, 'discarded', runId);
    attempt.assertCurrent();
    renameSync(path, discarded);
  }
  await putBlankDirectory(path, runId, attempt, like);
}

/**
 * Copies a data directory to where a run sets it aside, and marks the one that stays as the run's. For data of which there is
 * no other copy. Repeatable: a copy has its name only when it is whole, and on the disk. Vault must be stopped, and proved to be.
 */
export async function copyAside(path: string, runId: string, attempt: Attempt): Promise<string> {
  const aside = setAsidePath(path, runId);
  const own = await statIfThere(path);
  if (!own) throw new DrError('NodeUnsafe', `${path} is gone, and it held the only data.`);
  if (!(await statIfThere(aside))) {
    await removeCopies(path, runId, attempt);
    const copy = temporaryName(path, 'copy', runId);
    try {
      await copyDirectory(path, copy, attempt.signal);
      await writeFile(join(copy, ASIDE_NOTE), asideNote(runId));
      // What is changed from now on is the only other one.
      await syncTree(copy);
      attempt.assertCurrent();
      renameSync(copy, aside);
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
    await syncDirectory(dirname(path));
  }
  attempt.assertCurrent();
  writeFileSync(join(path, MARKER), `${runId}\n`);
  if (process.getuid?.() === 0) chownSync(join(path, MARKER), own.uid, own.gid);
  return aside;
}

/** What attempts that were killed have left takes the room that the next one needs. */
async function removeCopies(path: string, runId: string, attempt: Attempt): Promise<void> {
  const prefix = `${besideData(path, 'copy', runId)}-`;
  await endCopies(prefix, attempt);
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(basename(prefix))) continue;
    attempt.assertCurrent();
    await rm(join(dirname(path), name), { recursive: true, force: true });
  }
}

export const PUT_BACK = ['put back', 'held nothing', 'untouched'] as const;
export type PutBack = (typeof PUT_BACK)[number];

/**
 * Puts back what a run has set aside; what the run made in its place is renamed, not deleted. Repeatable. Vault must be
 * stopped, and proved to be.
 * @returns `held nothing` where there was nothing before the run, `untouched` where the run had not set anything aside.
 * @throws DrError NodeUnsafe when a directory is in the way that the run did not make.
 */
export async function putBackDataDirectory(path: string, runId: string, attempt: Attempt): Promise<PutBack> {
  const aside = setAsidePath(path, runId);
  const marker = (await statIfThere(path)) ? await readMarker(path) : null;
  if (await statIfThere(aside)) {
    if (await statIfThere(path)) {
      if (marker !== runId) {
        throw new DrError('NodeUnsafe', `${path} was not made by this run, so the old data are not put in its place.`, {
          advice: `Something wrote there meanwhile. Move ${path} away by hand, then resume.`,
        });
      }
      attempt.assertCurrent();
      renameSync(path, rolledBackPath(path, runId));
    }
    attempt.assertCurrent();
    renameSync(aside, path);
    await syncDirectory(dirname(path));
    await rm(join(path, ASIDE_NOTE), { force: true });
    return 'put back';
  }
  if ((await readIfThere(join(path, ASIDE_NOTE)))?.includes(runId)) {
    await rm(join(path, ASIDE_NOTE), { force: true });
    return 'put back';
  }
  if (marker !== runId) return (await statIfThere(rolledBackPath(path, runId))) ? 'put back' : 'untouched';
  if ((await describeDataDirectory(path)).empty) return 'held nothing';
  const like = await ownerAndMode(path, runId);
  attempt.assertCurrent();
  renameSync(path, rolledBackPath(path, runId));
  await putBlankDirectory(path, runId, attempt, like);
  return 'held nothing';
}

/** Lists what a run has set aside, or rolled back, beside a data directory. */
export async function listLeftOvers(path: string, runId: string): Promise<LeftOver[]> {
  const found: LeftOver[] = [];
  for (const candidate of [setAsidePath(path, runId), rolledBackPath(path, runId)]) {
    if (!(await statIfThere(candidate))) continue;
    const { sizeBytes } = await describeDataDirectory(candidate);
    const note = await readIfThere(join(candidate, ASIDE_NOTE));
    found.push({ path: candidate, sizeBytes, setAsideAt: note?.match(/ at (\S+)/)?.[1] ?? null });
  }
  return found;
}

/**
 * Deletes what one run left beside a data directory, and nothing else.
 * @throws DrError NodeUnsafe when a directory of that name doesn't carry the run's note or marker.
 */
export async function removeLeftOvers(path: string, runId: string, attempt: Attempt): Promise<LeftOver[]> {
  const leftOvers = await listLeftOvers(path, runId);
  for (const { path: doomed } of leftOvers) {
    const note = await readIfThere(join(doomed, ASIDE_NOTE));
    const own = note?.includes(runId) === true || (await readMarker(doomed)) === runId;
    if (!own) {
      throw new DrError('NodeUnsafe', `${doomed} carries no note of that run, so it is not deleted.`, {
        advice: 'Look at it, and delete it by hand if it may go.',
      });
    }
    attempt.assertCurrent();
    renameSync(doomed, temporaryName(path, 'discarded', runId));
  }
  const prefix = `${basename(besideData(path, 'discarded', runId))}-`;
  for (const name of await readdir(dirname(path))) {
    if (name.startsWith(prefix)) await rm(join(dirname(path), name), { recursive: true, force: true });
  }
  return leftOvers;
}
