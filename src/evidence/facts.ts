import type { AuditHead } from '../audit/audit-heads';
import type { AuditLine } from '../audit/audit-record';
import type { RtoPolicy } from '../ready/facts';
import type { RollCallPolicy } from '../contract/roll-call';
import type { Approver } from '../crypto/approvals';
import type { ChainFinding, RepositoryView } from '../repository/keep/chain';
import type { Mark } from '../repository/keep/marks';
import type { Period } from './period';
import type { EvidenceDocument, EvidenceTrail } from './schema';

/** Everything that was gathered for one document. What is in it comes from outside. */
export interface EvidenceFacts {
  cluster: string;
  period: Period;
  createdAt: string;
  createdBy: EvidenceDocument['createdBy'];
  signingKeySha256: string;
  policy: EvidencePolicy;
  repositories: EvidenceDocument['repositories'];
  /** Of those that answered. */
  views: readonly RepositoryView[];
  chain: readonly ChainFinding[];
  marks: readonly MarksIn[];
  /** Null: no copy was read, because nobody wanted that. */
  reads: readonly CopyRead[] | null;
  locks: readonly LockRead[];
  reports: readonly ReportRead[];
  trails: TrailFacts;
}

/** What the configuration of the cluster wants. */
export interface EvidencePolicy {
  rpoSeconds: number | null;
  rto: RtoPolicy;
  drillDays: number | null;
  /** Null: no key holder is named. */
  rollCall: RollCallPolicy | null;
  /** Null: nobody has to sign. */
  approvers: readonly Approver[] | null;
  /** Days for which each of these repositories locks what is stored. */
  locking: ReadonlyMap<string, number>;
}

export interface MarksIn {
  repository: string;
  marks: readonly Mark[];
  heads: string[];
  problems: readonly string[];
}

/** What came of reading every byte of a copy. */
export interface CopyRead {
  repository: string;
  generation: string;
  problem: string | null;
  /** It could not be read, and may be whole. */
  retryable: boolean;
}

export interface LockRead {
  repository: string;
  generation: string;
  /** Null: it can be removed now. */
  until: string | null;
  /** Nothing ends it. */
  held: boolean;
  problem: string | null;
}

export interface ReportRead {
  repository: string;
  /** Null: the reports of the repository could not be listed. */
  run: string | null;
  /** As it is signed, not parsed yet; null if there is a problem. */
  report: unknown;
  problem: string | null;
  retryable: boolean;
}

export interface TrailFacts {
  /** That of this host, and those of others as the repositories have them. */
  trails: EvidenceTrail[];
  /** Of all trails, about this cluster, as they are: nothing in them was parsed. */
  lines: readonly AuditLine[];
  heads: readonly AuditHead[];
  /** What speaks against them. */
  problems: readonly string[];
  /** What could not be read or compared. */
  open: readonly string[];
  /** Neither good nor bad in itself. */
  notices: readonly string[];
}
