/** Where the power to change hosts comes from: signatures of the approvers, or write access to Temporal's namespace alone. */
export type Trust = 'approvers' | 'namespace';

/** What `trust: namespace` means, in a sentence. */
export const NAMESPACE_TRUST =
  "nobody's signature is needed (trust: namespace): whoever can write to Temporal's namespace can have all data of every node wiped";

/** What `ssh-keygen -Y sign -n` is given: a signature for another purpose is no approval. */
export const APPROVAL_NAMESPACE = 'vault-dr-approval';

/** What one approval is about. */
export interface ApprovalSubject {
  /** The one whose nodes are changed. */
  cluster: string;
  /** Run id of the recovery. */
  run: string;
  requestedBy: string;
  /** Lower-case hexadecimal SHA-256, as `planHashOf` makes it. */
  planHash: string;
  /** RFC 3339. Until then a host takes the approval up; what it has taken up counts as long as the run lasts. */
  expires: string;
}

/** What a recovery's progress says of what it asks to be approved. */
interface ApprovableRun extends Omit<ApprovalSubject, 'planHash' | 'expires'> {
  planHash: string | null;
  planValidUntil: string | null;
}

/** What there is to approve in a recovery that waits for it. */
export function approvalSubject(progress: ApprovableRun): ApprovalSubject {
  const { cluster, run, requestedBy, planHash, planValidUntil } = progress;
  return { cluster, run, requestedBy, planHash: planHash ?? '', expires: planValidUntil ?? '' };
}

/** One person's word. */
export interface SignedApproval {
  approver: string;
  /** Armored, as `ssh-keygen -Y sign` prints it. */
  signature: string;
}

/** What an approver signs, byte by byte; it ends with a newline. */
export function approvalStatement(
  { cluster, run, requestedBy, planHash, expires }: ApprovalSubject,
  approver: string,
): string {
  return [
    'vault-dr approval, version 1',
    `cluster: ${cluster}`,
    `run: ${run}`,
    `requested by: ${requestedBy}`,
    `plan: ${planHash}`,
    `valid until: ${expires}`,
    `approver: ${approver}`,
    '',
  ].join('\n');
}
