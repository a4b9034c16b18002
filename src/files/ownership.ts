import { readFileSync, type Stats } from 'node:fs';

const STICKY = 0o1000;

export function ownProcess(): { uid: number; gid: number } {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
}

/** Whether this process gives files to other users: root, who fails where that was taken away, and whoever may. */
export function mayGiveAway(): boolean {
  given ??= hasCapability(CAP_CHOWN);
  return ownProcess().uid === 0 || given;
}

let given: boolean | undefined;
const CAP_CHOWN = 0n;

function hasCapability(capability: bigint): boolean {
  try {
    const [, bits] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return bits !== undefined && ((BigInt(`0x${bits}`) >> capability) & 1n) === 1n;
  } catch {
    return false;
  }
}

/** For messages. */
export function kindOf(stats: Stats): string {
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a named pipe';
  if (stats.isSocket()) return 'a socket';
  if (stats.isFile()) return stats.nlink > 1 ? 'a file with several hard links' : 'a file';
  return 'a device';
}

/** Whether users other than root and this one can remove or replace our files in a directory. */
export function swappableByOthers(stats: Stats): boolean {
  return !ownedByTrusted(stats) || (writeBitsOfOthers(stats) !== 0 && (stats.mode & STICKY) === 0);
}

export function ownedByTrusted({ uid }: Stats): boolean {
  return uid === 0 || uid === ownProcess().uid;
}

/** Root's own group contains root; that of a user, on most distributions, only that user. */
function writeBitsOfOthers({ gid, mode }: Stats): number {
  const own = ownProcess();
  const groupIsTrusted = gid === 0 || (own.uid !== 0 && gid === own.gid);
  return mode & (groupIsTrusted ? 0o002 : 0o022);
}
