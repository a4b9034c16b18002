import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { GUARD, guardWorkflowId } from '../../../contract/guard';
import {
  backupWorkflowId,
  drillWorkflowId,
  readinessWorkflowId,
  recoveryWorkflowId,
  rollCallWorkflowId,
  RUN_PATTERN,
  SEARCH_ATTRIBUTE,
  secretWorkflowId,
  WORKFLOW,
} from '../../../contract/names';
import type { RunKind, RunLine } from '../../model';

/** What a list says of a run. Its run is that of the first execution, where Temporal says so. */
export type ListedRun = Pick<
  RunLine,
  'kind' | 'cluster' | 'workflowId' | 'run' | 'startedAt' | 'endedAt' | 'execution'
>;

/** More are not listed: somebody may have started any number. */
const MOST_RUNNING = 1_000;
const MOST_OF_A_CLUSTER = 100;
/** Of an id that a schedule has made. */
const SCHEDULED = /^-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

const KIND_OF = new Map<string, RunKind>([
  [WORKFLOW.backUpCluster, 'backup'],
  [WORKFLOW.drillRestore, 'drill'],
  [WORKFLOW.rollCall, 'roll-call'],
  [WORKFLOW.recoverSecret, 'secrets'],
  [WORKFLOW.evaluateReadiness, 'evaluation'],
  [GUARD.workflow, 'guard'],
  ...[
    WORKFLOW.restoreCluster,
    WORKFLOW.recoverQuorum,
    WORKFLOW.rebuildNode,
    WORKFLOW.removeSetAside,
    WORKFLOW.rollBackRun,
    WORKFLOW.migrateStorage,
    WORKFLOW.copyNode,
  ].map((type): [string, RunKind] => [type, 'recovery']),
]);

const ID_OF: Record<RunKind, (cluster: string) => string> = {
  recovery: recoveryWorkflowId,
  backup: backupWorkflowId,
  drill: drillWorkflowId,
  'roll-call': rollCallWorkflowId,
  secrets: secretWorkflowId,
  evaluation: readinessWorkflowId,
  guard: guardWorkflowId,
};

export function workflowIdOf(kind: RunKind, cluster: string): string {
  return ID_OF[kind](cluster);
}

/** Whether a run is one of this kind and cluster; anybody may start others that call themselves so. */
export function isRunOf(
  { type, workflowId }: Pick<WorkflowExecutionInfo, 'type' | 'workflowId'>,
  kind: RunKind,
  cluster: string,
): boolean {
  const id = workflowIdOf(kind, cluster);
  if (KIND_OF.get(type) !== kind || !workflowId.startsWith(id)) return false;
  const rest = workflowId.slice(id.length);
  return rest === '' || SCHEDULED.test(rest);
}

/** Null: no run of these clusters. */
export function listedRun(info: WorkflowExecutionInfo, clusters: readonly string[]): ListedRun | null {
  const kind = KIND_OF.get(info.type);
  if (kind === undefined || info.status.name === 'CONTINUED_AS_NEW') return null;
  const cluster = clusters.find((name) => isRunOf(info, kind, name));
  const run = info.raw.firstRunId || info.runId;
  if (cluster === undefined || !RUN_PATTERN.test(run)) return null;
  return {
    kind,
    cluster,
    workflowId: info.workflowId,
    run,
    startedAt: info.startTime.toISOString(),
    endedAt: info.closeTime?.toISOString() ?? null,
    execution: info.status.name,
  };
}

const TYPES = [...KIND_OF.keys()].map((type) => `'${type}'`).join(', ');

/** What runs of these clusters. `complete`: whether all that may be theirs was listed. */
export async function listRunning(
  client: Client,
  clusters: readonly string[],
): Promise<{ runs: ListedRun[]; complete: boolean }> {
  const query = `ExecutionStatus = 'Running' AND WorkflowType IN (${TYPES})`;
  return listed(client, query, clusters, MOST_RUNNING);
}

/** The newest runs of a cluster. @param cluster of the configuration, so that it can stand in a query */
export async function listRuns(client: Client, cluster: string): Promise<ListedRun[]> {
  const query = `${SEARCH_ATTRIBUTE.cluster} = '${cluster}' AND WorkflowType IN (${TYPES})`;
  const { runs } = await listed(client, query, [cluster], MOST_OF_A_CLUSTER);
  return runs.toSorted((left, right) => Date.parse(right.startedAt) - Date.parse(left.startedAt));
}

async function listed(client: Client, query: string, clusters: readonly string[], most: number) {
  const runs: ListedRun[] = [];
  let seen = 0;
  for await (const info of client.workflow.list({ query, pageSize: Math.min(most, 200) })) {
    if (seen >= most) return { runs, complete: false };
    seen += 1;
    const run = listedRun(info, clusters);
    if (run !== null) runs.push(run);
  }
  return { runs, complete: true };
}

/** In Temporal's Web UI. */
export function temporalUiOf(
  base: string | null,
  namespace: string,
  { workflowId, run }: Pick<ListedRun, 'workflowId' | 'run'>,
): string | null {
  if (base === null) return null;
  const path = ['namespaces', namespace, 'workflows', workflowId, run].map(encodeURIComponent).join('/');
  return `${base.replace(/\/+$/, '')}/${path}/history`;
}

const NAMES: Record<RunKind, string> = {
  recovery: 'Recovery',
  backup: 'Backup',
  drill: 'Drill',
  'roll-call': 'Roll-call',
  secrets: 'Single secrets',
  evaluation: 'Evaluation',
  guard: 'Guard',
};

const ENDED: Partial<Record<string, Pick<RunLine, 'tone'> & { word: string }>> = {
  COMPLETED: { word: 'completed', tone: 'good' },
  FAILED: { word: 'failed', tone: 'bad' },
  TERMINATED: { word: 'terminated', tone: 'bad' },
  TIMED_OUT: { word: 'timed out', tone: 'bad' },
  CANCELLED: { word: 'cancelled', tone: 'attention' },
};

/** What Temporal alone says of a run. */
export function plainHeadline({ kind, cluster, execution }: Pick<ListedRun, 'kind' | 'cluster' | 'execution'>) {
  const { word, tone } = ENDED[execution] ?? { word: 'running', tone: 'neutral' as const };
  return { text: `${NAMES[kind]} of ${cluster}: ${word}`, tone };
}
