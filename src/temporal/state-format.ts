import { join } from 'node:path';
import { DrError } from '../contract/failures';
import { writeFileAtomically } from '../files/atomic-file';
import { readOwnFile } from '../files/own-files';

/** Raised, with `packaging/files/state-format`, in a change after which an older version can't read a `stateDir`. */
export const STATE_FORMAT = 1;

const FILE = 'state-format';

/**
 * Notes in a directory which format it has. Packages refuse to be replaced by an older one; this is for those who install
 * without them.
 * @throws DrError OtherVersionNeeded when a newer version has written there.
 */
export async function agreeOnStateFormat(stateDir: string): Promise<void> {
  const file = join(stateDir, FILE);
  const there = Number(readOwnFile(file) ?? '0');
  if (there > STATE_FORMAT) {
    throw new DrError(
      'OtherVersionNeeded',
      `A newer version of vault-dr has written to ${stateDir} (format ${there}; this version reads ${STATE_FORMAT}).`,
      { where: stateDir, advice: 'Nothing was changed. Install that version, or a later one.' },
    );
  }
  // A full disk keeps nobody from starting.
  if (there < STATE_FORMAT) await writeFileAtomically(file, `${STATE_FORMAT}\n`).catch(() => undefined);
}
