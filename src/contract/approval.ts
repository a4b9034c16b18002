/** What authorises changes of hosts: signatures of approvers, or write access to Temporal's namespace alone. */
export type Trust = 'approvers' | 'namespace';

/** `trust: namespace` in a sentence. */
export const NAMESPACE_TRUST =
  "nobody's signature is needed (trust: namespace): whoever can write to Temporal's namespace can have all data of every node wiped";

/** For `ssh-keygen -Y sign -n`: a signature made for another purpose is no approval. */
export const APPROVAL_NAMESPACE = 'vault-dr-approval';

/** What an approval is for. */
export interface ApprovalSubject {
  /** The cluster whose nodes are changed. */
  cluster: string;
  /** Run id of the recovery. */
  run: string;
  requestedBy: string;
  /** Lower-case hexadecimal SHA-256, as `planHashOf` makes it. */
  planHash: string;
  /** RFC 3339. A host accepts the approval until then; once accepted, it is valid as long as the run lasts. */
  expires: string;
}

/** The fields of a recovery's progress that approvers need. */
interface ApprovableRun extends Omit<ApprovalSubject, 'planHash' | 'expires'> {
  planHash: string | null;
  planValidUntil: string | null;
}

/** The subject of an approval for a waiting recovery. */
export function approvalSubject(progress: ApprovableRun): ApprovalSubject {
  const { cluster, run, requestedBy, planHash, planValidUntil } = progress;
  return { cluster, run, requestedBy, planHash: planHash ?? '', expires: planValidUntil ?? '' };
}

/** An approval by one person. */
export interface SignedApproval {
  approver: string;
  /** Armored, as `ssh-keygen -Y sign` prints it. */
  signature: string;
}

/** The bytes that an approver signs; ends with a newline. */
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
