import { backupWorkflowId, recoveryWorkflowId } from '../../contract/names';
import { printable } from '../../contract/printable';

/** From the namespace: nothing but text until it is checked. */
export interface OpenRun {
  workflowId: string;
  runId: string;
}

/** Who made the last decision of a run, by the identity of that worker. */
export interface Decider {
  identity: string;
  /** Ends with the hash of the workflow bundle. */
  buildId: string;
}

/** Outcome of the check of one run. */
export type Outcome =
  | { kind: 'replays' }
  /** No controller has decided anything yet, so nothing can differ. */
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

/** Identity of controllers: `HOST/PID vault-dr VERSION`. */
const IDENTITY = /^[^\s/]{1,255}\/\d{1,10} vault-dr (\d{1,5}\.\d{1,5}\.\d{1,5}[0-9A-Za-z.+-]{0,40})$/;

/** The version of vault-dr in a worker's identity; null if it is not ours. */
export function versionIn(identity: string): string | null {
  return IDENTITY.exec(identity)?.[1] ?? null;
}

/** Whether the product gives such an id to runs of these clusters. Nobody depends on other runs. */
export function isOfClusters({ workflowId }: OpenRun, clusters: readonly string[]): boolean {
  return clusters.some((cluster) => {
    const backup = backupWorkflowId(cluster);
    if (workflowId === recoveryWorkflowId(cluster) || workflowId === backup) return true;
    // A schedule appends the time; a recovery, the purpose of the backup.
    return workflowId.startsWith(`${backup}-`) && /^[0-9A-Za-z:.-]{1,200}$/.test(workflowId.slice(backup.length));
  });
}

/** A run, for messages. */
export function nameOf({ workflowId, runId }: OpenRun): string {
  return `${printable(workflowId).slice(0, LONGEST_ID)} (run ${printable(runId).slice(0, LONGEST_ID)})`;
}
