import { closeSync, constants, ftruncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DrError } from '../contract/failures';
import { lockOwnFile } from './file-lock';
import { readIfThere } from './files';
import { openOwnDirectory, readOwnFile } from './own-files';
import { holderOf, ownIdentity } from './process-identity';

export interface ExclusiveHold {
  release(): Promise<void>;
}

export interface HoldOptions {
  lockFile: string;
  /** Who wants to be alone, as in `Another agent is using …`. */
  who: string;
  /** What is held, as in `… is using this node`. */
  what: string;
  /** Needed on NFS, but keeps a disk from being mounted read-only. */
  forWriting?: true;
}

const { O_WRONLY } = constants;
const RETRY_MS = 500;

/**
 * Waits until this process is the only one of its kind for a directory: the one that holds the lock (flock(2)) on a file
 * in it, which nobody else can open. The kernel holds it as long as this process lives, frozen or not, and releases it
 * however it dies, so one that thaws can't meet its successor.
 */
export async function holdDirectory(
  directory: string,
  options: HoldOptions,
  onWait: (message: string) => void,
  signal: AbortSignal,
): Promise<ExclusiveHold> {
  const { who, what, forWriting } = options;
  const lockFile = join(directory, options.lockFile);
  for (let tries = 0; ; tries++) {
    const file = await lockOwnFile(lockFile, `the ${who}`, forWriting);
    if (file !== null) {
      await noteHolder(directory, options.lockFile).catch((error: unknown) => {
        closeSync(file);
        throw error;
      });
      return { release: async () => closeSync(file) };
    }
    if (tries % 20 === 0) {
      const using = `is using ${what}; waiting for it to end.`;
      onWait(await describeHolder(readOwnFile(lockFile, { secret: true }) ?? '', `Another ${who}`, using));
    }
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted)
      throw new DrError('Aborted', `The ${who} was stopped while it waited for exclusive access to ${what}.`);
  }
}

/** For a waiting process. */
async function noteHolder(path: string, lockFile: string): Promise<void> {
  const directory = openOwnDirectory(path);
  try {
    const file = directory.openPlain(lockFile, O_WRONLY);
    try {
      ftruncateSync(file);
      writeSync(file, `${(await ownIdentity()) ?? ''}\n`, 0);
    } finally {
      closeSync(file);
    }
  } finally {
    directory.close();
  }
}

/** Names a process only if it is certain: somebody may be about to kill it. */
async function describeHolder(identity: string, another: string, using: string): Promise<string> {
  const pid = await holderOf(identity.trim());
  if (pid === null) return `${another} ${using}`;
  const stat = await readIfThere(`/proc/${pid}/stat`).catch(() => null);
  const state = stat?.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  const frozen = state === 'T' ? ` It is frozen and does not end by itself: kill -9 ${pid}` : '';
  return `${another} (pid ${pid}) ${using}${frozen}`;
}
