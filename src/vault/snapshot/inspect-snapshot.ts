import type { Readable } from 'node:stream';
import type { Encryption } from '../../contract/generation';
import type { DecryptionKeys } from '../../crypto/encryption';
import { readDataArchive } from '../archive/data-archive';
import type { ArchiveMeta } from '../archive/format';
import { openArchive } from './open-archive';
import { readSnapshotArchive, type SnapshotSummary } from './snapshot-archive';

export interface Inspection extends SnapshotSummary {
  encryption: Encryption['method'];
  /** Of a copy of a data directory; absent for a snapshot. */
  dataDirectory?: DataDirectory;
}

export interface DataDirectory extends Pick<ArchiveMeta, 'storage' | 'nodeId' | 'files' | 'bytes' | 'leftOut'> {
  lastLogIndex: number | null;
  lastLogTerm: number | null;
}

/**
 * Reads a snapshot of any origin, or a copy of a data directory, encrypted or not, end to end and in constant memory.
 * @throws DrError SnapshotIncomplete | SnapshotCorrupt | CopyDamaged if it is not intact; DecryptionFailed if no key fits.
 */
export async function inspectSnapshot(source: Readable, keys: DecryptionKeys, where: string): Promise<Inspection> {
  const { encryption, archive, isDataArchive } = await openArchive(source, keys, where);
  if (!isDataArchive) return { encryption, ...(await readSnapshotArchive(archive)) };
  const { meta, ...summary } = await readDataArchive(archive);
  const { storage, nodeId, files, bytes, leftOut, raft } = meta;
  const { lastLogIndex = null, lastLogTerm = null } = raft ?? {};
  return {
    encryption,
    ...summary,
    dataDirectory: { storage, nodeId, files, bytes, leftOut, lastLogIndex, lastLogTerm },
  };
}
