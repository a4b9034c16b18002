import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DrError } from '../contract/failures';
import { readIfThere, statIfThere } from '../files/files';

/** First line of a file that may be replaced, after the sign of a comment. */
const WRITTEN = 'Written by `vault-dr install`, which may replace it.';

export interface InstalledFile {
  path: string;
  text: string;
  mode: number;
  /** What begins a comment; absent for a file that others change as well. */
  comment?: '#' | '//' | '--';
  /** The same file of a package: where its text suffices, none is written. */
  packaged?: string;
}
export type Outcome = 'written' | 'unchanged' | 'packaged';

/**
 * Writes what differs, and only over what it wrote itself; what the package has by now is removed.
 * @throws DrError InvalidConfiguration for somebody else's file, PermissionDenied for want of rights.
 */
export async function installFile(file: InstalledFile): Promise<Outcome> {
  try {
    return await install(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') throw error;
    throw new DrError('PermissionDenied', `${file.path} can't be written: ${message}.`, {
      where: file.path,
      advice: 'Run it as root; or print the files with --print and put them in place yourself.',
    });
  }
}

async function install({ path, text, mode, comment, packaged }: InstalledFile): Promise<Outcome> {
  const present = await readIfThere(path);
  const mine = comment === undefined || present === null || present.startsWith(`${comment} ${WRITTEN}\n`);
  if (packaged !== undefined && (await readIfThere(packaged)) === text) {
    if (present === null) return 'packaged';
    if (mine) {
      await rm(path);
      return 'packaged';
    }
  }
  const wanted = comment === undefined ? text : `${comment} ${WRITTEN}\n${text}`;
  if (present === wanted || present === text) return 'unchanged';
  if (!mine) {
    throw new DrError('InvalidConfiguration', `${path} is there, and was not written by \`vault-dr install\`.`, {
      where: path,
      advice: `Compare it with what --print shows, then remove it, and put changes of your own into a drop-in (\`systemctl edit\`).`,
    });
  }
  const before = await statIfThere(path);
  await put(path, wanted, before?.isFile() ? before.mode : mode);
  return 'written';
}

async function put(path: string, text: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.chmod(mode & 0o777);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
