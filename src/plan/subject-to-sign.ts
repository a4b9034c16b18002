import type { ApprovalSubject } from '../contract/approval';
import { DrError } from '../contract/failures';
import { personName } from '../contract/person';
import { printable } from '../contract/printable';
import type { RecoveryProgress } from '../contract/recovery';
import type { SecretProgress } from '../contract/secret-run';
import { planHashOf, secretPlanHash } from './hash';

/** The same for single secrets: the hash of what is shown here. @throws DrError NoSuchRun; NotApproved */
export function secretSubjectToSign(progress: SecretProgress, cluster: string, planHash: string): ApprovalSubject {
  const { plan, run, requestedBy, planValidUntil, step } = progress;
  const status = `vault-dr status --cluster ${cluster} --recover`;
  if (plan === null || planValidUntil === null || step !== 'approve') throw notWaiting(cluster, status);
  return checked({ cluster, run, requestedBy, expires: planValidUntil }, secretPlanHash(plan), status, {
    shown: progress.planHash,
    given: planHash,
    of: plan.cluster,
  });
}

/**
 * The statement to sign is made from the plan shown here: a run that shows one plan with the hash of another gets no
 * signature.
 * @throws DrError NoSuchRun; NotApproved
 */
export function subjectToSign(progress: RecoveryProgress, cluster: string, planHash: string): ApprovalSubject {
  const { plan, run, requestedBy, planValidUntil } = progress;
  const status = `vault-dr status --cluster ${cluster}`;
  if (plan === null || planValidUntil === null || progress.waitingFor !== 'approval') throw notWaiting(cluster, status);
  return checked({ cluster, run, requestedBy, expires: planValidUntil }, planHashOf(plan), status, {
    shown: progress.planHash,
    given: planHash,
    of: plan.cluster,
  });
}

function notWaiting(cluster: string, status: string): DrError {
  return new DrError('NoSuchRun', `The recovery of ${cluster} is not waiting for an approval.`, {
    advice: `See its status: ${status}`,
  });
}

/** @param own hash of the plan, computed here */
function checked(
  subject: Omit<ApprovalSubject, 'planHash'>,
  own: string,
  status: string,
  plan: { shown: string | null; given: string; of: string },
): ApprovalSubject {
  const { cluster, requestedBy } = subject;
  if (own !== plan.shown || plan.of !== cluster) {
    throw new DrError(
      'NotApproved',
      `The plan of the recovery does not match its own hash: it hashes to ${own.slice(0, 12)}.`,
      {
        advice:
          'Nothing was signed. If vault-dr here has the version of the controller, someone has tampered with the run: call security.',
      },
    );
  }
  if (!own.startsWith(plan.given)) {
    throw new DrError('NotApproved', `The hash of the plan is ${own.slice(0, 12)}, not ${plan.given}.`, {
      advice: `Nothing was signed. Read the plan again: ${status}`,
    });
  }
  if (!personName.safeParse(requestedBy).success) {
    throw new DrError('NotApproved', `The recovery has no valid requester: ${printable(requestedBy)}.`, {
      advice: 'Nothing was signed. Someone has tampered with the run: call security.',
    });
  }
  return { ...subject, planHash: own };
}
