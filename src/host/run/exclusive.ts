import { closeSync, constants, ftruncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DrError } from '../../contract/failures';
import { lockOwnFile } from '../../files/file-lock';
import { openOwnDirectory, readOwnFile } from '../../files/own-files';
import { readIfThere } from '../../files/files';
import { holderOf, ownIdentity } from '../../files/process-identity';

export interface ExclusiveHold {
  release(): Promise<void>;
}

const LOCK_FILE = 'agent.lock';
const { O_WRONLY } = constants;
const RETRY_MS = 500;

/**
 * Waits until this process is the only agent of a node on this host: the one that holds the lock (flock(2)) on a file
 * in the agent's own directory, which nobody else can open. The kernel holds it as long as this process lives, frozen
 * or not, and releases it however it dies, so a thawed agent can't meet its successor.
 */
export async function holdNode(
  stateDir: string,
  onWait: (message: string) => void,
  signal: AbortSignal,
): Promise<ExclusiveHold> {
  const lockFile = join(stateDir, LOCK_FILE);
  for (let tries = 0; ; tries++) {
    const file = await lockOwnFile(lockFile, 'the agent');
    if (file !== null) {
      await noteHolder(stateDir).catch((error: unknown) => {
        closeSync(file);
        throw error;
      });
      return { release: async () => closeSync(file) };
    }
    if (tries % 20 === 0) onWait(await describeHolder(readOwnFile(lockFile, { secret: true }) ?? ''));
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted)
      throw new DrError('Aborted', 'The agent was stopped while it waited for exclusive access to the node.');
  }
}

/** For a waiting process. */
async function noteHolder(stateDir: string): Promise<void> {
  const directory = openOwnDirectory(stateDir);
  try {
    const file = directory.openPlain(LOCK_FILE, O_WRONLY);
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
async function describeHolder(identity: string): Promise<string> {
  const pid = await holderOf(identity.trim());
  if (pid === null) return 'Another agent is using this node; waiting for it to end.';
  const stat = await readIfThere(`/proc/${pid}/stat`).catch(() => null);
  const state = stat?.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  const frozen = state === 'T' ? ` It is frozen and does not end by itself: kill -9 ${pid}` : '';
  return `Another agent (pid ${pid}) is using this node; waiting for it to end.${frozen}`;
}
