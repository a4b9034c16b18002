import { formatBytes } from '../contract/format';
import { shellWord } from '../contract/shell-word';
import { type Finding, problem, warning } from './finding';

const OLDEST_NODE = [20, 19] as const;
const GROUP_OR_OTHERS_WRITE = 0o022;
const OTHERS_READ = 0o004;
/** A snapshot of a small cluster, with room for one more. */
const LITTLE_ROOM = 1024 ** 3;

/** @param version such as `v20.19.0` */
export function nodeFindings(version: string): Finding[] {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  return isOld ? [problem('node-too-old', 'Node.js', `Node ${version} runs here; 20.19 is the oldest`, null)] : [];
}

export interface FileFacts {
  path: string;
  /** Null if it is not there or can't be read. */
  mode: number | null;
}

/** The configuration itself. Root's own group counts as root. */
export function configFindings({ path, mode, gid }: FileFacts & { gid: number }): Finding[] {
  if (mode === null) return [];
  const open = mode & (gid === 0 ? 0o002 : GROUP_OR_OTHERS_WRITE);
  if (open === 0) return [];
  return [problem('config-writable', path, 'others than its owner may change it', `chmod go-w ${shellWord(path)}`)];
}

export interface SecretFacts extends FileFacts {
  /** Where the configuration names it: `signing.privateKey`. */
  setting: string;
  /** Public keys and certificates. */
  isPublic?: boolean;
}

export function secretFindings(secrets: readonly SecretFacts[], fixFor: (setting: string) => string | null): Finding[] {
  return secrets.flatMap(({ path, mode, setting, isPublic = false }): Finding[] => {
    if (mode === null) {
      const text = `${setting} names it, and it can't be read here`;
      return [problem('secret-missing', path, text, fixFor(setting))];
    }
    if (isPublic || (mode & OTHERS_READ) === 0) return [];
    return [
      problem(
        'secret-readable',
        path,
        `every user of this host can read it (${setting})`,
        `chmod o= ${shellWord(path)}`,
      ),
    ];
  });
}

export interface SigningFacts {
  privateKeyFile: string | null;
  publicKeyFile: string;
  /** Null if one of them can't be read. */
  matches: boolean | null;
}

export function signingFindings({ privateKeyFile, publicKeyFile, matches }: SigningFacts): Finding[] {
  if (matches !== false) return [];
  const text = 'it is not the public half of signing.privateKey';
  return [problem('signing-key-mismatch', publicKeyFile, text, publicHalfCommand(privateKeyFile, publicKeyFile))];
}

export function publicHalfCommand(privateKeyFile: string | null, publicKeyFile: string): string | null {
  if (privateKeyFile === null) return null;
  return `openssl pkey -in ${shellWord(privateKeyFile)} -pubout -out ${shellWord(publicKeyFile)}`;
}

export function roomFindings(path: string, freeBytes: number | null): Finding[] {
  if (freeBytes === null || freeBytes >= LITTLE_ROOM) return [];
  return [warning('disk-low', path, `only ${formatBytes(freeBytes)} are free`, null)];
}
