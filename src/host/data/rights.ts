import { constants, type Stats } from 'node:fs';
import { access, lstat, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Layout } from '../../contract/host';
import { readIfThere } from '../../files/files';
import { isMountPoint, mountPoints, mountsBelow, wantedMounts } from '../../files/mount-point';
import { physicalPath } from './physical-path';

/** Numbers of Linux capabilities. */
const CAP_CHOWN = 0n;
const CAP_FOWNER = 3n;
const STICKY = 0o1000;

export interface OwnRights {
  uid: number;
  /** The effective ones, as a bit set; null if they can't be read. */
  capabilities: bigint | null;
}

/** How a data directory is set aside: beside it, unless only inside works. */
export async function layoutOf(path: string): Promise<Layout> {
  const data = await statOf(path);
  if (!data) return 'beside';
  if (data.isSymbolicLink() || (await isMountPoint(path))) return 'inside';
  return (await problemBeside(path)) !== null && (await problemInside(path)) === null ? 'inside' : 'beside';
}

/**
 * Why this process could not set a data directory aside, as far as that can be checked without doing it; null if
 * nothing is known to prevent it.
 */
export async function setAsideProblem(path: string, own?: OwnRights): Promise<string | null> {
  return (await layoutOf(path)) === 'inside' ? problemInside(path, own) : problemBeside(path, own);
}

async function problemBeside(path: string, own?: OwnRights): Promise<string | null> {
  const rights = own ?? (await ownRights());
  const parent = dirname(path);
  const around = await statOf(parent);
  if (!around) return `its parent directory ${parent} does not exist`;
  const denied = await whyNotWritable(parent);
  if (denied !== null) return `${parent} ${denied}, so nothing can be renamed there`;
  const data = await statOf(path);
  if (!data) return null;
  const deniedInside = await whyNotWritable(path);
  if (deniedInside !== null) return `${path} ${deniedInside}`;
  return (await whyDivided(path)) ?? whyNotOwner(path, data, around, rights);
}

async function problemInside(path: string, own?: OwnRights): Promise<string | null> {
  const rights = own ?? (await ownRights());
  let physical: string;
  try {
    physical = await physicalPath(path);
  } catch (error) {
    return (error as Error).message;
  }
  const denied = await whyNotWritable(physical);
  if (denied !== null) return `${path} ${denied}`;
  const data = await statOf(physical);
  return (await whyDivided(physical)) ?? (data && whyNotOwner(path, data, data, rights));
}

/**
 * Why a data directory could not be set aside, apart from permissions: it contains the agent's own files, through a
 * link; or its volume is not mounted, so that mounting it would hide the restored data.
 * @param own directories of the agent
 */
export async function placeProblem(path: string, own: readonly string[], fstab = '/etc/fstab'): Promise<string | null> {
  const physical = await realpath(path).catch(() => path);
  for (const directory of own) {
    const lies = await realpath(directory).catch(() => directory);
    if (lies.startsWith(`${physical}/`))
      return `it contains ${directory}, where the agent keeps its own files (${lies})`;
  }
  // Where Vault has data, Vault runs, whatever fstab says.
  if (await statOf(join(physical, 'vault.db'))) return null;
  const wanted = wantedMounts((await readIfThere(fstab)) ?? '').filter((mount) => mount !== '/');
  const mounted = mountPoints((await readIfThere('/proc/self/mountinfo')) ?? '');
  const real = await Promise.all(
    wanted.map(async (mount) => ({ mount, at: await realpath(mount).catch(() => mount) })),
  );
  const missing = real.find(({ at }) => `${physical}/`.startsWith(`${at}/`) && !mounted.includes(at))?.mount;
  if (missing === undefined) return null;
  return `${missing} is a mount point in ${fstab}, but nothing is mounted there: mount its volume, or remove the line`;
}

/** A rename would leave the other volume behind, or take its mount along: old and new data would be mixed. */
async function whyDivided(path: string): Promise<string | null> {
  const [first] = await mountsBelow(path);
  return first === undefined
    ? null
    : `it contains another mount point, ${first}, and data on two volumes can't be set aside as one: keep all of it on one volume`;
}

/** @returns the end of a sentence that begins with the path. */
async function whyNotWritable(path: string): Promise<string | null> {
  try {
    // Also detects what even root may not do: a read-only file system or mount, the immutable attribute.
    await access(path, constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EROFS') return 'is read-only for the agent (a mount, or ReadWritePaths= of its unit)';
    if (code === 'EPERM') return 'has the immutable attribute (`lsattr -d`)';
    return `is not writable by the agent (${code})`;
  }
}

export function whyNotOwner(
  path: string,
  data: Pick<Stats, 'uid'>,
  around: Pick<Stats, 'uid' | 'mode'>,
  { uid, capabilities }: OwnRights,
): string | null {
  // Also one that is not root may have been granted them.
  const has = (capability: bigint) => (capabilities === null ? uid === 0 : ((capabilities >> capability) & 1n) === 1n);
  if ((around.mode & STICKY) !== 0 && uid !== around.uid && uid !== data.uid && !has(CAP_FOWNER)) {
    return `the parent directory of ${path} is sticky, and the agent owns neither of them`;
  }
  if (data.uid === uid) return null;
  const missing = [...(has(CAP_CHOWN) ? [] : ['CAP_CHOWN']), ...(has(CAP_FOWNER) ? [] : ['CAP_FOWNER'])];
  if (missing.length === 0) return null;
  return `the agent can't change the owner of a new ${path} to uid ${data.uid}: it runs as uid ${uid} without ${missing.join(' and ')}`;
}

async function ownRights(): Promise<OwnRights> {
  const status = await readIfThere('/proc/self/status');
  const [, bits] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? '') ?? [];
  return { uid: process.geteuid?.() ?? 0, capabilities: bits === undefined ? null : BigInt(`0x${bits}`) };
}

async function statOf(path: string): Promise<Stats | null> {
  return lstat(path).catch(() => null);
}
