import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, fstatSync, ftruncateSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DrError } from '../../contract/failures';
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
/** What `flock`, of util-linux and of BusyBox, ends with when another one has the lock. */
const HELD = 1;

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
    const file = await tryLock(stateDir, (holder) => (tries % 20 === 0 ? onWait(holder) : undefined));
    if (file !== null) {
      return { release: async () => closeSync(file) };
    }
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) throw new DrError('Aborted', 'The agent was stopped while it waited for the node.');
  }
}

/** @returns the handle that has the lock, which no child inherits; null when another one has it. */
async function tryLock(stateDir: string, onHeld: (message: string) => void): Promise<number | null> {
  const directory = openOwnDirectory(stateDir);
  try {
    // For reading alone: a file that is open for writing would keep its disk from being mounted read-only.
    const file = directory.openPlain(LOCK_FILE, O_RDONLY | O_CREAT);
    try {
      requireOwn(join(stateDir, LOCK_FILE), fstatSync(file), true);
      if (await lock(file)) {
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

/** Node has no call for it. The lock belongs to what was opened, not to the process that asked: so a helper can get it for us. */
async function lock(file: number): Promise<boolean> {
  const helper = spawn('flock', ['-n', '3'], {
    stdio: ['ignore', 'ignore', 'pipe', file],
    env: { PATH: process.env['PATH'] },
  });
  let said = '';
  helper.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(helper, 'close').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new DrError(
      'ServiceFailed',
      'The program `flock` is missing, by which an agent makes sure that it is alone.',
      {
        advice: 'Install util-linux (or BusyBox) on this host, or put `flock` into the PATH of the agent.',
        cause: error,
      },
    );
  })) as [number | null];
  if (code === 0) return true;
  if (code === HELD) return false;
  throw new DrError(
    'ServiceFailed',
    `The agent can't make sure that it is alone: \`flock\` ended with ${code}: ${said.trim()}`,
    {
      advice: 'Is stateDir on a file system that knows locks? A local disk does.',
    },
  );
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
