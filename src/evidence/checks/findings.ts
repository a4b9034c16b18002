import type { EvidenceFacts } from '../facts';
import type { EvidenceBackup, EvidenceDrill, EvidenceRecovery } from '../schema';
import type { Drilled } from '../../repository/keep/drills';
import type { RollCalled } from '../../contract/roll-call';

/** The facts as the checks need them. */
export interface Findings {
  facts: EvidenceFacts;
  /** Of any time. */
  allBackups: readonly EvidenceBackup[];
  /** Those of the period; so are the others below. */
  backups: EvidenceBackup[];
  recoveries: EvidenceRecovery[];
  /** Why not all recoveries are known. */
  recoveriesOpen: readonly string[];
  drills: EvidenceDrill[];
  /** Until the end of the period. */
  allDrills: readonly Drilled[];
  rollCalls: readonly RollCalled[];
  /** Repositories that did not answer, as sentences. */
  silent: readonly string[];
  /** Why the audit trail does not tell all that happened. */
  trailOpen: readonly string[];
  /** What speaks against marks, reports and the chain. */
  against: readonly string[];
}
