import { basename } from 'node:path';
import { DrError } from '../../contract/failures';
import type { LeftOver } from '../../contract/host';
import type { Attempt } from '../run/attempt';
import {
  ASIDE_NOTE,
  asideNote,
  beside,
  besideData,
  describeDataDirectory,
  MARKER,
  ownerAndMode,
  putBlankDirectory,
  readMarker,
  readNote,
  removeBeside,
  setAsidePath,
  statIfThere,
  temporaryName,
} from './data-directory';
import { syncTree } from '../../files/files';
import { inDirectory, type SafeDirectory } from '../../files/safe-directory';
import { copyTree, removeTree } from '../../files/safe-tree';

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
    await beside(path, (parent) => {
      attempt.assertCurrent();
      parent.rename(basename(path), basename(temporaryName(path, 'discarded', runId)));
    });
  }
  await putBlankDirectory(path, runId, attempt, like);
}

/**
 * Copies a data directory to where a run sets it aside, and marks the one that stays as the run's. For data of which there is
 * no other copy. Repeatable: a copy has its name only when it is whole, and on the disk. Vault must be stopped, and proved to be.
 */
export async function copyAside(path: string, runId: string, attempt: Attempt): Promise<string> {
  const aside = setAsidePath(path, runId);
  if (!(await statIfThere(path))) throw new DrError('NodeUnsafe', `${path} is gone, and it held the only data.`);
  await beside(path, async (parent) => {
    const data = parent.child(basename(path));
    try {
      if (!parent.lstat(basename(aside))) await makeCopy(path, parent, data, runId, attempt);
      attempt.assertCurrent();
      data.put(MARKER, `${runId}\n`, { owner: data.stats() });
    } finally {
      data.close();
    }
  });
  return aside;
}

async function makeCopy(
  path: string,
  parent: SafeDirectory,
  data: SafeDirectory,
  runId: string,
  attempt: Attempt,
): Promise<void> {
  // What attempts that were killed have left takes the room that this one needs.
  await removeBeside(parent, [`${basename(besideData(path, 'copy', runId))}-`], attempt);
  const name = basename(temporaryName(path, 'copy', runId));
  const copy = parent.makeDirectory(name);
  try {
    await copyTree(data, copy, attempt.signal);
    copy.put(ASIDE_NOTE, asideNote(runId));
    // What is changed from now on is the only other one.
    await syncTree(copy.address);
    const stats = data.stats();
    copy.give(stats, stats.mode & 0o777);
    await copy.sync();
    attempt.assertCurrent();
    parent.rename(name, basename(setAsidePath(path, runId)));
    parent.requireSame(basename(setAsidePath(path, runId)), copy);
  } finally {
    copy.close();
    await removeTree(parent, name);
  }
  await parent.sync();
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
  return beside(path, async (parent) => {
    const move = (from: string, to: string) => {
      attempt.assertCurrent();
      parent.rename(basename(from), basename(to));
    };
    const present = (await statIfThere(path)) !== null;
    const marker = present ? await readMarker(path) : null;
    if (await statIfThere(aside)) {
      if (present && marker !== runId) {
        throw new DrError('NodeUnsafe', `${path} was not made by this run, so the old data is not put in its place.`, {
          advice: `Something wrote there meanwhile. Move ${path} away by hand, then resume.`,
        });
      }
      if (present) move(path, rolledBackPath(path, runId));
      move(aside, path);
      await parent.sync();
      await forgetAside(path);
      return 'put back';
    }
    if ((await readNote(path, ASIDE_NOTE))?.includes(runId)) {
      await forgetAside(path);
      return 'put back';
    }
    if (marker !== runId) return (await statIfThere(rolledBackPath(path, runId))) ? 'put back' : 'untouched';
    if ((await describeDataDirectory(path)).empty) return 'held nothing';
    const like = await ownerAndMode(path, runId);
    move(path, rolledBackPath(path, runId));
    await putBlankDirectory(path, runId, attempt, like);
    return 'held nothing';
  });
}

function forgetAside(path: string): Promise<void> {
  return inDirectory(path, (data) => data.unlink(ASIDE_NOTE));
}

/** Lists what a run has set aside, or rolled back, beside a data directory. */
export async function listLeftOvers(path: string, runId: string): Promise<LeftOver[]> {
  const found: LeftOver[] = [];
  for (const candidate of [setAsidePath(path, runId), rolledBackPath(path, runId)]) {
    if (!(await statIfThere(candidate))) continue;
    const { sizeBytes } = await describeDataDirectory(candidate);
    const note = await readNote(candidate, ASIDE_NOTE);
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
  await beside(path, async (parent) => {
    for (const { path: doomed } of leftOvers) {
      const note = await readNote(doomed, ASIDE_NOTE);
      const own = note?.includes(runId) === true || (await readMarker(doomed)) === runId;
      if (!own) {
        throw new DrError('NodeUnsafe', `${doomed} carries no note of that run, so it is not deleted.`, {
          advice: 'Look at it, and delete it by hand if it may go.',
        });
      }
      attempt.assertCurrent();
      parent.rename(basename(doomed), basename(temporaryName(path, 'discarded', runId)));
    }
    await removeBeside(parent, [`${basename(besideData(path, 'discarded', runId))}-`]);
  });
  return leftOvers;
}
