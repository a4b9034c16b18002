import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DrError } from '../contract/failures';
import type { Config } from './schema';
import { secretSourcesIn } from './secret';

const GROUP_READS = 0o040;
const OTHERS_READ = 0o004;
/** Its group may enter and list, and nobody else. */
const FOR_GROUP = 0o050;
const NOT_OWNER = 0o077;
/** Kubernetes creates and rotates them. */
const NOT_OURS = '/var/run/secrets/kubernetes.io/';

/**
 * Avoidable exposures: files of secrets that other users of this host can read, and connections without TLS. Missing
 * files belong to other hosts.
 */
export async function exposuresOf(config: Config): Promise<string[]> {
  const files = secretSourcesIn(config, [])
    .flatMap(({ source, path }) => ('file' in source ? [{ file: source.file, path }] : []))
    .filter(({ file }) => !file.startsWith(NOT_OURS));
  const readable = await Promise.all(
    files.map(async ({ file, path }) => {
      const who = readersOf(await statOrNull(file), await statOrNull(dirname(file)));
      return who === null ? [] : [`${path}: ${file} is readable by ${who}: chmod 0600 ${file}`];
    }),
  );
  return [...new Set([...readable.flat(), ...inClear(config)])];
}

/**
 * With this key anybody on the host could sign what vault-dr trusts, or impersonate it.
 * @throws DrError InvalidConfiguration
 */
export async function refuseIfReadByAll(file: string, what: string): Promise<void> {
  const status = await statOrNull(file);
  if (status === null || (status.mode & OTHERS_READ) === 0) return;
  throw new DrError('InvalidConfiguration', `${what} ${file} is readable by every user of this host.`, {
    where: file,
    advice: `chmod 0600 ${file} (Kubernetes: defaultMode: 0400), and create a new key if you don't trust every user of this host.`,
  });
}

/**
 * A group that lets a service read its secrets without changing them does not count as others: that of this process, or the
 * one that its directory is for, as `vault-dr init` makes it for a controller that is not root.
 */
function readersOf(status: Stats | null, directory: Stats | null): string | null {
  if (status === null) return null;
  if ((status.mode & OTHERS_READ) !== 0) return 'every user of this host';
  const { mode, gid } = status;
  if ((mode & GROUP_READS) === 0 || gid === process.getgid?.()) return null;
  const isForGroup = directory !== null && directory.gid === gid && (directory.mode & NOT_OWNER) === FOR_GROUP;
  return isForGroup ? null : `the group ${gid}`;
}

/** Only on one host: `configSchema` refuses others. */
function inClear({ clusters }: Config): string[] {
  return Object.entries(clusters).flatMap(([cluster, { nodes }]) =>
    nodes
      .filter(({ address }) => new URL(address).protocol === 'http:')
      .map(
        ({ name, address }) =>
          `clusters.${cluster}: ${name} is accessed without TLS (${address}): use this only for a trial on one host`,
      ),
  );
}

async function statOrNull(file: string): Promise<Stats | null> {
  try {
    return await stat(file);
  } catch {
    return null;
  }
}
