/** What a break-glass kit says that holds until an installation is changed, in the order of its pages; names on the wire. */
export const KIT_PARTS = {
  holders: 'who holds shares',
  approvers: 'who approves',
  seal: 'seal, and numbers of shares',
  repositories: 'where the backups lie',
  nodes: 'nodes',
  signing: 'signing key',
  authorities: "certificate authority of Vault's servers",
  encryption: 'for whom backups are encrypted',
  identities: 'where the decryption identity is',
  servers: 'which server to install',
  agents: "keys of agents, in the key holders' page",
} as const;
export type KitPart = keyof typeof KIT_PARTS;
const PARTS = Object.keys(KIT_PARTS) as KitPart[];

/** By which one tells whether a printed kit is still right. */
export interface KitContents {
  /** Of all parts together. */
  sha256: string;
  /** SHA-256 of each. A later version may know more of them. */
  parts: Record<string, string>;
}

/** What a person compares; it stands on each page. */
export function kitCode({ sha256 }: KitContents): string {
  return sha256.slice(0, 12);
}

/** Parts that say something else now. What only one of two versions knows has not changed. */
export function changedParts(before: KitContents, now: KitContents): KitPart[] {
  return PARTS.filter((part) => {
    const [then, today] = [before.parts[part], now.parts[part]];
    return then !== undefined && today !== undefined && then !== today;
  });
}

/** For a notification: its reader may see nothing else. */
export function kitChangedText(cluster: string, parts: readonly KitPart[], now: KitContents): string {
  const what = parts.map((part) => KIT_PARTS[part]).join(', ');
  const command = `vault-dr kit --cluster ${cluster} --directory DIRECTORY`;
  return `The break-glass kit of ${cluster} has changed: ${what}. Print it again, and replace every copy: ${command}. The new ones have the code ${kitCode(now)}.`;
}
