import type { StepProblem } from './recovery';

/** A step that a run has asked for, as Temporal sees it just now: fresher than what the run itself knows. */
export interface PendingStep {
  /** Activity type. */
  step: string;
  /** Null for those of the controller, and where it is not known. */
  node: string | null;
  /** `waiting`: nobody has picked it up yet; `backing off`: it failed, and its next attempt is to come. */
  state: 'waiting' | 'running' | 'backing off';
  /** Attempts begun, or tries that the step has made by itself. */
  attempts: number;
  /** RFC 3339: when it was asked for. */
  since: string;
  nextAttemptAt: string | null;
  /** Of the last attempt, or of the last try within this one. */
  failure: StepProblem | null;
  /** What it says with its heartbeats. */
  says: string | null;
}
