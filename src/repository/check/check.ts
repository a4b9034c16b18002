import { randomBytes } from 'node:crypto';
import { link, mkdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RepositoryConfig } from '../../config/schema';
import { formatBytes } from '../../contract/format';
import { isDrError } from '../../contract/failures';
import { knowsNoLinks } from '../../files/disk-error';
import { syncDirectory } from '../../files/files';
import { isMountPoint } from '../../files/mount-point';
import { digestOf } from '../digest';
import { DirectoryRepository } from '../directory';
import { fromBytes, readSmall } from '../types';
import { type Capability, type CheckReport, clockRow, row } from './capability';
import { checkBucket } from './check-s3';
import { s3SettingsOf } from '../open';

/**
 * Checks how a repository really behaves, in its own directory next to the backups.
 * @throws DrError InvalidConfiguration if a credential can't be read.
 */
export async function checkRepository(name: string, config: RepositoryConfig): Promise<CheckReport> {
  if (config.type === 's3') return checkBucket(name, await s3SettingsOf(name, config));
  return { repository: name, kind: 'directory', ...(await checkDirectory(config.path)) };
}

async function checkDirectory(root: string): Promise<Pick<CheckReport, 'capabilities' | 'leftovers'>> {
  const scratch = join(root, `vault-dr-check-${randomBytes(4).toString('hex')}`);
  const file = join(scratch, 'first');
  const capabilities: Capability[] = [];
  try {
    const { mode } = await stat(root);
    await mkdir(scratch, { mode: 0o700 });
    await writeFile(file, 'first', { flush: true, mode: 0o600 });
    capabilities.push(row('write and read', 'can write', 'ok', 'backups can be stored here'));
    capabilities.push(await checkWriteOnce(file));
    capabilities.push(await checkWholeWrite(scratch));
    capabilities.push(flushRow(await syncDirectory(scratch)));
    const offset = (await stat(file)).mtimeMs - Date.now();
    capabilities.push(clockRow(offset));
    const open = (mode & 0o077) !== 0;
    capabilities.push(
      open
        ? row('access', `mode ${octal(mode)}`, 'weaker', 'other users of this host may see the backups: chmod 0700')
        : row('access', `mode ${octal(mode)}`, 'ok', 'only its owner and root have access'),
    );
    capabilities.push(missingDiskRow(await isMountPoint(root)));
    const { bavail, bsize } = await statfs(root);
    capabilities.push(row('room', `${formatBytes(bavail * bsize)} free`, 'ok', 'until it is full'));
    capabilities.push(row('lock', 'none', 'weaker', 'root on this host can delete every backup'));
  } catch (error) {
    const { code = 'an error', syscall = 'access' } = error as NodeJS.ErrnoException;
    capabilities.push(
      row('write and read', `${syscall} failed with ${code}`, 'broken', 'backups cannot be stored here'),
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return { capabilities, leftovers: [] };
}

async function checkWriteOnce(file: string): Promise<Capability> {
  const name = 'write once';
  try {
    await link(file, `${file}.linked`);
    await link(file, `${file}.linked`);
  } catch (error) {
    const { code = 'an error' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return row(name, 'an existing file is not overwritten', 'ok', 'files are never overwritten');
    return knowsNoLinks(error)
      ? row(name, `link failed with ${code}`, 'broken', 'use a file system with hard links')
      : row(name, `link failed with ${code}`, 'unknown', 'may be temporary: run the check again');
  }
  return row(name, 'an existing file was overwritten', 'broken', 'two writers could overwrite each other');
}

/** With the same code that writes backups. */
async function checkWholeWrite(scratch: string): Promise<Capability> {
  const name = 'as a backup is written';
  const repository = new DirectoryRepository('check', scratch);
  try {
    const bytes = Buffer.from('vault-dr repository check\n');
    await repository.put('check/whole', fromBytes(bytes), digestOf(bytes));
    const read = await readSmall(repository, 'check/whole', bytes.length);
    if (!read?.equals(bytes))
      return row(name, 'the data read differs from the data written', 'broken', 'backups cannot be stored here');
    await repository.remove('check/whole');
    return row(name, 'written, read back, removed', 'ok', 'all or nothing, and never over another file');
  } catch (error) {
    if (!isDrError(error)) throw error;
    const { code = 'an error', syscall = 'access' } = (error.cause ?? {}) as NodeJS.ErrnoException;
    const found = `${syscall} failed with ${code}`;
    return error.retryable
      ? row(name, found, 'unknown', 'may be temporary: run the check again')
      : row(name, found, 'broken', 'backups cannot be written here');
  }
}

function flushRow(flushes: boolean): Capability {
  const name = 'power cut';
  return flushes
    ? row(name, 'directories are flushed', 'ok', 'stored files survive it')
    : row(name, "directories can't be flushed", 'weaker', 'the last files may be lost: they are written again');
}

function missingDiskRow(mountPoint: boolean): Capability {
  const name = 'missing disk';
  return mountPoint
    ? row(
        name,
        'hidden: a mount point',
        'weaker',
        'backups would be written below the mount point: set path to a directory on that disk',
      )
    : row(name, 'detected: not a mount point', 'ok', 'if the disk is not mounted, the directory is missing');
}

function octal(mode: number): string {
  return `0${(mode & 0o777).toString(8).padStart(3, '0')}`;
}
