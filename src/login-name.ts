import { userInfo } from 'node:os';

/** Of whom this process runs as; by its number where the host has no account of it, as in a container. */
export function loginName(read: () => { username: string } = userInfo): string {
  try {
    return read().username;
  } catch {
    return `uid-${process.geteuid?.()}`;
  }
}
