import type { ServingState } from '../contract/guard';
import type { ReadinessReport } from '../contract/readiness';
import type { CommandEnd, GuardOutcome } from './outcome';
import type { GuardFinding } from './refusal';

/** What `--json` prints; null is what it did not come to. */
export interface GuardSummary {
  cluster: string;
  requestedBy: string;
  outcome: GuardOutcome;
  exitCode: number;
  readiness: Pick<ReadinessReport, 'verdict' | 'evaluatedAt'> | null;
  refused: GuardFinding[];
  accepted: GuardFinding[];
  backup: { generation: string; capturedAt: string; verifiedIn: string[]; pinnedIn: string[] } | null;
  command: ({ program: string; startedAt: string; endedAt: string } & CommandEnd) | null;
  gate: { passed: boolean; gaps: string[] } | null;
  before: ServingState | null;
  after: ServingState | null;
  wayBack: string | null;
}
