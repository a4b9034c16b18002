import { shellWord } from '../contract/shell-word';

export const SUDOERS_FILE = '/etc/sudoers.d/vault-dr-ssh';

/**
 * Lets a user run one command as root, with these words and no others. In its arguments sudo reads a few characters as its
 * own, unless a backslash precedes them.
 */
export function sudoersRule(user: string, command: readonly string[]): string {
  const words = command.map((word) => word.replaceAll(/[,:=\\]/g, String.raw`\$&`));
  return `${user} ALL=(root) NOPASSWD: ${words.join(' ')}\n`;
}

/** For `authorized_keys`: that key does this one thing, and nothing else of SSH. @param key as in a `.pub` file */
export function authorizedKey(command: readonly string[], key: string): string {
  const line = command
    .map(shellWord)
    .join(' ')
    .replaceAll(/["\\]/g, String.raw`\$&`);
  return `restrict,command="${line}" ${key.trim()}`;
}

/** For `known_hosts`: a host by the name and port that the controller uses. @param key as in a `.pub` file */
export function knownHost(host: string, port: number, key: string): string {
  const [type = '', value = ''] = key.trim().split(/\s+/);
  return `${port === 22 ? host : `[${host}]:${port}`} ${type} ${value}`;
}
