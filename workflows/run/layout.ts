import type { RecoveryPlan } from '../../src/contract/plan';

/** Additional input for an agent whose data directory can't be renamed. */
export function layoutOn({ nodes }: RecoveryPlan, name: string): { layout?: 'inside' } {
  const layout = nodes.find((node) => node.name === name)?.layout;
  return layout === undefined ? {} : { layout };
}
