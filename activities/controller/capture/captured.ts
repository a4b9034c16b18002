import type { Canary, FileDigest, OwnSeal } from '../../../src/contract/generation';
import type { Content } from '../../../src/contract/method';
import type { SealStatus } from '../../../src/vault/answers';
import type { LeaderView } from '../../../src/vault/leader';
import type { SnapshotSummary } from '../../../src/vault/snapshot/snapshot-archive';

/** An archive in the staging directory, with facts about the cluster at the time. */
export interface Captured {
  file: string;
  capturedAt: string;
  leader: Omit<LeaderView, 'leader'> & { leader: Pick<LeaderView['leader'], 'node'> };
  /** Of the leader, with a login. */
  status: Pick<SealStatus, 'version' | 'clusterName'>;
  /** Node ids of permanent non-voters, as far as autopilot says. */
  nonVoters: string[];
  ownSeals: OwnSeal[];
  clockAheadSeconds: number | null;
  canary: Canary | null;
  credential: string;
  warnings: string[];
  summary: Omit<SnapshotSummary, 'requiredKeys' | 'newestVersion' | 'ownSeals'>;
  /** Id of the backup, where the archive lies under it already. */
  generation?: string;
  /** Only if it is not a Raft snapshot. */
  content?: Content;
  stored: FileDigest;
}
