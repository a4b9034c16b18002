import type { NodePlan, RecoverySettings } from '../contract/plan';
import type { NodeInspection } from './evaluate-node';

/** What a plan says of each node's data directory: how it will be set aside, by what the node itself says. */
export function withLayouts(settings: RecoverySettings, inspections: readonly NodeInspection[]): RecoverySettings {
  const layoutOf = ({ name }: NodePlan) =>
    inspections.find((inspection) => inspection.node === name)?.report?.dataDir.layout ?? 'beside';
  const nodes = settings.nodes.map((node): NodePlan =>
    layoutOf(node) === 'inside' ? { ...node, layout: 'inside' } : node,
  );
  return { ...settings, nodes };
}
