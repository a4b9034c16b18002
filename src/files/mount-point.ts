import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readIfThere } from './files';

/** Whether this directory is a mount point; a symbolic link counts as its target. */
export async function isMountPoint(directory: string): Promise<boolean> {
  const path = await realpath(directory);
  return (await stat(path)).dev !== (await stat(dirname(path))).dev || isBindMount(path);
}

/** A bind mount of the same file system: it has the same device number, but can't be renamed. */
async function isBindMount(path: string): Promise<boolean> {
  const table = await readIfThere('/proc/self/mountinfo');
  return table !== null && mountPoints(table).includes(path);
}

/** Mount points below a directory. @param directory no link */
export async function mountsBelow(directory: string): Promise<string[]> {
  const table = (await readIfThere('/proc/self/mountinfo')) ?? '';
  return mountPoints(table).filter((path) => path.startsWith(`${directory}/`));
}

/** Mount points in a file such as /etc/fstab. */
export function wantedMounts(fstab: string): string[] {
  return fstab.split('\n').flatMap((line) => {
    const [device = '', path = '', , options = ''] = line.trim().split(/\s+/);
    if (device.startsWith('#') || !path.startsWith('/') || options.split(',').includes('noauto')) return [];
    return [unescaped(path)];
  });
}

/** The mount points in a `/proc/PID/mountinfo`. */
export function mountPoints(table: string): string[] {
  return table
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .map(unescaped);
}

function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}
