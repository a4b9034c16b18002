import { formatCount, formatTime } from '../contract/format';
import type { RemoveSetAsideInput } from '../contract/input';
import type { LeftOver } from '../contract/host';
import type { LiveView, RecoverySettings } from '../contract/plan';
import { acceptable, type Finding, notInspected, weigh } from './findings';

export interface RemovalFacts {
  input: RemoveSetAsideInput;
  settings: RecoverySettings;
  live: LiveView;
  /** By node; null if its agent does not answer. */
  found: { node: string; leftOvers: LeftOver[] | null }[];
}

const DAY_MS = 86_400_000;

/** Decides whether old data may be deleted: not too soon, and not while it might be needed. */
export function evaluateRemoval({ input, settings, live, found, now }: RemovalFacts & { now: string }) {
  const { nodes, graceDays, cluster } = settings;
  const all = found.flatMap(({ leftOvers }) => leftOvers ?? []);
  const youngest = Math.max(...all.map(({ setAsideAt }) => (setAsideAt === null ? 0 : Date.parse(setAsideAt))));
  const over = youngest + graceDays * DAY_MS;
  const absent = nodes.filter(({ name }) => !live.serving.includes(name)).map(({ name }) => name);

  const findings: Finding[] = [
    ...(all.length === 0
      ? [{ code: 'nothing-set-aside' as const, text: `no node has anything set aside by run ${input.run}` }]
      : []),
    ...found.flatMap(({ node, leftOvers }) =>
      (leftOvers ?? [])
        .filter(({ isOriginal }) => isOriginal === true)
        .map(({ path }) =>
          acceptable(
            'grace',
            `${node}: run ${input.run} did not end there, so ${path} is the original data of the node: \`vault-dr roll-back --cluster ${cluster} --of ${input.run}\` puts it back`,
          ),
        ),
    ),
    ...(live.leader === null || absent.length > 0
      ? [
          {
            code: 'cluster-incomplete' as const,
            text: `${cluster} is not complete (${live.problem ?? `not serving: ${absent.join(', ')}`}), so its old data may still be needed`,
          },
        ]
      : []),
    ...(all.length > 0 && Date.parse(now) < over
      ? [
          acceptable(
            'grace',
            `old data is kept for ${formatCount(graceDays, 'day')} (restore.graceDays), until ${formatTime(over)}`,
          ),
        ]
      : []),
    ...found.flatMap(({ node, leftOvers }) => (leftOvers === null ? [notInspected(node, null)] : [])),
  ];
  const { refusals, warnings } = weigh(findings, input.accept);
  return { refusals, warnings };
}
