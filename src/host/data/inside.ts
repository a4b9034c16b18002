import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DrError } from '../../contract/failures';
import { removeTree } from '../../files/safe-tree';
import { inDirectory, type SafeDirectory } from '../../files/safe-directory';
import type { Attempt } from '../run/attempt';
import { asideNote, ASIDE_NOTE, MARKER } from './notes';
import { entriesOf, type Kind, placeOf, staysInPlace } from './place';

/**
 * For a data directory that can't be renamed itself: a mount point or a link. Its entries are renamed, one by one, into
 * a directory inside it, which first gets a list of them. From that list each attempt knows the original data, wherever
 * the one before it ended: whatever is on both sides, or not on the list, appeared meanwhile, and nothing is ever
 * renamed over it. Only afterwards the run's marker says that the current data is the run's. Vault ignores names that
 * it doesn't know.
 *
 * The agent is alone on its node, and no `await` separates each rename from `assertCurrent`, so an attempt that was
 * replaced can't make another one.
 */
const LIST = '.vault-dr-entries';
const MAX_LIST_BYTES = 1024 * 1024;

/** @returns the path of the data set aside; null if there was none. */
export async function setAsideInside(path: string, run: string, attempt: Attempt): Promise<string | null> {
  const place = placeOf(path, 'inside');
  const name = place.name('pre-restore', run);
  return inDirectory(path, async (data) => {
    const isThere = () => data.lstat(name) !== null;
    if (markerOf(data) === run) return isThere() ? place.path('pre-restore', run) : null;
    if (!isThere() && entriesOf(data).length > 0) await makeAside(data, run, attempt);
    if (isThere()) {
      await within(data, name, async (aside) => {
        const listed = requireList(aside);
        requireListed(data, listed);
        moveAll(data, aside, listed, attempt);
        await aside.sync();
        await data.sync();
      });
    }
    await mark(data, run, attempt);
    return isThere() ? place.path('pre-restore', run) : null;
  });
}

/**
 * Puts the data that was set aside back; data written by the run goes into its own directory. @returns as
 * `putBackDataDirectory`
 */
export async function putBackInside(
  path: string,
  run: string,
  attempt: Attempt,
): Promise<'put back' | 'held nothing' | 'untouched'> {
  const place = placeOf(path, 'inside');
  const [asideName, rolledBack] = [place.name('pre-restore', run), place.name('rolled-back', run)];
  return inDirectory(path, async (data) => {
    const isRunsOwn = markerOf(data) === run;
    if (data.lstat(asideName) === null) {
      if (!isRunsOwn) return data.lstat(rolledBack) ? 'put back' : 'untouched';
      await rollBackOwn(data, rolledBack, run, attempt);
      return 'held nothing';
    }
    return within(data, asideName, async (aside) => {
      if (isRunsOwn) {
        // A copy has no list: its original is still in place.
        if (listOf(aside) === null)
          await putList(
            aside,
            entriesOf(aside).filter((name) => !isNote(name)),
            attempt,
          );
        await rollBackOwn(data, rolledBack, run, attempt);
        attempt.assertCurrent();
        data.unlink(MARKER);
        await data.sync();
      }
      const listed = listOf(aside);
      // A copy whose original is untouched; or the rest of a set-aside directory whose last note was removed just
      // before its end.
      if (listed === null) {
        if (aside.names().length > 0) return 'untouched';
        attempt.assertCurrent();
        data.removeDirectory(asideName);
        return 'put back';
      }
      requireListed(data, listed);
      // `vault.db` last: without it a Vault that is started in the middle creates one, which is detected.
      moveAll(aside, data, listed.toReversed(), attempt);
      await data.sync();
      for (const note of [ASIDE_NOTE, LIST]) {
        attempt.assertCurrent();
        aside.unlink(note);
      }
      attempt.assertCurrent();
      data.removeDirectory(asideName);
      await data.sync();
      return 'put back';
    });
  });
}

/** Everything that this run created, except its marker. */
export async function blankInside(path: string, run: string, attempt: Attempt): Promise<void> {
  await inDirectory(path, async (data) => {
    if (markerOf(data) !== run) {
      throw new DrError('NodeUnsafe', `The contents of ${path} were not created by this run, so it is not emptied.`, {
        advice: 'Find out whose data this is. If it is not needed, move it away by hand, then resume.',
      });
    }
    await discardEntries(path, data, run, attempt);
  });
}

/** For disks too small to keep it. */
export async function deleteInside(path: string, run: string, attempt: Attempt): Promise<void> {
  await inDirectory(path, async (data) => {
    if (markerOf(data) === run) return;
    await discardEntries(path, data, run, attempt, true);
    await mark(data, run, attempt);
  });
}

/**
 * Whether a run was ended between two renames: only part of the data was set aside, or the rest was not yet marked as
 * the run's.
 */
export function isHalfMoved(data: SafeDirectory, run: string): boolean {
  const name = placeOf(data.path, 'inside').name('pre-restore', run);
  if (data.lstat(name) === null) return false;
  const aside = data.child(name);
  try {
    const listed = listOf(aside);
    if (listed === null) return false;
    const isMissing = listed.some((entry) => aside.lstat(entry) === null);
    return isMissing || (markerOf(data) === null && entriesOf(data).length === 0);
  } finally {
    aside.close();
  }
}

async function makeAside(data: SafeDirectory, run: string, attempt: Attempt): Promise<void> {
  const place = placeOf(data.path, 'inside');
  const name = temporary(data, 'blank', run);
  attempt.assertCurrent();
  const made = data.makeDirectory(name);
  try {
    made.put(ASIDE_NOTE, asideNote(run));
    await putList(made, entriesOf(data), attempt);
    const { uid, gid } = data.stats();
    made.give({ uid, gid }, 0o700);
    await made.sync();
    attempt.assertCurrent();
    data.rename(name, place.name('pre-restore', run));
  } catch (error) {
    await removeTree(data, name);
    throw error;
  } finally {
    made.close();
  }
  await data.sync();
}

/** Data written by a run: not needed, but kept for inspection. */
async function rollBackOwn(data: SafeDirectory, name: string, run: string, attempt: Attempt): Promise<void> {
  const own = entriesOf(data).filter((entry) => entry !== MARKER);
  if (own.length === 0) return;
  attempt.assertCurrent();
  if (data.lstat(name) === null) data.makeDirectory(name).close();
  await within(data, name, async (made) => {
    const owner = data.stats();
    attempt.assertCurrent();
    made.put(MARKER, `${run}\n`, { owner });
    moveAll(data, made, own, attempt);
    made.give(owner, 0o700);
    await made.sync();
    await data.sync();
  });
}

/** Renamed first and deleted afterwards: deleting takes time, and meanwhile a later attempt may fill the directory. */
async function discardEntries(
  path: string,
  data: SafeDirectory,
  run: string,
  attempt: Attempt,
  keepsThem = false,
): Promise<void> {
  const names = entriesOf(data).filter((name) => keepsThem || name !== MARKER);
  if (names.length === 0) return;
  const name = temporary(data, 'discarded', run);
  attempt.assertCurrent();
  data.makeDirectory(name).close();
  await within(data, name, (discarded) => moveAll(data, discarded, names, attempt));
  await data.sync();
  if (!keepsThem) await removeTree(data, name);
}

/** Renames each that is still there; one on the other side was renamed by an earlier attempt. */
function moveAll(from: SafeDirectory, to: SafeDirectory, names: readonly string[], attempt: Attempt): void {
  for (const name of names) {
    attempt.assertCurrent();
    const [here, there] = [from.lstat(name) !== null, to.lstat(name) !== null];
    if (here && there) throw cameBack(join(from.path, name), `it is also in ${to.path}`);
    if (here) from.rename(name, name, to);
  }
}

async function mark(data: SafeDirectory, run: string, attempt: Attempt): Promise<void> {
  attempt.assertCurrent();
  data.put(MARKER, `${run}\n`, { owner: data.stats() });
  await data.flush(MARKER);
}

function markerOf(data: SafeDirectory): string | null {
  return data.read(MARKER)?.trim() ?? null;
}

function requireListed(data: SafeDirectory, listed: readonly string[]): void {
  const stranger = entriesOf(data).find((name) => !listed.includes(name));
  if (stranger !== undefined) throw cameBack(join(data.path, stranger), 'it did not exist when this run began');
}

function requireList(aside: SafeDirectory): string[] {
  const listed = listOf(aside);
  if (listed !== null) return listed;
  throw new DrError('NodeUnsafe', `${aside.path} has no valid list of its contents, so nothing was set aside.`, {
    where: aside.path,
    advice: 'Find out who created it, and why. Move it away by hand, then resume.',
  });
}

/** The owner of the data may have written it, so its names must be entries of this directory. */
function listOf(aside: SafeDirectory): string[] | null {
  const text = aside.read(LIST, MAX_LIST_BYTES);
  if (text === null) return null;
  try {
    const names = JSON.parse(text) as unknown;
    if (!Array.isArray(names)) return null;
    return names.filter((name): name is string => typeof name === 'string' && isEntryName(name));
  } catch {
    return null;
  }
}

function isEntryName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name) && !staysInPlace(name) && !isNote(name);
}

async function putList(aside: SafeDirectory, names: readonly string[], attempt: Attempt): Promise<void> {
  const text = JSON.stringify(names);
  if (text.length > MAX_LIST_BYTES) {
    throw new DrError('NodeUnsafe', `Vault's data directory has ${names.length} entries: more than Vault creates.`, {
      where: aside.path,
      advice:
        "Nothing was changed. Check that this is the right directory; move away entries that are not Vault's, then resume.",
    });
  }
  attempt.assertCurrent();
  aside.put(LIST, text);
  await aside.flush(LIST);
}

function isNote(name: string): boolean {
  return name === ASIDE_NOTE || name === LIST;
}

function temporary(data: SafeDirectory, kind: Kind, run: string): string {
  return `${placeOf(data.path, 'inside').name(kind, run)}-${randomBytes(4).toString('hex')}`;
}

async function within<T>(
  data: SafeDirectory,
  name: string,
  work: (directory: SafeDirectory) => Promise<T> | T,
): Promise<T> {
  const directory = data.child(name);
  try {
    return await work(directory);
  } finally {
    directory.close();
  }
}

function cameBack(path: string, why: string): DrError {
  return new DrError('NodeUnsafe', `${path} appeared during this step: ${why}. Nothing was overwritten.`, {
    notice: 'data-half-set-aside',
    where: path,
    advice: `Something has started Vault, perhaps a service manager. Keep it stopped, move ${path} away by hand, then resume.`,
  });
}
