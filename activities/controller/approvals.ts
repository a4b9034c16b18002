import type { ApprovalSubject, SignedApproval } from '../../src/contract/approval';
import { approvalProblem } from '../../src/crypto/approvals';
import type { Controller } from './context';

/** @returns why a signed approval is not valid; null if it is. */
export async function checkApproval(
  controller: Controller,
  { subject, approval }: { subject: ApprovalSubject; approval: SignedApproval },
): Promise<string | null> {
  const { approvers } = controller.cluster(subject.cluster).restore;
  return approvalProblem(subject, approval, approvers ?? []);
}
