import { closeSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DrError } from '../../contract/failures';
import { writeFileAtomically } from '../../files/atomic-file';
import { lockOwnFile } from '../../files/file-lock';
import { privateDirectory } from '../../files/files';
import { readOwnFile } from '../../files/own-files';
import { holderOf, ownIdentity, processIdentity, signalProcess } from '../../files/process-identity';

const LOCK_FILE = 'temporal.lock';
/** Who uses the directory: `keeper` is the process of `vault-dr temporal`, `server` that of Temporal. */
const HOLDERS_FILE = 'holders.json';
const ORPHAN_TERM_MS = 10_000;

interface Holders {
  keeper: string | null;
  server: string | null;
}

/** A private directory, used by one server. */
export interface DataDirectory {
  path: string;
  /** The handle that holds the lock; the server inherits it, so the lock lasts as long as either process. */
  lock: number;
  /** Records the owner of the server, so that one that outlives its owner can be distinguished from another's. */
  noteServer(pid: number): Promise<void>;
  release(): void;
}

/**
 * Takes a directory, and creates it if missing. A server whose keeper was killed is ended first; its data stays.
 * @throws DrError AlreadyRunning if another one uses it; NodeUnsafe if others can change it.
 */
export async function takeDataDirectory(given: string, onStep: (text: string) => void): Promise<DataDirectory> {
  const path = resolve(given);
  await privateDirectory(path);
  const held = (await lockIn(path)) ?? (await lockAfterOrphan(path, onStep));
  if (held === null) throw await inUse(path);
  const note = (holders: Holders) => writeFileAtomically(join(path, HOLDERS_FILE), `${JSON.stringify(holders)}\n`);
  const keeper = await ownIdentity();
  await note({ keeper, server: null });
  return {
    path,
    lock: held,
    noteServer: async (pid) => note({ keeper, server: await processIdentity(pid) }),
    release: () => closeSync(held),
  };
}

const lockIn = (path: string) => lockOwnFile(join(path, LOCK_FILE), 'vault-dr temporal');

/** `kill -9` of the keeper leaves its server behind, with the lock. */
async function lockAfterOrphan(path: string, onStep: (text: string) => void): Promise<number | null> {
  const { keeper, server } = readHolders(path);
  if (keeper === null || server === null) return null;
  const orphan = await holderOf(server);
  // A keeper of another boot or container is not visible here, nor is its server.
  if (orphan === null || (await holderOf(keeper)) !== null) return null;
  onStep(`Stopping the server (pid ${orphan}) left behind by a killed vault-dr temporal; its data is kept.`);
  const deadline = Date.now() + ORPHAN_TERM_MS;
  signalProcess(orphan, 'SIGTERM');
  for (;;) {
    const file = await lockIn(path);
    if (file !== null) return file;
    const alive = await holderOf(server);
    if (alive === null && Date.now() > deadline) return null;
    if (alive !== null && Date.now() > deadline) signalProcess(alive, 'SIGKILL');
    if (Date.now() > deadline + ORPHAN_TERM_MS) return null;
    await sleep(100);
  }
}

function readHolders(path: string): Holders {
  const none: Holders = { keeper: null, server: null };
  const text = readOwnFile(join(path, HOLDERS_FILE));
  if (text === null) return none;
  try {
    const { keeper, server } = JSON.parse(text) as Partial<Record<keyof Holders, unknown>>;
    return {
      keeper: typeof keeper === 'string' ? keeper : null,
      server: typeof server === 'string' ? server : null,
    };
  } catch {
    return none;
  }
}

async function inUse(path: string): Promise<DrError> {
  const { keeper } = readHolders(path);
  const pid = keeper === null ? null : await holderOf(keeper);
  const advice =
    pid === null
      ? `End the process that uses it (\`pgrep -af ${join(path, 'temporal.db')}\`), or choose another directory with --data.`
      : 'Use that one, stop it with SIGTERM, or choose another directory with --data.';
  const who = pid === null ? 'another process' : `another vault-dr temporal (pid ${pid})`;
  return new DrError('AlreadyRunning', `${path} is in use by ${who}. Nothing was started.`, { where: path, advice });
}

/** The end of the server's log. */
export function lastLines(logFile: string, count = 15): string {
  try {
    return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  } catch {
    return '';
  }
}
