import { randomBytes } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { DrError } from '../../contract/failures';
import type { Layout, LeftOver } from '../../contract/host';
import type { Attempt } from '../run/attempt';
import {
  beside,
  describeDataDirectory,
  ignoreUnreachable,
  layoutOfRun,
  ownerAndMode,
  putBlankDirectory,
  readMarker,
  readNote,
  removeBeside,
  setAsidePath,
  sizeOf,
  temporaryName,
} from './data-directory';
import { deleteInside, putBackInside } from './inside';
import { ASIDE_NOTE, asideNote, MARKER } from './notes';
import { physicalPath } from './physical-path';
import { entriesOf, type Place, placeOf } from './place';
import { statIfThere, syncTree } from '../../files/files';
import { inDirectory, SafeDirectory } from '../../files/safe-directory';
import { copyTree, removeTree } from '../../files/safe-tree';

/** The data that a restore wrote, once the old data is back in place. */
function rolledBackPath(path: string, runId: string): string {
  return placeOf(path, 'beside').path('rolled-back', runId);
}

/** For disks too small to keep it: deletes a data directory and creates an empty one. Repeatable. */
export async function deleteDataDirectory(
  path: string,
  runId: string,
  attempt: Attempt,
  layout: Layout = 'beside',
): Promise<void> {
  if (layout === 'inside') return deleteInside(await physicalPath(path), runId, attempt);
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
 * Copies a data directory to where a run sets it aside, and marks the original as the run's. For data without another
 * copy. Repeatable: a copy gets its name only once it is complete and on the disk. Vault must be stopped, and proved to
 * be.
 */
export async function copyAside(dataDir: string, runId: string, attempt: Attempt): Promise<string> {
  if (!(await statIfThere(dataDir)))
    throw new DrError('NodeUnsafe', `${dataDir} is missing, and it held the only copy of the data.`, {
      notice: 'last-data-gone',
    });
  const path = await physicalPath(dataDir);
  const place = placeOf(path, await layoutOfRun(dataDir, runId));
  const aside = place.path('pre-restore', runId);
  await inDirectory(place.parent, async (parent) => {
    const data = SafeDirectory.open(path);
    try {
      if (!parent.lstat(basename(aside))) await makeCopy(place, parent, data, runId, attempt);
      attempt.assertCurrent();
      data.put(MARKER, `${runId}\n`, { owner: data.stats() });
    } finally {
      data.close();
    }
  });
  return aside;
}

async function makeCopy(
  place: Place,
  parent: SafeDirectory,
  data: SafeDirectory,
  runId: string,
  attempt: Attempt,
): Promise<void> {
  // Files of killed attempts take up the space that this one needs.
  await removeBeside(parent, [`${place.name('copy', runId)}-`], attempt);
  const name = `${place.name('copy', runId)}-${randomBytes(4).toString('hex')}`;
  const copied = place.name('pre-restore', runId);
  const copy = parent.makeDirectory(name);
  try {
    await copyTree(data, copy, attempt.signal, entriesOf(data));
    copy.put(ASIDE_NOTE, asideNote(runId));
    // From then on the only other copy is changed.
    await syncTree(copy.address);
    const stats = data.stats();
    copy.give(stats, stats.mode & 0o777);
    await copy.sync();
    attempt.assertCurrent();
    parent.rename(name, copied);
    parent.requireSame(copied, copy);
  } finally {
    copy.close();
    await removeTree(parent, name);
  }
  await parent.sync();
}

export const PUT_BACK = ['put back', 'held nothing', 'untouched'] as const;
export type PutBack = (typeof PUT_BACK)[number];

/**
 * Puts back the data that a run has set aside; data written by the run is renamed, not deleted. Repeatable. Vault must
 * be stopped, and proved to be.
 * @returns `held nothing` if there was no data before the run, `untouched` if the run had not set anything aside.
 * @throws DrError NodeUnsafe if there is a directory that the run did not create.
 */
export async function putBackDataDirectory(path: string, runId: string, attempt: Attempt): Promise<PutBack> {
  if ((await layoutOfRun(path, runId)) === 'inside') return putBackInside(await physicalPath(path), runId, attempt);
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
        throw new DrError(
          'NodeUnsafe',
          `${path} was not created by this run, so the previous data is not moved there.`,
          {
            notice: 'data-directory-back',
            advice: `Something has written there. Move ${path} away by hand, then resume.`,
          },
        );
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

/** Lists the directories that runs have set aside, or rolled back. */
export async function listLeftOvers(dataDir: string, runId: string): Promise<LeftOver[]> {
  const path = await physicalPath(dataDir);
  const found: LeftOver[] = [];
  for (const layout of ['beside', 'inside'] as const) {
    for (const kind of ['pre-restore', 'rolled-back'] as const) {
      const candidate = placeOf(path, layout).path(kind, runId);
      if (!(await statIfThere(candidate))?.isDirectory()) continue;
      const note = await readNote(candidate, ASIDE_NOTE);
      const setAsideAt = note?.match(/ at (\S+)/)?.[1] ?? null;
      found.push({ path: candidate, sizeBytes: await sizeOf(candidate), setAsideAt });
    }
  }
  return found;
}

/**
 * Deletes the directories that one run left, and nothing else.
 * @throws DrError NodeUnsafe if a directory of that name lacks the run's note or marker.
 */
export async function removeLeftOvers(dataDir: string, runId: string, attempt: Attempt): Promise<LeftOver[]> {
  const path = await physicalPath(dataDir);
  const leftOvers = await listLeftOvers(dataDir, runId);
  for (const layout of ['beside', 'inside'] as const) {
    const place = placeOf(path, layout);
    const own = leftOvers.filter((item) => dirname(item.path) === place.parent);
    const work = inDirectory(place.parent, async (parent) => {
      for (const { path: doomed } of own) {
        await requireOwn(doomed, runId);
        attempt.assertCurrent();
        parent.rename(basename(doomed), `${place.name('discarded', runId)}-${randomBytes(4).toString('hex')}`);
      }
      await removeBeside(parent, [`${place.name('discarded', runId)}-`]);
    });
    await (own.length > 0 ? work : work.catch(ignoreUnreachable));
  }
  return leftOvers;
}

async function requireOwn(doomed: string, runId: string): Promise<void> {
  const note = await readNote(doomed, ASIDE_NOTE);
  if (note?.includes(runId) === true || (await readMarker(doomed)) === runId) return;
  throw new DrError('NodeUnsafe', `${doomed} has no note of that run, so it is not deleted.`, {
    advice: 'Inspect it, and delete it by hand if it is not needed.',
  });
}
