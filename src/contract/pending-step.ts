import type { StepProblem } from './recovery';

/** A step that a run has scheduled, as Temporal sees it right now: more recent than what the run itself knows. */
export interface PendingStep {
  /** Activity type. */
  step: string;
  /** Null for steps of the controller, and if unknown. */
  node: string | null;
  /** `waiting`: not picked up yet; `backing off`: it failed, and the next attempt is pending. */
  state: 'waiting' | 'running' | 'backing off';
  /** Attempts, or tries that the step has made by itself. */
  attempts: number;
  /** RFC 3339: when it was scheduled. */
  since: string;
  nextAttemptAt: string | null;
  /** Of the last attempt, or of the last try within this one. */
  failure: StepProblem | null;
  /** Its latest heartbeat. */
  says: string | null;
}
