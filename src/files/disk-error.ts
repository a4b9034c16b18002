import { DrError } from '../contract/failures';

/** Errors of file systems without hard links: FAT, SMB, and FUSE, each in its own way. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EINVAL', 'ENOTTY']);
/** Their errors if they can't flush a directory, which some do by themselves. */
const NO_DIRECTORY_FLUSH = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENOTTY']);

/** Whether a link failed because the file system has no hard links: a retry would fail, too. */
export function knowsNoLinks(error: unknown): boolean {
  const { code = '', syscall } = (error ?? {}) as NodeJS.ErrnoException;
  return syscall === 'link' && NO_LINKS.has(code);
}

/** Whether a directory could not be flushed because the file system does not support it. */
export function flushesNoDirectories(error: unknown): boolean {
  return NO_DIRECTORY_FLUSH.has((error as NodeJS.ErrnoException).code ?? '');
}

/**
 * Explains a full or read-only disk, with the path, which Node omits from a failed write. Any other error is returned
 * unchanged. Retryable: both end as soon as the disk is fixed.
 */
export function toDiskError(error: unknown, directory: string): unknown {
  if (knowsNoLinks(error)) {
    return new DrError('InvalidConfiguration', `${directory} is on a file system without hard links.`, {
      where: directory,
      advice: 'Use a Linux file system such as ext4 or XFS, or NFS.',
      cause: error,
    });
  }
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new DrError('DiskFull', `No space left on device in ${directory}.`, {
        where: directory,
        advice: 'Free space on that disk.',
        cause: error,
      });
    case 'EROFS':
      return new DrError('PermissionDenied', `${directory} is on a read-only file system.`, {
        where: directory,
        advice:
          'Check the kernel log: a failing disk is often remounted read-only. Fix the disk, then mount it writable.',
        cause: error,
        retryable: true,
      });
    default:
      return error;
  }
}
