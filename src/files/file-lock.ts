import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, fstatSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { DrError } from '../contract/failures';
import { openOwnDirectory, requireOwn } from './own-files';

const { O_CREAT, O_RDONLY, O_RDWR } = constants;

/** What `flock`, of util-linux and of BusyBox, ends with when another one has the lock. */
const HELD = 1;

/**
 * Locks a file in a directory that only we can change, and makes it if it is not there.
 * @param who as messages name whoever wants to be alone
 * @param forWriting over NFS, only a file that is open for writing can be locked; it keeps a disk from being mounted read-only
 * @returns the handle that has the lock, which no child inherits that is not given it; null when another process has it.
 * @throws DrError NodeUnsafe, ServiceFailed
 */
export async function lockOwnFile(path: string, who: string, forWriting = false): Promise<number | null> {
  return lockIn(path, who, (forWriting ? O_RDWR : O_RDONLY) | O_CREAT);
}

/** The same as one of several, so that nobody gets it for himself alone meanwhile. */
export async function shareOwnFile(path: string, who: string): Promise<number | null> {
  return lockIn(path, who, O_RDONLY | O_CREAT, ['-s']);
}

async function lockIn(path: string, who: string, how: number, flags: readonly string[] = []): Promise<number | null> {
  const name = basename(path);
  const directory = openOwnDirectory(dirname(path));
  try {
    for (;;) {
      const file = directory.openPlain(name, how);
      let holds = false;
      try {
        requireOwn(path, fstatSync(file), true);
        if (!(await tryLock(file, who, flags))) return null;
        // One that was deleted meanwhile is no lock: the next one who comes makes another one.
        holds = directory.lstat(name)?.ino === fstatSync(file).ino;
        if (holds) return file;
      } finally {
        if (!holds) closeSync(file);
      }
    }
  } finally {
    directory.close();
  }
}

/**
 * Locks an open file as one of several readers (flock(2), shared), so that nobody else gets it for himself alone. A database of bbolt, for one, is opened by its writer with such a lock for himself.
 * @param who as messages name whoever wants to read
 * @returns whether it is locked; until it is closed
 * @throws DrError ServiceFailed
 */
export function lockForReading(file: number, who: string): Promise<boolean> {
  return tryLock(file, who, ['-s']);
}

/**
 * Locks an open file (flock(2)), unless another process has. The kernel frees it when the last process that has the file open
 * from this call on is dead. Node has no call for it; the lock belongs to what was opened, so a helper can get it for us.
 * @param who as messages name whoever wants to be alone
 */
async function tryLock(file: number, who: string, flags: readonly string[] = []): Promise<boolean> {
  const helper = spawn('flock', [...flags, '-n', '3'], {
    stdio: ['ignore', 'ignore', 'pipe', file],
    env: { PATH: process.env['PATH'] },
  });
  let said = '';
  helper.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(helper, 'close').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new DrError(
      'ServiceFailed',
      `The program \`flock\` is missing; ${who} needs it to make sure that only one instance runs.`,
      {
        advice: `Install util-linux (or BusyBox) on this host, or add \`flock\` to the PATH of ${who}.`,
        cause: error,
      },
    );
  })) as [number | null];
  if (code === 0) return true;
  if (code === HELD) return false;
  throw new DrError(
    'ServiceFailed',
    `${who.charAt(0).toUpperCase()}${who.slice(1)} can't make sure that it is the only instance: \`flock\` ended with ${code}: ${said.trim()}`,
    { advice: 'Move its directory to a file system with file locks, such as a local disk.' },
  );
}
