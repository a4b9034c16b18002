import { isCancellation, upsertSearchAttributes } from '@temporalio/workflow';
import type { RecoveryPlan, RecoverySettings } from '../../src/contract/plan';
import { ending, problemOf } from './problems';
import type { Recovery } from './recovery';
import { Abort } from './decisions';
import { GENERATION_ATTRIBUTE } from './search-attributes';

export interface Planned<P extends RecoveryPlan> {
  settings: RecoverySettings;
  plan: P;
  planHash: string;
}

/** Makes a plan: keeps the one before as far as possible, or (`null`) chooses everything again. */
export type MakePlan<P extends RecoveryPlan> = (before: P | null) => Promise<Planned<P>>;

/** Makes the first plan. A refusal ends the run; nothing was changed. */
export async function firstPlan<P extends RecoveryPlan>(recovery: Recovery, make: MakePlan<P>): Promise<P> {
  const { state } = recovery;
  if (recovery.handedPlan !== null) return recovery.handedPlan as P;
  state.enter('plan');
  try {
    return adopt(recovery, await make(null));
  } catch (error) {
    throw refusal(recovery, error, `Nothing was changed on '${recovery.cluster}'.`);
  }
}

/** The failure that ends a run whose plan can't be made. */
export function refusal({ state, journal }: Recovery, error: unknown, what: string): Error {
  if (isCancellation(error)) return error as Error;
  const { code, problem, advice, where } = problemOf(error, 'The plan', 'Fix the cause, then start it again.');
  state.progress.status = 'refused';
  journal.record('plan', 'failure', state.progress.requestedBy, { code, problem });
  return ending({ code, problem: `${what} ${problem}`, advice, where }, error);
}

/**
 * Waits for approvals, prepares, and checks once more right before the first change: an approval is for exactly one
 * plan, and for a limited time. Returns a plan that is approved and still valid.
 */
export async function agree<P extends RecoveryPlan>(
  recovery: Recovery,
  first: P,
  make: MakePlan<P>,
  prepare: (plan: P) => Promise<void>,
): Promise<P> {
  const { run, state } = recovery;
  if (recovery.isResumedInChanges) return first;
  let plan = first;
  for (;;) {
    if (!(await approved(recovery, plan))) {
      plan = await planAgain(recovery, () => make(null), 'the time for approving it was over');
      continue;
    }
    await prepare(plan);
    recovery.journal.flush();
    if (run.decisions.abortRequested) throw new Abort();
    const now = await run.mustStep('looking at everything once more', null, () => make(plan));
    if (run.decisions.abortRequested) throw new Abort();
    if (now.planHash === state.progress.planHash) {
      // The new plan found every node ready.
      state.nodesOf(plan);
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
  const { run, state, journal } = recovery;
  journal.record('plan void', 'info', 'vault-dr', { planHash: state.progress.planHash, reason });
  if (state.progress.approvals.length > 0) {
    const names = state.progress.approvals.map(({ approver }) => approver).join(', ');
    journal.warnings.push(`the approvals of ${names} are void: ${reason}`);
  }
  state.progress.approvals = [];
  state.enter('plan');
  return adopt(recovery, await run.mustStep('planning again', null, make));
}

export function adopt<P extends RecoveryPlan>(recovery: Recovery, { settings, plan, planHash }: Planned<P>): P {
  const { state, journal } = recovery;
  state.progress.plan = plan;
  state.nodesOf(plan);
  state.progress.planHash = planHash;
  state.progress.planValidUntil = new Date(Date.now() + settings.approvalMinutes * 60_000).toISOString();
  state.planWarnings = plan.warnings;
  if ('generation' in plan) upsertSearchAttributes([{ key: GENERATION_ATTRIBUTE, value: plan.generation }]);
  journal.recordWithNext('plan', 'success', state.progress.requestedBy, {
    method: plan.method,
    planHash,
    accepted: plan.accepted,
    ...('generation' in plan ? { generation: plan.generation, rpoSeconds: plan.rpoSeconds } : {}),
  });
  return plan;
}

/** @returns false if the plan expired first. */
async function approved(recovery: Recovery, plan: RecoveryPlan): Promise<boolean> {
  const { run, state } = recovery;
  if (plan.approvals === 0) return true;
  const enough = () => state.progress.approvals.length >= plan.approvals;
  await recovery.phase('approve', () =>
    run.waiting.until(
      'approval',
      () => enough() || run.decisions.abortRequested,
      Date.parse(state.progress.planValidUntil ?? ''),
    ),
  );
  if (run.decisions.abortRequested) throw new Abort();
  return enough();
}
