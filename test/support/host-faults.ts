import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { runProgram } from '../../src/lab/run-program';
import { describeIf } from './describe-if';

/** Each of these is a command through which a process of the lab is started: `lab.controller.start(onSmallDisk(…))`. */

/** Root may mount; everybody else in a user namespace, where the system lets them make one. */
const NAMESPACES = [['--mount'], ['--user', '--map-root-user', '--mount']].find(
  (flags) => spawnSync('unshare', [...flags, 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp']).status === 0,
);

/** For what needs `onSmallDisk`: left out, and said to be, where nobody may mount, as in most containers. */
export const describeWithDisks = describeIf(NAMESPACES !== undefined, 'needs the right to mount');

/** Its contents are copied, as what is mounted over a directory hides them. */
const MOUNT = `
set -e
kept=$(mktemp -d)
mkdir -p "$1"
cp -a "$1/." "$kept"
mount -t tmpfs -o "size=$2k,mode=700" tmpfs "$1"
cp -a "$kept/." "$1"
rm -r "$kept"
shift 2
exec "$@"`;

/**
 * A real file system of its own, of this size, at the directory. Only the process and its children see it, in a mount
 * namespace that ends with them; so nothing needs to be unmounted, whatever happens to the test.
 */
export function onSmallDisk(directory: string, kibibytes: number): string[] {
  return ['unshare', ...(NAMESPACES ?? []), 'sh', '-c', MOUNT, 'sh', directory, String(kibibytes)];
}

/** With the file systems that such a process sees. */
export function sameDisksAs(pid: number): string[] {
  return ['nsenter', '--target', String(pid), ...inNamespaces()];
}

function inNamespaces(): string[] {
  return NAMESPACES?.includes('--user') ? ['--user', '--preserve-credentials', '--mount'] : ['--mount'];
}

/** A handle on the disk of a process that was started through `onSmallDisk`. */
export function smallDisk(pid: number, directory: string) {
  const inside = async (...command: string[]) => {
    const env = { PATH: process.env['PATH'] ?? '' };
    const result = await runProgram('nsenter', ['--target', String(pid), ...inNamespaces(), ...command], env);
    if (result.code !== 0) throw new Error(`${command.join(' ')}: ${result.stderr}`);
    return result.stdout;
  };
  return {
    /** With `mount`'s own words, such as `ro` or `size=64m`. */
    remount: (options: string) => inside('mount', '-o', `remount,${options}`, directory),
    /** Leaves this much room. */
    fill: (kibibytesLeft: number) =>
      inside(
        'sh',
        '-c',
        'free=$(df -k --output=avail "$1" | tail -1); dd if=/dev/zero of="$1/ballast" bs=1024 count=$((free - $2)) 2>/dev/null',
        'sh',
        directory,
        String(kibibytesLeft),
      ),
    empty: () => inside('rm', '-f', join(directory, 'ballast')),
    list: async (below = '.') =>
      (await inside('find', join(directory, below), '-type', 'f')).split('\n').filter(Boolean),
  };
}

const LIBRARIES = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`);
const LIBRARY = [process.env['VAULT_DR_LIBFAKETIME'] ?? '', ...LIBRARIES].find(
  (path) => path !== '' && existsSync(path),
);

/** How clocks are changed here. */
export const CLOCK_FAULT = LIBRARY === undefined ? "JavaScript's clock" : 'libfaketime';

/**
 * A clock that is wrong by so many hours. Through libfaketime, if the machine has it (`apt-get install libfaketime`, or its
 * path in VAULT_DR_LIBFAKETIME), all code of the process sees it; otherwise only JavaScript does, not the core of the Temporal
 * SDK nor OpenSSL.
 */
export function onWrongClock(hours: number): string[] {
  const signed = `${hours < 0 ? '' : '+'}${hours}`;
  if (LIBRARY === undefined) {
    const shim = join(PROJECT_ROOT, 'test', 'support', 'wrong-clock.js');
    return ['env', `NODE_OPTIONS=--require=${shim}`, `WRONG_CLOCK_HOURS=${signed}`];
  }
  return ['env', `LD_PRELOAD=${LIBRARY}`, `FAKETIME=${signed}h`, 'FAKETIME_DONT_FAKE_MONOTONIC=1'];
}
