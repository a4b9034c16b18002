import { basename, dirname, join } from 'node:path';
import type { Layout } from '../../contract/host';
import { runName } from '../../contract/names';
import { isTemporary, type SafeDirectory } from '../../files/safe-directory';

/** What a run makes of a data directory: what it set aside, what it made and rolled back, and what it is about to delete or fill. */
export const KINDS = ['pre-restore', 'rolled-back', 'discarded', 'blank', 'copy'] as const;
export type Kind = (typeof KINDS)[number];

export interface Place {
  /** The directory in which it lies. */
  parent: string;
  name(kind: Kind, run: string): string;
  path(kind: Kind, run: string): string;
}

/** @param dataDir no link: see `physicalPath` */
export function placeOf(dataDir: string, layout: Layout): Place {
  const parent = layout === 'inside' ? dataDir : dirname(dataDir);
  const before = layout === 'inside' ? '' : basename(dataDir);
  const name = (kind: Kind, run: string) => `${before}.${kind}-${runName(run)}`;
  return { parent, name, path: (kind, run) => join(parent, name(kind, run)) };
}

const OWN = new RegExp(`^\\.(${KINDS.join('|')})-[0-9a-z][0-9a-z-]*$`);

/** What a file system keeps in its topmost directory, and does not let go: ext4's lost files, quotas, snapshots of a file server. */
const OF_FILE_SYSTEM = new Set([
  'lost+found',
  'aquota.user',
  'aquota.group',
  'quota.user',
  'quota.group',
  '.snapshot',
  '.snapshots',
  '.zfs',
]);
/** A file that was deleted on NFS while somebody had it open. */
const DELETED_ON_NFS = /^\.nfs[0-9a-f]{8,}$/;

/** Whether an entry of a data directory stays in it, whatever is set aside. */
export function staysInPlace(name: string): boolean {
  return OWN.test(name) || OF_FILE_SYSTEM.has(name) || DELETED_ON_NFS.test(name) || isTemporary(name);
}

/**
 * The entries of a data directory that are Vault's. `vault.db` first: so the data is the first to be out of reach of a
 * Vault that is started in between.
 */
export function entriesOf(data: SafeDirectory): string[] {
  const names = data.names().filter((name) => !staysInPlace(name));
  return [...names.filter((name) => name === DATA), ...names.filter((name) => name !== DATA)];
}

const DATA = 'vault.db';
