import type { ClusterConfig } from '../config/schema';
import type { RecoveryPlan } from '../contract/plan';
import type { ApprovedPlan } from '../contract/recovery';
import type { SecretPlan } from '../contract/secret-run';
import { approvalProblems } from './approvals';

/** Whether signatures decide about a cluster, or access to the namespace alone. */
export function signaturesDecide({ restore }: ClusterConfig): boolean {
  return restore.approvers !== undefined;
}

/**
 * @param clusterName the cluster that the plan changes
 * @param planHash hash of the given plan, computed here
 * @returns why this plan is not approved for this run, by the configuration of this host; empty if it is.
 */
export function problemsOfApproval(
  clusterName: string,
  cluster: ClusterConfig,
  run: string,
  { plan, requestedBy, expires, approvals }: ApprovedPlan,
  planHash: string,
): string[] {
  const subject = { cluster: clusterName, run, requestedBy, planHash, expires };
  return approvalProblems(subject, approvals, cluster.restore.approvers ?? [], approvalsWanted(cluster, plan));
}

/** The same of secrets that leave a backup: access to the namespace alone never decides about that. */
export function problemsOfSecretApproval(
  { restore: { approvers = [], approvals: least } }: ClusterConfig,
  run: string,
  { plan, requestedBy, expires, approvals }: Omit<ApprovedPlan, 'plan'> & { plan: SecretPlan },
  planHash: string,
): string[] {
  const subject = { cluster: plan.cluster, run, requestedBy, planHash, expires };
  return approvalProblems(subject, approvals, approvers, Math.max(1, least, plan.approvals));
}

/** A rebuild only renames and loses nothing. */
function approvalsWanted({ restore: { approvals, drills } }: ClusterConfig, plan: RecoveryPlan): number {
  const ofDrill = plan.method === 'snapshot' && plan.drill === true ? drills?.approvals : undefined;
  const least = plan.method === 'rebuild' ? 1 : (ofDrill ?? approvals);
  return Math.max(1, least, plan.approvals);
}
