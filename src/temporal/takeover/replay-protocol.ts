import type { TemporalOptions } from '../connect-temporal';
import type { Finding, OpenRun } from './open-run';

/** The controller's request to the process that replays, one run at a time. */
export interface ReplayRequest {
  temporal: TemporalOptions;
  bundle: string;
  run: OpenRun;
}

export type ReplayAnswer = Omit<Finding, 'run'>;
