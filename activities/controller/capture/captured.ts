import type { Canary, FileDigest, OwnSeal } from '../../../src/contract/generation';
import type { Content } from '../../../src/contract/method';
import type { SealStatus } from '../../../src/vault/answers';
import type { LeaderView } from '../../../src/vault/leader';
import type { SnapshotSummary } from '../../../src/vault/snapshot/snapshot-archive';

/** An archive in the staging directory, with facts about the cluster at the time. */
export interface Captured {
  file: string;
  capturedAt: string;
  leader: LeaderView;
  /** Of the leader, with a login. */
  status: SealStatus;
  /** Node ids of permanent non-voters, as far as autopilot says. */
  nonVoters: string[];
  ownSeals: OwnSeal[];
  clockAheadSeconds: number | null;
  canary: Canary | null;
  credential: string;
  warnings: string[];
  summary: SnapshotSummary;
  /** Only if it is not a Raft snapshot. */
  content?: Content;
  stored: FileDigest;
}
