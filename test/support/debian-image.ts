import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { must } from './shell';

const SUITE = 'bookworm';
const MIRROR = 'http://deb.debian.org/debian';
/**
 * What is on every host before anything is installed on it; few servers have less. polkit serves agents that are not root,
 * libfaketime clocks that are wrong.
 */
const SYSTEM = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'libpam-systemd',
  'polkitd',
  'iproute2',
  'procps',
  'util-linux',
  'openssl',
  'ca-certificates',
  'libfaketime',
];

/** Outside of the project: images outlive a checkout. */
export function hostsCache(): string {
  return join(process.env['VAULT_DR_CACHE'] || join(homedir(), '.cache', 'vault-dr'), 'hosts');
}

/** The root of a Debian host, made once and never changed: hosts write to layers of their own. @returns its directory */
export async function rootImage(
  more: string[] = [],
  onStep: (text: string) => void = () => undefined,
): Promise<string> {
  const system = await make([], onStep, async (root) => {
    await must(['debootstrap', '--variant=minbase', `--include=${SYSTEM.join()}`, SUITE, root, MIRROR]);
    await must(['chroot', root, 'systemctl', 'enable', 'systemd-networkd']);
    // There is no DNS here, and networkd waits for a router.
    await must(['chroot', root, 'systemctl', 'mask', 'systemd-resolved', 'systemd-networkd-wait-online']);
  });
  if (more.length === 0) return system;
  return make(more, onStep, async (root) => {
    await must(['cp', '--archive', `${system}/.`, root]);
    await must(['chroot', root, 'apt-get', 'update']);
    const install = ['apt-get', 'install', '--yes', '--no-install-recommends', ...more] as const;
    await must(['chroot', root, 'env', 'DEBIAN_FRONTEND=noninteractive', ...install]);
    await must(['chroot', root, 'apt-get', 'clean']);
  });
}

/** It gets its name when it is whole. */
async function make(
  more: string[],
  onStep: (text: string) => void,
  build: (root: string) => Promise<void>,
): Promise<string> {
  const image = imageOf(more);
  if (existsSync(image)) return image;
  onStep(`root image with ${[...SYSTEM, ...more].join(', ')}`);
  const unfinished = `${image}.${process.pid}`;
  try {
    await mkdir(unfinished, { recursive: true });
    await build(unfinished);
    await rename(unfinished, image).catch((error: unknown) => {
      // Another process was faster.
      if (!existsSync(image)) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return image;
}

export function hasImage(more: string[] = []): boolean {
  return existsSync(imageOf(more));
}

function imageOf(more: string[]): string {
  const id = createHash('sha256')
    .update([SUITE, ...SYSTEM, ...more].join())
    .digest('hex')
    .slice(0, 12);
  return join(hostsCache(), `${SUITE}-${id}`);
}
