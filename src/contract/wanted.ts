import { DrError } from './failures';
import { printable } from './printable';

/** What of a backup is asked for, as its path says. */
export type Wanted =
  | { kind: 'secret'; path: string; isFolder: boolean }
  | { kind: 'policy'; path: string; name: string }
  | { kind: 'role'; path: string; isFolder: boolean }
  /** `name` with a slash at its end. */
  | { kind: 'mount'; path: string; table: 'mounts' | 'auth'; name: string };

export type WhichVersions = 'latest' | 'all' | number;

const LONGEST_PATH = 1_024;
const POLICY = 'sys/policies/acl/';
const MOUNT = /^sys\/(mounts|auth)\/(.+?)\/?$/;

/** @throws DrError InvalidInput */
export function parseWanted(text: string): Wanted {
  const path = text.replace(/^\//, '');
  const segments = path.replace(/\/$/, '').split('/');
  if (path.length > LONGEST_PATH || segments.some((segment) => ['', '.', '..'].includes(segment))) {
    throw refused(text, 'is not a path of Vault');
  }
  if (printable(path) !== path) throw refused(text, 'has characters that a screen would hide');
  if (path.startsWith(POLICY) && !path.endsWith('/')) return { kind: 'policy', path, name: path.slice(POLICY.length) };
  const mount = MOUNT.exec(path);
  if (mount) return { kind: 'mount', path, table: mount[1] as 'mounts' | 'auth', name: `${mount[2]}/` };
  if (segments[0] === 'sys') throw refused(text, 'is none of the paths below sys/ that can be brought back');
  const isFolder = path.endsWith('/');
  if (segments[0] === 'auth') {
    if (segments.length < 3) throw refused(text, 'names no role');
    return { kind: 'role', path, isFolder };
  }
  return { kind: 'secret', path, isFolder };
}

/** @throws DrError InvalidInput */
export function parseVersions(text: string): WhichVersions {
  if (text === 'latest' || text === 'all') return text;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new DrError('InvalidInput', `--versions ${printable(text)} is none of latest, all or the number of a version.`);
}

function refused(text: string, why: string): DrError {
  return new DrError('InvalidInput', `'${printable(text).slice(0, LONGEST_PATH)}' ${why}.`, {
    advice:
      'Ask for a secret (secret/app/db), all below a path (secret/app/), a policy (sys/policies/acl/NAME), a role (auth/approle/role/NAME) or the settings of a mount (sys/mounts/NAME, sys/auth/NAME).',
  });
}
