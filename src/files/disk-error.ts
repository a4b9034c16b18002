import { DrError } from '../contract/failures';

/**
 * What a disk that takes nothing means, with the place, which Node leaves out of a failed write. Any other error comes out as
 * it is. Both pass as soon as somebody mends the disk.
 */
export function toDiskError(error: unknown, directory: string): unknown {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new DrError('DiskFull', `There is no room in ${directory}.`, {
        where: directory,
        advice: 'Make room on that disk.',
        cause: error,
      });
    case 'EROFS':
      return new DrError('PermissionDenied', `${directory} is on a file system that is read-only.`, {
        where: directory,
        advice: "Read the kernel's log: a disk that fails is often mounted read-only. Mend it and mount it writable.",
        cause: error,
        retryable: true,
      });
    default:
      return error;
  }
}
