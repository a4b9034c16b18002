import type { NodeReport } from '../contract/host';
import type { Finding } from './findings';

/** Found out afterwards, the cluster would be down, and nobody could initialise or unseal the first node. */
export function reachFindings({ reach }: NodeReport): Finding[] {
  return reach?.problem ? [{ text: reach.problem, accept: 'reach' }] : [];
}

/** What could not be checked of the way from an agent to its Vault. */
export function reachWarnings(inspections: readonly { node: string; report: NodeReport | null }[]): string[] {
  return inspections.flatMap(({ node, report }) => {
    if (report === null || report.reach?.unchecked === null) return [];
    const why = report.reach?.unchecked ?? 'an agent of an earlier version?';
    return [`${node}: not checked: that its agent gets to Vault: ${why}`];
  });
}
