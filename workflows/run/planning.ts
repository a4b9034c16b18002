import { ApplicationFailure, isCancellation, upsertSearchAttributes } from '@temporalio/workflow';
import type { RecoveryPlan, RecoverySettings } from '../../src/contract/plan';
import { problemOf } from './problems';
import type { Recovery } from './recovery';
import { Abort } from './recovery-run';
import { GENERATION_ATTRIBUTE } from './search-attributes';

export interface Planned<P extends RecoveryPlan> {
  settings: RecoverySettings;
  plan: P;
  planHash: string;
}

/** Makes a plan; the one before it is kept as far as possible, or (`null`) everything is chosen anew. */
export type MakePlan<P extends RecoveryPlan> = (before: P | null) => Promise<Planned<P>>;

/** Makes the first plan. A refusal ends the run: nothing was changed. */
export async function firstPlan<P extends RecoveryPlan>(recovery: Recovery, make: MakePlan<P>): Promise<P> {
  const { run } = recovery;
  run.enter('plan');
  try {
    return adopt(recovery, await make(null));
  } catch (error) {
    throw refusal(recovery, error, `Nothing was changed on '${recovery.cluster}'.`);
  }
}

/** What ends a run whose plan can't be made. */
export function refusal({ run }: Recovery, error: unknown, what: string): Error {
  if (isCancellation(error)) return error as Error;
  const { code, problem, advice } = problemOf(error, 'The plan', 'Mend the cause, then start it again.');
  run.progress.status = 'refused';
  run.record('plan', 'failure', run.progress.requestedBy, { code, problem });
  return ApplicationFailure.create({
    message: `${what} ${problem}${problem.endsWith('\n') ? '' : ' '}${advice}`,
    type: code,
    nonRetryable: true,
    cause: error as Error,
  });
}

/**
 * Waits for the approvals, prepares, and looks once more just before anything changes: an approval is for exactly one plan,
 * and for a limited time. Returns a plan that was approved and still holds.
 */
export async function agree<P extends RecoveryPlan>(
  recovery: Recovery,
  first: P,
  make: MakePlan<P>,
  prepare: (plan: P) => Promise<void>,
): Promise<P> {
  const { run } = recovery;
  let plan = first;
  for (;;) {
    if (!(await approved(recovery, plan))) {
      plan = await planAgain(recovery, () => make(null), 'the time for approving it was over');
      continue;
    }
    await prepare(plan);
    if (run.abortRequested) throw new Abort();
    const now = await run.mustStep('looking at everything once more', null, () => make(plan));
    if (run.abortRequested) throw new Abort();
    if (now.planHash === run.progress.planHash) {
      // Looking has said of every node that it is ready.
      run.nodesOf(plan);
      return plan;
    }
    plan = await planAgain(recovery, () => Promise.resolve(now), 'what it was made from has changed');
  }
}

async function planAgain<P extends RecoveryPlan>(
  recovery: Recovery,
  make: () => Promise<Planned<P>>,
  reason: string,
): Promise<P> {
  const { run } = recovery;
  run.record('plan void', 'info', 'vault-dr', { planHash: run.progress.planHash, reason });
  if (run.progress.approvals.length > 0) {
    const names = run.progress.approvals.map(({ approver }) => approver).join(', ');
    run.warnings.push(`the approvals of ${names} are void: ${reason}`);
  }
  run.progress.approvals = [];
  run.enter('plan');
  return adopt(recovery, await run.mustStep('planning anew', null, make));
}

function adopt<P extends RecoveryPlan>(recovery: Recovery, { settings, plan, planHash }: Planned<P>): P {
  const { run } = recovery;
  run.progress.plan = plan;
  run.nodesOf(plan);
  run.progress.planHash = planHash;
  run.progress.planValidUntil = new Date(Date.now() + settings.approvalMinutes * 60_000).toISOString();
  run.planWarnings = plan.warnings;
  if ('generation' in plan) upsertSearchAttributes([{ key: GENERATION_ATTRIBUTE, value: plan.generation }]);
  run.record('plan', 'success', run.progress.requestedBy, {
    method: plan.method,
    planHash,
    accepted: plan.accepted,
    ...('generation' in plan ? { generation: plan.generation, rpoSeconds: plan.rpoSeconds } : {}),
  });
  return plan;
}

/** @returns false when the plan became too old first. */
async function approved(recovery: Recovery, plan: RecoveryPlan): Promise<boolean> {
  const { run } = recovery;
  if (plan.approvals === 0) return true;
  run.enter('approve');
  const enough = () => run.progress.approvals.length >= plan.approvals;
  await run.waitFor('approval', () => enough() || run.abortRequested, Date.parse(run.progress.planValidUntil ?? ''));
  if (run.abortRequested) throw new Abort();
  return enough();
}
