import type { Canary, FileDigest, OwnSeal } from '../../../src/contract/generation';
import type { Content } from '../../../src/contract/method';
import type { SealStatus } from '../../../src/vault/answers';
import type { LeaderView } from '../../../src/vault/leader';
import type { SnapshotSummary } from '../../../src/vault/snapshot/snapshot-archive';

/** An archive in the staging directory, and what was seen of the cluster while it was made. */
export interface Captured {
  file: string;
  capturedAt: string;
  leader: LeaderView;
  /** Of the leader, as it tells those who have logged in. */
  status: SealStatus;
  /** Node ids of members that are never to vote, as far as autopilot says so. */
  nonVoters: string[];
  ownSeals: OwnSeal[];
  clockAheadSeconds: number | null;
  canary: Canary | null;
  credential: string;
  warnings: string[];
  summary: SnapshotSummary;
  /** Of an archive that is no Raft snapshot. */
  content?: Content;
  stored: FileDigest;
}
