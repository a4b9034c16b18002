import type { ServingState } from '../contract/guard';
import { formatTime } from '../contract/format';
import { shellWord } from '../contract/shell-word';

/** The backup that a guard has pinned. */
export interface WayBackTo {
  cluster: string;
  backup: string;
  capturedAt: string;
  /** Of the nodes before the command. */
  versions: readonly string[];
}

/** A line of it: what is to be known, or what is to be typed. */
export interface WayBackLine {
  text: string;
  command: string | null;
}

/** @param now null before the command, and where the cluster does not answer */
export function wayBack(to: WayBackTo, now: ServingState | null): WayBackLine[] {
  const lost = `This loses what was written after ${formatTime(to.capturedAt)}`;
  return [
    ...(now === null ? [] : olderProgram(to, now)),
    { text: `${lost}, and asks for approvals and shares as any restore does:`, command: restoreCommand(to) },
  ];
}

export function restoreCommand({ cluster, backup }: Pick<WayBackTo, 'cluster' | 'backup'>): string {
  return `vault-dr restore --cluster ${shellWord(cluster)} --backup ${shellWord(backup)}`;
}

export function unpinCommand({ cluster, backup }: Pick<WayBackTo, 'cluster' | 'backup'>): string {
  return `vault-dr backups unpin ${shellWord(backup)} --cluster ${shellWord(cluster)} --reason 'the change is done'`;
}

/** A data directory that a newer Vault has opened may have its format. */
function olderProgram({ versions }: WayBackTo, now: ServingState): WayBackLine[] {
  const before = [...new Set(versions)];
  const others = [...new Set(Object.values(now.versions))].filter((version) => !before.includes(version));
  if (before.length === 0 || others.length === 0) return [];
  const [older, newer] = [before.join(', '), others.join(', ')];
  return [
    {
      text:
        `Nodes run ${newer} now, and ran ${older}. Do not just start ${older} again: it may not read data that ${newer} has opened. ` +
        `First stop Vault and install ${older} on every host; the restore then sets that data aside`,
      command: null,
    },
  ];
}
