import type { TemporalOptions } from '../connect-temporal';
import type { Finding, OpenRun } from './open-run';

/** What the controller asks of the process that replays, one run at a time. */
export interface ReplayRequest {
  temporal: TemporalOptions;
  bundle: string;
  run: OpenRun;
}

export type ReplayAnswer = Omit<Finding, 'run'>;
