import type { RemoveSetAsideInput } from '../contract/input';
import type { LeftOver } from '../contract/host';
import type { LiveView, RecoverySettings } from '../contract/plan';
import { type Finding, weigh } from './findings';

export interface RemovalFacts {
  input: RemoveSetAsideInput;
  settings: RecoverySettings;
  live: LiveView;
  /** By node; null when its agent does not answer. */
  found: { node: string; leftOvers: LeftOver[] | null }[];
}

const DAY_MS = 86_400_000;

/** Decides whether old data may be deleted: not too soon, and not while they might be needed. */
export function evaluateRemoval({ input, settings, live, found, now }: RemovalFacts & { now: string }) {
  const { nodes, graceDays, cluster } = settings;
  const all = found.flatMap(({ leftOvers }) => leftOvers ?? []);
  const youngest = Math.max(...all.map(({ setAsideAt }) => (setAsideAt === null ? 0 : Date.parse(setAsideAt))));
  const over = youngest + graceDays * DAY_MS;
  const absent = nodes.filter(({ name }) => !live.serving.includes(name)).map(({ name }) => name);

  const findings: Finding[] = [
    ...(all.length === 0 ? [{ text: `no node has anything of the run ${input.run}` }] : []),
    ...found.flatMap(({ node, leftOvers }) =>
      (leftOvers ?? [])
        .filter(({ isOriginal }) => isOriginal === true)
        .map(({ path }) => ({
          text: `${node}: the run ${input.run} did not end there, so ${path} is the original data of the node: \`vault-dr roll-back --cluster ${cluster} --of ${input.run}\` puts it back`,
          accept: 'grace' as const,
        })),
    ),
    ...(live.leader === null || absent.length > 0
      ? [
          {
            text: `${cluster} is not whole (${live.problem ?? `not serving: ${absent.join(', ')}`}), so its old data may still be needed`,
          },
        ]
      : []),
    ...(all.length > 0 && Date.parse(now) < over
      ? [
          {
            text: `they are kept for ${graceDays} days (restore.graceDays), until ${new Date(over).toISOString()}`,
            accept: 'grace' as const,
          },
        ]
      : []),
  ];
  const { refusals, warnings } = weigh(findings, input.accept);
  const silent = found
    .filter(({ leftOvers }) => leftOvers === null)
    .map(({ node }) => `${node}: its agent does not answer`);
  return { refusals: [...refusals, ...silent], warnings };
}
