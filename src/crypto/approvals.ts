import { APPROVAL_NAMESPACE, approvalStatement, type ApprovalSubject, type SignedApproval } from '../contract/approval';
import { samePerson } from '../contract/person';
import { sshKeyOf, verifySshSignature } from './ssh-signature';

/** A person whose approval allows changes to a host, as configured. */
export interface Approver {
  name: string;
  /** A line such as `ssh-ed25519 AAAA… ana@example.com`. */
  key: string;
}

/** Why a signed approval does not count; null if it does. */
export function approvalProblem(
  subject: ApprovalSubject,
  { approver: name, signature }: SignedApproval,
  approvers: readonly Approver[],
): string | null {
  const approver = approvers.find((item) => item.name === name);
  if (!approver) return `${name} is not among restore.approvers of the configuration`;
  if (samePerson(name, subject.requestedBy)) return `${name} requested it, and someone else must approve`;
  const statement = approvalStatement(subject, name);
  if (verifySshSignature(statement, signature, approver.key, APPROVAL_NAMESPACE)) return null;
  return `the signature was not made with the key of ${name}, or not for this plan`;
}

/**
 * Whether enough different people, with different keys, have signed.
 * @returns every reason why not; empty if they have.
 */
export function approvalProblems(
  subject: ApprovalSubject,
  approvals: readonly SignedApproval[],
  approvers: readonly Approver[],
  wanted: number,
): string[] {
  const problems: string[] = [];
  const keys = new Set<string | null>();
  for (const approval of approvals) {
    const problem = approvalProblem(subject, approval, approvers);
    if (problem !== null) problems.push(problem);
    else keys.add(sshKeyOf(approvers.find(({ name }) => name === approval.approver)?.key ?? ''));
  }
  return keys.size >= wanted ? [] : [`${keys.size} of ${wanted} approvals are valid`, ...problems];
}
