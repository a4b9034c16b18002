import type { RecoveryPlan } from '../../src/contract/plan';

/** What an agent is asked for more where a data directory can't be renamed; nothing where it can. */
export function layoutOn({ nodes }: RecoveryPlan, name: string): { layout?: 'inside' } {
  const layout = nodes.find((node) => node.name === name)?.layout;
  return layout === undefined ? {} : { layout };
}
