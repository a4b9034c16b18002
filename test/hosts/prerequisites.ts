import { isProgram } from '../../src/files/files';

/** Of Debian: debootstrap, systemd-container, iproute2, iptables, mount, util-linux, e2fsprogs. */
const PROGRAMS = ['debootstrap', 'systemd-nspawn', 'ip', 'iptables', 'mount', 'nsenter', 'chroot', 'mkfs.ext4'];
const PATHS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Why hosts can't be booted here; null where they can. */
export async function whyNot(): Promise<string | null> {
  if (process.platform !== 'linux') return 'it needs Linux';
  if (process.getuid?.() !== 0) return 'it must run as root';
  const missing: string[] = [];
  for (const program of PROGRAMS) if (!(await isInstalled(program))) missing.push(program);
  return missing.length > 0 ? `${missing.join(', ')} not installed` : null;
}

async function isInstalled(program: string): Promise<boolean> {
  for (const path of PATHS) if (await isProgram(`${path}/${program}`)) return true;
  return false;
}
