import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createFileAtomically } from '../files/atomic-file';
import { privateDirectory } from '../files/files';
import { type ExclusiveHold, holdDirectory } from '../files/hold-directory';
import { readOwnFile } from '../files/own-files';

const ID_FILE = 'controller-id';
const ID = /^[0-9a-f]{8}$/;

/** A controller's own directory, which no other one uses at the same time. */
export interface ControllerState {
  /** Tells controllers of one name apart; lasts as long as the directory. */
  id: string;
  release(): Promise<void>;
}

/** Waits, and says so, while another controller uses the directory. @throws DrError NodeUnsafe, ServiceFailed, Aborted */
export async function holdControllerState(
  stateDir: string,
  onWait: (message: string) => void,
  signal: AbortSignal,
): Promise<ControllerState> {
  // Makes it as well, and leaves the mode of one that is there.
  await privateDirectory(stateDir, 'attempts');
  const what = `${stateDir} (a second controller needs a stateDir of its own)`;
  const hold: ExclusiveHold = await holdDirectory(
    stateDir,
    { lockFile: 'controller.lock', who: 'controller', what, forWriting: true },
    onWait,
    signal,
  );
  return { id: await idIn(stateDir), release: () => hold.release() };
}

async function idIn(stateDir: string): Promise<string> {
  const file = join(stateDir, ID_FILE);
  const known = readOwnFile(file)?.trim() ?? '';
  if (ID.test(known)) return known;
  const id = randomBytes(4).toString('hex');
  await createFileAtomically(file, `${id}\n`);
  return readOwnFile(file)?.trim() ?? id;
}
