import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { DrError } from '../contract/failures';
import { formatBytes } from '../contract/format';
import { kindOf } from './ownership';

/** Far more than any of our notes. */
export const SMALL_BYTES = 64 * 1024;

export interface PlainFileOptions {
  /** For messages; default: the path itself. */
  shownAs?: string | undefined;
  maxBytes?: number | undefined;
  /** Checks the open file, which can't be replaced afterwards. Throws the reason for a refusal. */
  check?: ((stats: Stats) => void) | undefined;
}

/**
 * Reads a small file that others may have created: follows no link, waits for no pipe, opens no device.
 * @returns null if it does not exist. @throws DrError NodeUnsafe
 */
export function readPlainFile(path: string, options: PlainFileOptions = {}): string | null {
  return readPlainBytes(path, options)?.toString('utf8') ?? null;
}

export function readPlainBytes(path: string, options: PlainFileOptions = {}): Buffer | null {
  const { shownAs = path, maxBytes = SMALL_BYTES, check } = options;
  const fd = openPlainFile(path, shownAs);
  if (fd === null) return null;
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw unsafe(shownAs, `is ${kindOf(stats)}`);
    check?.(stats);
    if (stats.size > maxBytes)
      throw unsafe(shownAs, `is ${formatBytes(stats.size)}, over the limit of ${formatBytes(maxBytes)}`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Follows no link and waits for no pipe. The caller must check the type. @returns null if it does not exist. */
export function openPlainFile(path: string, shownAs = path): number | null {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    if (code === 'ELOOP') throw unsafe(shownAs, 'is a symbolic link', error);
    if (code === 'ENXIO') throw unsafe(shownAs, 'is a socket', error);
    throw error;
  }
}

function unsafe(path: string, what: string, cause?: unknown): DrError {
  return new DrError('NodeUnsafe', `${path} ${what}, so it was not read.`, {
    notice: 'unexpected-file',
    where: path,
    advice: 'Find out who created it, and why. Move it away by hand, then resume.',
    cause,
  });
}
