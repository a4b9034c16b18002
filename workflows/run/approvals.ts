import { type Answer, no, yes } from '../../src/contract/update-answers';
import type { Journal } from './journal';
import type { RunState } from './run-state';

/** Takes the approval of one person of the plan as it stands. */
export function approve(state: RunState, journal: Journal, approver: string, planHash: string): Answer {
  const { progress } = state;
  if (progress.phase !== 'approve' || progress.plan === null || progress.planHash === null) {
    return no(`There is nothing to approve in the phase '${progress.phase}'.`);
  }
  if (!progress.planHash.startsWith(planHash)) {
    return no(
      `The plan's hash is ${progress.planHash.slice(0, 12)}, not ${planHash}. Read the plan again before you approve it.`,
    );
  }
  if (sameText(approver, progress.requestedBy)) {
    return no(`${approver} asked for this restore; somebody else has to approve it.`);
  }
  if (progress.approvals.some((item) => sameText(item.approver, approver))) {
    return no(`${approver} has approved already; ${progress.plan.approvals} different people are needed.`);
  }
  if (progress.planValidUntil !== null && Date.now() >= Date.parse(progress.planValidUntil)) {
    return no('The plan is too old to be approved; it is being made again.');
  }
  progress.approvals.push({ approver, at: new Date().toISOString() });
  journal.record('approve', 'success', approver, { planHash: progress.planHash });
  state.show();
  return yes(`Approved: ${progress.approvals.length} of ${progress.plan.approvals}.`);
}

function sameText(left: string, right: string): boolean {
  return left.trim().toLowerCase() === right.trim().toLowerCase();
}
