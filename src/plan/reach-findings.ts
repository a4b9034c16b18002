import type { NodeReport } from '../contract/host';
import { acceptable, type Finding } from './findings';

/** Discovered only during the run, the cluster would be down and nobody could initialise or unseal the first node. */
export function reachFindings({ reach }: NodeReport): Finding[] {
  return reach?.problem ? [acceptable('reach', reach.problem)] : [];
}

/** What could not be checked of the connection from an agent to its Vault. */
export function reachWarnings(inspections: readonly { node: string; report: NodeReport | null }[]): string[] {
  return inspections.flatMap(({ node, report }) => {
    if (report === null || report.reach?.unchecked === null) return [];
    const why = report.reach?.unchecked ?? 'an agent of an earlier version?';
    return [`${node}: not checked: whether its agent can reach Vault: ${why}`];
  });
}
