import type { NodePlan, RecoverySettings } from '../contract/plan';
import type { NodeInspection } from './evaluate-node';

/** Adds to each node how its data directory will be set aside, as the node reports it. */
export function withLayouts(settings: RecoverySettings, inspections: readonly NodeInspection[]): RecoverySettings {
  const layoutOf = ({ name }: NodePlan) =>
    inspections.find((inspection) => inspection.node === name)?.report?.dataDir.layout ?? 'beside';
  const nodes = settings.nodes.map((node): NodePlan =>
    layoutOf(node) === 'inside' ? { ...node, layout: 'inside' } : node,
  );
  return { ...settings, nodes };
}
