import type { Readable } from 'node:stream';
import type { Encryption } from '../../contract/generation';
import type { DecryptionKeys } from '../../crypto/encryption';
import { openArchive } from './open-archive';
import { readSnapshotArchive, type SnapshotSummary } from './snapshot-archive';

export interface Inspection extends SnapshotSummary {
  encryption: Encryption['method'];
}

/**
 * Reads a snapshot that anybody may have made, encrypted or not, end to end and in constant memory.
 * @throws DrError SnapshotIncomplete | SnapshotCorrupt | CopyDamaged if it is not whole; DecryptionFailed if no key fits.
 */
export async function inspectSnapshot(source: Readable, keys: DecryptionKeys, where: string): Promise<Inspection> {
  const { encryption, archive } = await openArchive(source, keys, where);
  return { encryption, ...(await readSnapshotArchive(archive)) };
}
