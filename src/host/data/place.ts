import { basename, dirname, join } from 'node:path';
import type { Layout } from '../../contract/host';
import { runName } from '../../contract/names';
import { isTemporary, type SafeDirectory } from '../../files/safe-directory';

/**
 * Kinds of data directories of a run: set aside, written and rolled back, about to be deleted, about to be filled, or
 * copied.
 */
export const KINDS = ['pre-restore', 'rolled-back', 'discarded', 'blank', 'copy'] as const;
export type Kind = (typeof KINDS)[number];

export interface Place {
  /** The directory in which it lies. */
  parent: string;
  name(kind: Kind, run: string): string;
  path(kind: Kind, run: string): string;
}

/** @param dataDir not a link: see `physicalPath` */
export function placeOf(dataDir: string, layout: Layout): Place {
  const parent = layout === 'inside' ? dataDir : dirname(dataDir);
  const before = layout === 'inside' ? '' : basename(dataDir);
  const name = (kind: Kind, run: string) => `${before}.${kind}-${runName(run)}`;
  return { parent, name, path: (kind, run) => join(parent, name(kind, run)) };
}

const OWN = new RegExp(`^\\.(${KINDS.join('|')})-[0-9a-z][0-9a-z-]*$`);

/**
 * Entries of a file system at its top, which can't be moved: lost files of ext4, quotas, snapshots of a file server.
 */
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
/** A file on NFS that was deleted while open. */
const DELETED_ON_NFS = /^\.nfs[0-9a-f]{8,}$/;

/** Whether an entry of a data directory is never set aside. */
export function staysInPlace(name: string): boolean {
  return OWN.test(name) || OF_FILE_SYSTEM.has(name) || DELETED_ON_NFS.test(name) || isTemporary(name);
}

/**
 * Vault's entries of a data directory. `vault.db` first, so that a Vault that is started in the middle can't reach the
 * data.
 */
export function entriesOf(data: SafeDirectory): string[] {
  const names = data.names().filter((name) => !staysInPlace(name));
  return [...names.filter((name) => name === DATA), ...names.filter((name) => name !== DATA)];
}

const DATA = 'vault.db';
