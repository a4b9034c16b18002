import type { FileDigest, RaftPeer } from '../../contract/generation';
import { readThrough } from '../read-through';
import { type ArchiveFormat, ArchiveVerifier, type Member as ArchiveMember } from './archive-verifier';
import { type KeySummary, RECOVERY_CONFIG, SEAL_CONFIG, WATCHED } from './key-tally';
import { MEMBERS } from './snapshot-members';
import { AGAIN, notAnArchive, readParts, type SnapshotKind, type Unseal, unsealOf, UNUSABLE } from './snapshot-parts';
import { StateReader } from './snapshot-state';
import { refuseConsul } from './state-kind';

export interface SnapshotSummary extends KeySummary, Unseal {
  /** The archive as received, still compressed. */
  archive: FileDigest;
  raft: { index: number; term: number; peers: RaftPeer[] };
}

type Contents = Omit<SnapshotSummary, 'archive'>;

const FORMAT: ArchiveFormat<Contents> = {
  subject: 'The snapshot',
  advice: { incomplete: AGAIN, corrupt: UNUSABLE },
  read: readMembers,
  isLast: (_header, count) => count === MEMBERS.length,
  notGzip: notAnArchive,
};

/**
 * Passes a Raft snapshot archive on unchanged and verifies it on the way: gzip to its very end, the tar members, the inner SHA-256
 * sums, every entry of `state.bin`. It can't check `SHA256SUMS.sealed`: only the seal can decrypt it.
 */
export class SnapshotVerifier extends ArchiveVerifier<Contents> {
  constructor() {
    super(FORMAT);
  }
}

const KIND: SnapshotKind = { is: 'a Raft snapshot', members: MEMBERS, checkState: refuseConsul };

async function readMembers(members: AsyncIterable<ArchiveMember>): Promise<Contents> {
  const state = new StateReader(WATCHED, [SEAL_CONFIG, RECOVERY_CONFIG]);
  const { index, term, peers } = await readParts(members, state, KIND);
  return {
    raft: { index, term, peers },
    ...unsealOf(state.tally, (key) => state.valueOf(key)),
    ...state.tally.summary(),
  };
}

/**
 * Reads an archive for nothing but its summary.
 * @throws DrError SnapshotIncomplete | SnapshotCorrupt; errors of the source as they are.
 */
export async function readSnapshotArchive(source: AsyncIterable<Uint8Array>): Promise<SnapshotSummary> {
  const verifier = new SnapshotVerifier();
  await readThrough(source, verifier);
  return verifier.summary;
}
