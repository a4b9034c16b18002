import { backupWorkflowId, recoveryWorkflowId } from '../../contract/names';
import { printable } from '../../contract/printable';

/** All of it is the namespace's word: nothing here is more than a text until it was checked. */
export interface OpenRun {
  workflowId: string;
  runId: string;
}

/** Who made the last decision of a run, as that worker called itself. */
export interface Decider {
  identity: string;
  /** With the hash of the workflow bundle at its end. */
  buildId: string;
}

/** What came of a check of one run. */
export type Outcome =
  | { kind: 'replays' }
  /** No controller has decided anything yet, so there is nothing that this version could see otherwise. */
  | { kind: 'untouched' }
  | { kind: 'over' }
  | { kind: 'differs'; details: string }
  | { kind: 'unknown'; reason: string };

export interface Finding {
  run: OpenRun;
  outcome: Outcome;
  decider: Decider | null;
}

const LONGEST_ID = 120;

/** As controllers call themselves: `HOST/PID vault-dr VERSION`. */
const IDENTITY = /^[^\s/]{1,255}\/\d{1,10} vault-dr (\d{1,5}\.\d{1,5}\.\d{1,5}[0-9A-Za-z.+-]{0,40})$/;

/** The version of vault-dr that a worker's identity names, or null where it is none of ours. */
export function versionIn(identity: string): string | null {
  return IDENTITY.exec(identity)?.[1] ?? null;
}

/** Whether the product gives such an id to a run of these clusters. Only there can a run be one that somebody depends on. */
export function isOfClusters({ workflowId }: OpenRun, clusters: readonly string[]): boolean {
  return clusters.some((cluster) => {
    const backup = backupWorkflowId(cluster);
    if (workflowId === recoveryWorkflowId(cluster) || workflowId === backup) return true;
    // A schedule appends the time; a recovery, what the backup is for.
    return workflowId.startsWith(`${backup}-`) && /^[0-9A-Za-z:.-]{1,200}$/.test(workflowId.slice(backup.length));
  });
}

/** A run as messages name it. */
export function nameOf({ workflowId, runId }: OpenRun): string {
  return `${printable(workflowId).slice(0, LONGEST_ID)} (run ${printable(runId).slice(0, LONGEST_ID)})`;
}
