import { Context } from '@temporalio/activity';
import { DrError } from '../src/contract/failures';
import { GUARD, guardWorkflowId } from '../src/contract/guard';
import { DELIVERY, deliveryWorkflowId, failureNoticeId } from '../src/contract/notification';
import { firstRun } from './first-run';
import {
  backupWorkflowId,
  drillWorkflowId,
  readinessWorkflowId,
  recoveryWorkflowId,
  rollCallWorkflowId,
  secretWorkflowId,
  WORKFLOW,
} from '../src/contract/names';

const SANDBOX_RUNS: readonly string[] = [WORKFLOW.drillRestore, WORKFLOW.rollCall, WORKFLOW.recoverSecret];
/** Workflow types with ids, and so locks, of their own. */
const OTHERS: readonly string[] = [WORKFLOW.backUpCluster, ...SANDBOX_RUNS, WORKFLOW.evaluateReadiness];
/** Workflow types that change the nodes of a cluster. They share one workflow id, which is the lock. */
const RECOVERIES: readonly string[] = Object.values(WORKFLOW).filter((type) => !OTHERS.includes(type));

/**
 * The workflow that scheduled this step, according to Temporal itself. The input of a step proves nothing: anybody who
 * can write to the namespace can choose it, but can't make it come from a run that does not exist.
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

/** The same for backups. A schedule appends the time to their id, a restore its run. */
export function assertBackupOf(cluster: string, run?: string): void {
  assertScheduled(WORKFLOW.backUpCluster, backupWorkflowId(cluster), run);
}

/** The same for drills. A schedule appends the time to their id. */
export function assertDrillOf(cluster: string, run?: string): void {
  assertScheduled(WORKFLOW.drillRestore, drillWorkflowId(cluster), run);
}

/** The same for roll-calls. */
export function assertRollCallOf(cluster: string, run?: string): void {
  assertScheduled(WORKFLOW.rollCall, rollCallWorkflowId(cluster), run);
}

/** For an evaluation of this cluster, which has exactly this id. */
export function assertReadinessOf(cluster: string, run?: string): void {
  assertExactly(WORKFLOW.evaluateReadiness, readinessWorkflowId(cluster), 'an evaluation', run);
}

/** For what only reads: a plan and an evaluation look at the same. */
export function assertRecoveryOrReadinessOf(cluster: string): void {
  if (ownWorkflow() === WORKFLOW.evaluateReadiness) assertReadinessOf(cluster);
  else assertRecoveryOf(cluster);
}

/**
 * The same for what brings single secrets back. Its id is the lock, so nothing is appended.
 * @throws DrError PermissionDenied
 */
export function assertSecretRunOf(cluster: string, run?: string): void {
  assertExactly(WORKFLOW.recoverSecret, secretWorkflowId(cluster), `a ${WORKFLOW.recoverSecret}`, run);
}

/** A drill, or a roll-call: what tries a backup, and reads nothing for anybody. */
export function assertRehearsalOf(cluster: string, run?: string): void {
  if (ownWorkflow() === WORKFLOW.rollCall) assertRollCallOf(cluster, run);
  else assertDrillOf(cluster, run);
}

/** For what every run in a sandbox does. */
export function assertSandboxRunOf(cluster: string, run?: string): void {
  if (ownWorkflow() === WORKFLOW.recoverSecret) assertSecretRunOf(cluster, run);
  else assertRehearsalOf(cluster, run);
}

/** Whatever people approve. */
export function assertApprovable(cluster: string, run: string): void {
  if (ownWorkflow() === WORKFLOW.recoverSecret) assertSecretRunOf(cluster, run);
  else assertRecoveryOf(cluster, run);
}

/** Whether what delivers notifications asks. */
export function isDelivery(): boolean {
  return ownWorkflow() === DELIVERY.workflow;
}

/**
 * For what delivers one notification of this cluster, or says that it could not. Its id says which.
 * @throws DrError PermissionDenied
 */
export function assertDeliveryOf(cluster: string, id: string): void {
  const caller = callerOf();
  const { workflowId, workflowType } = caller;
  const prefix = deliveryWorkflowId(cluster, '');
  const own = workflowId.startsWith(prefix) ? workflowId.slice(prefix.length) : '';
  const isItsOwn = own !== '' && [own, failureNoticeId(own)].includes(id);
  if (workflowType === DELIVERY.workflow && isItsOwn) return;
  throw denied(caller, `only a ${DELIVERY.workflow} whose id is '${prefix}' and that of the notification may`);
}

/**
 * For what watches a cluster around a change.
 * @throws DrError PermissionDenied
 */
export function assertGuardOf(cluster: string, run?: string): void {
  assertExactly(GUARD.workflow, guardWorkflowId(cluster), 'a guard', run);
}

function assertExactly(type: string, id: string, named: string, run?: string): void {
  const caller = callerOf();
  if (caller.workflowId !== id || caller.workflowType !== type) {
    throw denied(caller, `only ${named} with the id '${id}' may`);
  }
  assertRun(caller, run);
}

function assertScheduled(type: string, id: string, run: string | undefined): void {
  const caller = callerOf();
  const { workflowId, workflowType } = caller;
  const named = workflowId === id || workflowId.startsWith(`${id}-`);
  if (!named || workflowType !== type) {
    throw denied(caller, `only a ${type} whose id is, or begins with, '${id}' may`);
  }
  assertRun(caller, run);
}

/** For records of any kind of run. */
export function assertRunOf(cluster: string, run: string): void {
  const { workflowType } = callerOf();
  if (workflowType === WORKFLOW.backUpCluster) assertBackupOf(cluster, run);
  else if (SANDBOX_RUNS.includes(workflowType)) assertSandboxRunOf(cluster, run);
  else if (workflowType === WORKFLOW.evaluateReadiness) assertReadinessOf(cluster, run);
  else if (workflowType === GUARD.workflow) assertGuardOf(cluster, run);
  else assertRecoveryOf(cluster, run);
}

/**
 * For records about a cluster that may differ from the one whose nodes the restore changes.
 * @throws DrError PermissionDenied unless a recovery asks in its own name.
 */
export function assertAnyRecovery(run: string): void {
  recoveringCluster();
  assertRun(callerOf(), run);
}

/**
 * The cluster whose nodes the calling recovery changes.
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

/** @throws DrError PermissionDenied unless the id of this message belongs to the run. */
export function assertIdOf(run: string, id: string): void {
  if (!id.startsWith(`${run}/`)) throw denied(callerOf(), `${JSON.stringify(id.slice(0, 100))} is no id of its own`);
}

/** The run that scheduled this step. */
export function ownRun(): string {
  return callerOf().run;
}

/** The type of its workflow. */
export function ownWorkflow(): string {
  return callerOf().workflowType;
}

/** When Temporal handed out this attempt, by Temporal's clock; milliseconds since the epoch. */
export function askedAt(): number {
  return Context.current().info.currentAttemptScheduledTimestampMs;
}

type InputOf<F> = F extends (...args: infer P) => unknown ? (P extends [infer I] ? I : undefined) : never;
type Rules<A> = { [S in keyof A]: (input: InputOf<A[S]>) => void };

/** Wraps each step in the rule that decides who may ask for it. */
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
