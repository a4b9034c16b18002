import type { LiveView, NodePlan } from '../contract/plan';

/** Names of nodes that don't serve; the run does not wait for them at its end. */
export function leftOutOf(nodes: readonly NodePlan[], { serving }: LiveView): string[] {
  return nodes.map(({ name }) => name).filter((name) => !serving.includes(name));
}

export function leftOutWarnings(names: readonly string[]): string[] {
  return names.map((name) => `${name} is not serving and is not part of this: rebuild it afterwards`);
}
