import { DrError } from '../../../contract/failures';
import { readThrough } from '../../read-through';
import { type ArchiveFormat, ArchiveVerifier, type Member } from '../archive-verifier';
import type { SnapshotSummary } from '../snapshot-archive';
import type { RaftMeta } from '../snapshot-members';
import { AGAIN, notAnArchive, readParts, type SnapshotKind, unsealOf, UNUSABLE } from '../snapshot-parts';
import { refuseRaft } from '../state-kind';
import { type ConsulContents, type ConsulQuestion, ConsulStateReader } from './consul-state';

/** Of Vault's keys, those below the prefix, as in a snapshot of Vault's own. `raft`: Consul's own log and servers. */
export interface ConsulSnapshotSummary extends SnapshotSummary {
  consul: ConsulContents;
}

const KIND: SnapshotKind = {
  is: 'a snapshot of Consul',
  members: ['meta.json', 'state.bin', 'SHA256SUMS'],
  checkState: refuseRaft,
};

type Contents = Omit<ConsulSnapshotSummary, 'archive'>;

function formatFor(question: ConsulQuestion): ArchiveFormat<Contents> {
  return {
    subject: 'The snapshot',
    advice: { incomplete: AGAIN, corrupt: UNUSABLE },
    read: (members) => readMembers(members, question),
    isLast: (_header, count) => count === KIND.members.length,
    notGzip: notAnArchive,
  };
}

/**
 * Passes a snapshot of Consul on unchanged and verifies it on the way: gzip to its very end, the tar members, the inner SHA-256 sums,
 * every record of `state.bin`.
 */
export class ConsulSnapshotVerifier extends ArchiveVerifier<Contents> {
  constructor(question: ConsulQuestion) {
    super(formatFor(question));
  }
}

/** The same checks for a snapshot of any Consul, with or without a Vault in it; collects nothing. */
export class ConsulIntegrityVerifier extends ArchiveVerifier<RaftMeta> {
  constructor() {
    super({ ...formatFor({ prefix: '' }), read: (members) => readParts(members, new ByteCounter(), KIND) });
  }
}

class ByteCounter {
  sizeBytes = 0;

  push(chunk: Buffer): void {
    this.sizeBytes += chunk.length;
  }

  end(): void {}
}

/**
 * Reads an archive for nothing but its summary.
 * @throws DrError SnapshotIncomplete | SnapshotCorrupt; InvalidConfiguration when it has no Vault below the prefix; errors of the
 *   source as they are.
 */
export async function readConsulArchive(
  source: AsyncIterable<Uint8Array>,
  question: ConsulQuestion,
): Promise<ConsulSnapshotSummary> {
  const verifier = new ConsulSnapshotVerifier(question);
  await readThrough(source, verifier);
  return verifier.summary;
}

async function readMembers(members: AsyncIterable<Member>, question: ConsulQuestion): Promise<Contents> {
  const state = new ConsulStateReader(question);
  const { index, term, peers } = await readParts(members, state, KIND);
  const summary = state.tally.summary();
  if (summary.keys.count === 0) throw noVault(question.prefix, state.otherVaults());
  return {
    raft: { index, term, peers },
    ...unsealOf(state.tally, (key) => state.valueOf(key)),
    ...summary,
    consul: state.contents(),
  };
}

function noVault(prefix: string, others: readonly string[]): DrError {
  const found = others.length === 0 ? '' : ` A Vault stores below ${others.join(', ')}.`;
  return new DrError('InvalidConfiguration', `The snapshot of Consul has no key below ${prefix}.${found}`, {
    advice: 'Set `consul.path` of the cluster to the `path` of `storage "consul"` in Vault\'s configuration.',
  });
}
