import { closeSync, constants, fstatSync, ftruncateSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DrError } from '../../contract/failures';
import { tryLock } from '../../files/file-lock';
import { openOwnDirectory, requireOwn } from '../../files/own-files';
import type { SafeDirectory } from '../../files/safe-directory';
import { readIfThere } from '../../files/files';
import { holderOf, ownIdentity } from '../../files/process-identity';

export interface ExclusiveHold {
  release(): Promise<void>;
}

const LOCK_FILE = 'agent.lock';
const { O_CREAT, O_RDONLY, O_WRONLY } = constants;
const RETRY_MS = 500;

/**
 * Waits until this process is the only agent of a node on this host: the one that has the lock (flock(2)) of a file in the
 * agent's own directory, which nobody else can open. The kernel keeps it for as long as this process lives, frozen or not, and
 * frees it at any kind of death: a thawed agent can't meet its successor.
 */
export async function holdNode(
  stateDir: string,
  onWait: (message: string) => void,
  signal: AbortSignal,
): Promise<ExclusiveHold> {
  for (let tries = 0; ; tries++) {
    const file = await lockNode(stateDir, (holder) => (tries % 20 === 0 ? onWait(holder) : undefined));
    if (file !== null) {
      return { release: async () => closeSync(file) };
    }
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) throw new DrError('Aborted', 'The agent was stopped while it waited for the node.');
  }
}

/** @returns the handle that has the lock, which no child inherits; null when another one has it. */
async function lockNode(stateDir: string, onHeld: (message: string) => void): Promise<number | null> {
  const directory = openOwnDirectory(stateDir);
  try {
    // For reading alone: a file that is open for writing would keep its disk from being mounted read-only.
    const file = directory.openPlain(LOCK_FILE, O_RDONLY | O_CREAT);
    try {
      requireOwn(join(stateDir, LOCK_FILE), fstatSync(file), true);
      if (await tryLock(file, 'the agent')) {
        // One that was deleted meanwhile is no lock: the next agent makes another one.
        if (directory.lstat(LOCK_FILE)?.ino === fstatSync(file).ino) {
          noteHolder(directory, await ownIdentity());
          return file;
        }
      } else onHeld(await describeHolder(readFileSync(file, 'utf8')));
    } catch (error) {
      closeSync(file);
      throw error;
    }
    closeSync(file);
    return null;
  } finally {
    directory.close();
  }
}

/** For whoever waits. */
function noteHolder(directory: SafeDirectory, identity: string | null): void {
  const file = directory.openPlain(LOCK_FILE, O_WRONLY);
  try {
    ftruncateSync(file);
    writeSync(file, `${identity ?? ''}\n`, 0);
  } finally {
    closeSync(file);
  }
}

/** Never names a process of which it is not certain: somebody may be about to kill it. */
async function describeHolder(identity: string): Promise<string> {
  const pid = await holderOf(identity.trim());
  if (pid === null) return 'Another agent holds this node; waiting for it to end.';
  const stat = await readIfThere(`/proc/${pid}/stat`).catch(() => null);
  const state = stat?.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  const frozen = state === 'T' ? ` It is frozen and will not end by itself: kill -9 ${pid}` : '';
  return `Another agent (pid ${pid}) holds this node; waiting for it to end.${frozen}`;
}
