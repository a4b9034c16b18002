import { DrError } from '../../contract/failures';
import { readThrough } from '../read-through';
import { type ArchiveFormat, ArchiveVerifier } from '../snapshot/archive-verifier';
import { INDISPENSABLE, STORED_KEYS } from '../snapshot/key-tally';
import type { SnapshotSummary } from '../snapshot/snapshot-archive';
import { ADVICE, type ArchiveMeta, corrupt, SUMS } from './format';
import { readMembers, type Receiver } from './read-members';

/** As of a Raft snapshot, so that a manifest says the same of both. */
export interface DataArchiveSummary extends SnapshotSummary {
  meta: ArchiveMeta;
}

type Contents = Omit<DataArchiveSummary, 'archive'>;

/**
 * Passes the archive of a data directory on unchanged and verifies it on the way: gzip to its very end, the tar, the SHA-256 sum of
 * each file, and that there is what `meta.json` says. The counts of keys are those that were taken when it was written.
 * @param receiver gets the contents meanwhile; what it throws ends the stream
 */
export class DataArchiveVerifier extends ArchiveVerifier<Contents> {
  constructor(receiver: Receiver = {}) {
    super(formatFor(receiver));
  }
}

/**
 * Reads an archive for nothing but its summary, or for a receiver of its contents.
 * @throws DrError SnapshotIncomplete | SnapshotCorrupt; errors of the source and of the receiver as they are; the reason of the signal.
 */
export async function readDataArchive(
  source: AsyncIterable<Uint8Array>,
  receiver: Receiver = {},
  signal?: AbortSignal,
): Promise<DataArchiveSummary> {
  const verifier = new DataArchiveVerifier(receiver);
  try {
    await readThrough(source, verifier, signal);
  } catch (error) {
    // Node wraps the reason of an abort.
    signal?.throwIfAborted();
    throw error;
  }
  return verifier.summary;
}

function formatFor(receiver: Receiver): ArchiveFormat<Contents> {
  return {
    subject: 'The archive',
    advice: ADVICE,
    read: async (members) => contentsOf(await readMembers(members, receiver)),
    isLast: ({ name }) => name === SUMS,
    notGzip: () => corrupt('is not a gzip archive'),
  };
}

/** @throws DrError SnapshotCorrupt when no cluster restored from it could be unsealed. */
function contentsOf(meta: ArchiveMeta): Contents {
  requireUnsealable(meta);
  const { raft, seal, recoveryConfig, requiredKeys, keys, leases, reach, newestVersion, ownSeals } = meta;
  const { index, term, peers } = raft ?? { index: 0, term: 0, peers: [] };
  return {
    meta,
    raft: { index, term, peers },
    seal,
    recoveryConfig,
    requiredKeys,
    keys,
    leases,
    reach,
    newestVersion,
    ownSeals,
  };
}

/** @throws DrError SnapshotCorrupt */
export function requireUnsealable({ requiredKeys, seal }: Pick<ArchiveMeta, 'requiredKeys' | 'seal'>): void {
  const lacking = INDISPENSABLE.find((key) => !requiredKeys.includes(key));
  const missing = lacking ?? (seal.type !== 'shamir' && !requiredKeys.includes(STORED_KEYS) ? STORED_KEYS : undefined);
  if (missing === undefined) return;
  throw new DrError('SnapshotCorrupt', `The data has no ${missing}, so a cluster with it could not be unsealed.`, {
    advice: ADVICE.corrupt,
  });
}
