import { isCancellation } from '@temporalio/workflow';
import { approvalSubject, type SignedApproval, type Trust } from '../../src/contract/approval';
import type { ApproveInput } from '../../src/contract/input';
import { samePerson } from '../../src/contract/person';
import type { ApprovedPlan, RecoveryProgress } from '../../src/contract/recovery';
import type { GivenApproval } from '../../src/contract/secret-run';
import { type Answer, no, yes } from '../../src/contract/update-answers';
import { asserted, type Journal } from './journal';
import { problemOf } from './problems';
import { controller } from './steps';
import { Turn } from './turn';

/** Of one kind in the audit trail; the rest is counted. */
const MOST_TOLD = 20;

/** What people approve. */
interface ApprovableProgress {
  cluster: string;
  run: string;
  requestedBy: string;
  plan: { approvals: number; trust?: Trust | undefined } | null;
  planHash: string | null;
  planValidUntil: string | null;
  approvals: GivenApproval[];
}

/** The state of a run that takes approvals. */
export interface Approvable {
  readonly progress: ApprovableProgress;
  readonly phaseName: string;
  /** Whether it waits for them now. */
  readonly takesApprovals: boolean;
  /** What an approver types. */
  readonly approveCommand: string;
  show(): void;
}

/** Takes approvals of the current plan. */
export class Approvals {
  readonly #turn = new Turn();

  constructor(
    private readonly state: Approvable,
    private readonly journal: Journal,
  ) {}

  async take(input: ApproveInput, by: 'update' | 'signal'): Promise<Answer> {
    const { state } = this;
    const problem = approvalProblem(state, input);
    if (problem !== null) return no(problem);
    if (state.progress.plan?.trust !== 'approvers') return accept(state, this.journal, input);
    // Each approval is a request to the controller.
    if (!this.#turn.hasRoomFor(by)) {
      return no('Too many approvals come by signal just now; it was not looked at. Send it again.');
    }
    return this.#turn.take(() => this.#check(input));
  }

  async #check(input: ApproveInput): Promise<Answer> {
    const { state, journal } = this;
    const unsigned = await signatureProblem(state, input);
    // Meanwhile the plan may have changed, or the same person may have approved it twice.
    const late = unsigned ?? approvalProblem(state, input);
    if (late === null) return accept(state, journal, input);
    const isTold = journal.tally.count(
      'approvals refused',
      MOST_TOLD,
      (count) => `${count} approvals were refused: find out who sends them`,
    );
    if (isTold)
      journal.record('approval refused', 'failure', input.approver, { reason: late, ...asserted(input.identity) });
    return no(late);
  }
}

function approvalProblem(
  { progress, takesApprovals, phaseName }: Approvable,
  { approver, planHash }: ApproveInput,
): string | null {
  if (!takesApprovals || progress.plan === null || progress.planHash === null) {
    return `There is nothing to approve in the phase '${phaseName}'.`;
  }
  if (!progress.planHash.startsWith(planHash)) {
    return `The plan's hash is ${progress.planHash.slice(0, 12)}, not ${planHash}. Read the plan again before you approve it.`;
  }
  if (samePerson(approver, progress.requestedBy)) {
    return `${approver} requested this run; somebody else has to approve it.`;
  }
  if (progress.approvals.some((item) => samePerson(item.approver, approver))) {
    return `${approver} has already approved; ${progress.plan.approvals} different people are needed.`;
  }
  if (progress.planValidUntil !== null && Date.now() >= Date.parse(progress.planValidUntil)) {
    return 'The plan is too old to be approved; it is being made again.';
  }
  return null;
}

/**
 * The hosts check signatures themselves. Checking here as well saves people from a run that every host would refuse.
 */
async function signatureProblem({ progress, approveCommand }: Approvable, input: ApproveInput): Promise<string | null> {
  const { approver, signature } = input;
  if (signature === undefined) {
    return `An approval must be signed: ${approveCommand} --plan ${input.planHash} --as ${approver}`;
  }
  try {
    return await controller.checkApproval({ subject: approvalSubject(progress), approval: { approver, signature } });
  } catch (error) {
    if (isCancellation(error)) throw error;
    return `The signature could not be checked: ${problemOf(error, 'checking it').problem} Send it again.`;
  }
}

function accept(state: Approvable, journal: Journal, { approver, identity, signature }: ApproveInput): Answer {
  const { progress } = state;
  const at = new Date().toISOString();
  progress.approvals.push({ approver, at, ...(signature === undefined ? {} : { signature }) });
  // With the last one the run continues, and records that.
  const isLast = progress.approvals.length === progress.plan?.approvals;
  const how = isLast ? 'recordWithNext' : 'record';
  journal[how]('approve', 'success', approver, { planHash: progress.planHash, ...asserted(identity) });
  state.show();
  return yes(`Approved: ${progress.approvals.length} of ${progress.plan?.approvals}.`);
}

/** What each host needs to check that approvers allow its data to be replaced. Null before there is a plan. */
export function approvedPlan(progress: RecoveryProgress): ApprovedPlan | null {
  const { plan, requestedBy, planValidUntil, approvals } = progress;
  if (plan === null || planValidUntil === null) return null;
  return { plan, requestedBy, expires: planValidUntil, approvals: signedAmong(approvals) };
}

export function signedAmong(approvals: readonly GivenApproval[]): SignedApproval[] {
  return approvals.flatMap(({ approver, signature }) => (signature === undefined ? [] : [{ approver, signature }]));
}
