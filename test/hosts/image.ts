import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { must } from './shell';

const SUITE = 'bookworm';
const MIRROR = 'http://deb.debian.org/debian';
/** What is on every host before anything is installed on it; few servers have less. */
const SYSTEM = ['systemd', 'systemd-sysv', 'dbus', 'iproute2', 'procps', 'openssl', 'ca-certificates'];

/** Outside of the project: images outlive a checkout. */
export function hostsCache(): string {
  return join(process.env['VAULT_DR_CACHE'] || join(homedir(), '.cache', 'vault-dr'), 'hosts');
}

/** The root of a Debian host, made once and never changed: hosts write to layers of their own. @returns its directory */
export async function rootImage(
  more: string[] = [],
  onStep: (text: string) => void = () => undefined,
): Promise<string> {
  const packages = [...SYSTEM, ...more];
  const image = imageOf(packages);
  if (existsSync(image)) return image;
  onStep(`debootstrap ${SUITE} with ${packages.join(', ')}`);
  const unfinished = `${image}.${process.pid}`;
  try {
    await mkdir(unfinished, { recursive: true });
    await must(['debootstrap', '--variant=minbase', `--include=${packages.join()}`, SUITE, unfinished, MIRROR]);
    await rm(join(unfinished, 'var/cache/apt'), { recursive: true, force: true });
    await must(['chroot', unfinished, 'systemctl', 'enable', 'systemd-networkd']);
    // There is no DNS here, and networkd waits for a router.
    await must(['chroot', unfinished, 'systemctl', 'mask', 'systemd-resolved', 'systemd-networkd-wait-online']);
    await rename(unfinished, image);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return image;
}

export function hasImage(more: string[]): boolean {
  return existsSync(imageOf([...SYSTEM, ...more]));
}

function imageOf(packages: string[]): string {
  const id = createHash('sha256')
    .update([SUITE, ...packages].join())
    .digest('hex')
    .slice(0, 12);
  return join(hostsCache(), `${SUITE}-${id}`);
}
