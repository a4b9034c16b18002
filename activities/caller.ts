import { Context } from '@temporalio/activity';
import { DrError } from '../src/contract/failures';
import { firstRun } from './first-run';
import { backupWorkflowId, recoveryWorkflowId, WORKFLOW } from '../src/contract/names';

/** Types of workflow that change the nodes of a cluster, all of them under the one id that is the lock. */
const RECOVERIES: readonly string[] = Object.values(WORKFLOW).filter((type) => type !== WORKFLOW.backUpCluster);

/**
 * What asked for the step that runs here, in Temporal's own word. What a step is given says only what somebody wishes; whoever
 * can write to the namespace can wish for anything, but not have it asked by a run that there is not.
 */
interface Caller {
  workflowId: string;
  workflowType: string;
  run: string;
}

/** @throws DrError PermissionDenied unless a recovery of this cluster asks. */
export function assertRecoveryOf(cluster: string, run?: string): void {
  const caller = callerOf();
  const id = recoveryWorkflowId(cluster);
  if (caller.workflowId !== id || !RECOVERIES.includes(caller.workflowType)) {
    throw denied(caller, `only a recovery with the id '${id}' may`);
  }
  assertRun(caller, run);
}

/** The same for backups, whose schedule adds the time to their id, and a restore its run. */
export function assertBackupOf(cluster: string, run?: string): void {
  const caller = callerOf();
  const id = backupWorkflowId(cluster);
  const { workflowId, workflowType } = caller;
  const named = workflowId === id || workflowId.startsWith(`${id}-`);
  if (!named || workflowType !== WORKFLOW.backUpCluster) {
    throw denied(caller, `only a ${WORKFLOW.backUpCluster} whose id is, or begins with, '${id}' may`);
  }
  assertRun(caller, run);
}

/** For what a run writes down, whichever it is. */
export function assertRunOf(cluster: string, run: string): void {
  if (callerOf().workflowType === WORKFLOW.backUpCluster) assertBackupOf(cluster, run);
  else assertRecoveryOf(cluster, run);
}

/**
 * For what a restore says of a cluster that need not be the one whose nodes it changes.
 * @throws DrError PermissionDenied unless a recovery asks in its own name.
 */
export function assertAnyRecovery(run: string): void {
  recoveringCluster();
  assertRun(callerOf(), run);
}

/**
 * The cluster whose nodes the recovery changes that asks.
 * @throws DrError PermissionDenied unless a recovery asks.
 */
export function recoveringCluster(): string {
  const caller = callerOf();
  const prefix = recoveryWorkflowId('');
  if (!caller.workflowId.startsWith(prefix) || !RECOVERIES.includes(caller.workflowType)) {
    throw denied(caller, 'only a recovery may');
  }
  return caller.workflowId.slice(prefix.length);
}

/** @throws DrError PermissionDenied unless the message with this id is from that run. */
export function assertIdOf(run: string, id: string): void {
  if (!id.startsWith(`${run}/`)) throw denied(callerOf(), `${JSON.stringify(id.slice(0, 100))} is no id of its own`);
}

/** The run that asks. */
export function ownRun(): string {
  return callerOf().run;
}

/** The type of the workflow that asks. */
export function ownWorkflow(): string {
  return callerOf().workflowType;
}

/** When Temporal handed this attempt out, by its own clock; milliseconds since the epoch. */
export function askedAt(): number {
  return Context.current().info.currentAttemptScheduledTimestampMs;
}

type InputOf<F> = F extends (...args: infer P) => unknown ? (P extends [infer I] ? I : undefined) : never;
type Rules<A> = { [S in keyof A]: (input: InputOf<A[S]>) => void };

/** Steps that are done only for whom their rule lets through. */
export function guarded<A extends object>(steps: A, rules: Rules<A>): A {
  const entries = Object.entries(steps as Record<string, (input: unknown) => Promise<unknown>>).map(([name, step]) => {
    const rule = rules[name as keyof A] as (input: unknown) => void;
    const guard = async (input: unknown) => {
      rule(input);
      return step(input);
    };
    return [name, guard] as const;
  });
  return Object.fromEntries(entries) as A;
}

function callerOf(): Caller {
  const { workflowExecution, workflowType } = Context.current().info;
  if (workflowExecution && workflowType !== undefined) {
    const { workflowId, runId } = workflowExecution;
    return { workflowId, workflowType, run: firstRun() ?? runId };
  }
  throw new DrError('PermissionDenied', `${stepName()} was asked for by no workflow, so it was not done.`, {
    notice: 'wrong-workflow',
    advice: WHO,
  });
}

function assertRun(caller: Caller, run: string | undefined): void {
  if (run !== undefined && run !== caller.run) throw denied(caller, `it was asked for in the name of the run ${run}`);
}

const WHO = 'Look at who may write to the namespace.';

function denied({ workflowId, workflowType, run }: Caller, why: string): DrError {
  const asked = `${stepName()} was asked for by ${workflowType} '${workflowId}' (run ${run})`;
  return new DrError('PermissionDenied', `${asked}, and was not done: ${why}.`, {
    notice: 'wrong-workflow',
    advice: `Start it as the documentation says. Was it not you? ${WHO}`,
  });
}

function stepName(): string {
  return Context.current().info.activityType;
}
