import type { RollBackRunInput } from '../contract/input';
import type { LiveView, RecoverySettings, RollBackPlan } from '../contract/plan';
import type { Evaluation } from './evaluate-restore';
import type { NodeInspection } from './evaluate-node';
import { type Finding, weigh } from './findings';
import { findLostRuns, withPutBack } from './lost-runs';
import { withLayouts } from './layouts';
import { trustOf, trustWarnings } from './trust';

export interface RollBackFacts {
  input: RollBackRunInput;
  settings: RecoverySettings;
  inspections: NodeInspection[];
  live: LiveView;
  /** It was planned before, and has claimed the hosts since: they know no longer who had claimed them. */
  again: boolean;
  /** Runs of whose end there is a report. */
  ended: readonly string[];
  now: string;
}

/** Decides whether the original data can be put back that a run set aside before it was lost. */
export function evaluateRollBack({
  input,
  settings: given,
  inspections,
  live,
  again,
  ended,
  now,
}: RollBackFacts): Evaluation<RollBackPlan> {
  const settings = withLayouts(given, inspections);
  const { cluster, nodes } = settings;
  const { run: of } = input;
  const { lost, inspections: after, warnings: found } = findLostRuns(inspections, ended, { of });
  const others = inspections.flatMap(({ report }) => report?.unfinished?.map(({ run }) => run) ?? []);
  const seals = after.flatMap(({ report }) => (report?.storage?.seal ? [report.storage] : []));
  const [storage] = seals;
  const first = nodes.find((node) => lost.some((item) => item.node === node.name)) ?? nodes[0];

  const findings: Finding[] = [
    ...(ended.includes(of)
      ? [{ text: `run ${of} has ended: \`vault-dr report --cluster ${cluster} --run ${of}\`` }]
      : []),
    ...(again || others.includes(of) || ended.includes(of) ? [] : [{ text: nothingOf(of, others) }]),
    ...(live.leader !== null && lost.length === 0 && (again || others.includes(of))
      ? [
          {
            text: `the cluster serves (leader ${live.leader}), and run ${of} had set nothing aside: there is nothing to put back`,
          },
        ]
      : []),
    ...inspections.flatMap(({ node, report, problem }) =>
      report === null ? [{ text: `${node}: ${problem ?? 'its agent does not answer'}` }] : [],
    ),
    ...(live.leader !== null && lost.length > 0
      ? [
          {
            text:
              `the cluster has a quorum and serves (leader ${live.leader}); the data that it serves is set aside on ${lost.map(({ node }) => node).join(', ')}, ` +
              `and what run ${of} had set aside serves again`,
            accept: 'lose-newer-data' as const,
          },
        ]
      : []),
  ];
  const { refusals, accepted, warnings } = weigh(findings, input.accept);
  if (refusals.length > 0 || !first) return { refusals, plan: null };
  const steps = nodes.map(({ name }) => ({ node: name, steps: ['stop Vault', 'start it, unseal it'] }));
  return {
    refusals: [],
    plan: {
      method: 'rollBack',
      of,
      lost,
      cluster,
      firstNode: first.name,
      nodes,
      seal: storage?.seal ?? { type: 'unknown', secretShares: 0, secretThreshold: 0 },
      recoveryConfig: storage?.recoveryConfig ?? null,
      clusterId: null,
      clusterName: null,
      canary: null,
      loginOf: cluster,
      approvals: settings.approvals,
      ...trustOf(settings),
      setAside: 'rename',
      rollingRestart: false,
      steps: withPutBack(steps, lost, nodes),
      holdData: after.flatMap(({ node, report }) => (report?.storage?.seal ? [node] : [])),
      accepted,
      plannedAt: now,
      warnings: [...warnings, ...found, ...trustWarnings(settings)],
    },
  };
}

function nothingOf(of: string, others: readonly string[]): string {
  const known = [...new Set(others)].filter((run) => run !== of);
  const there = known.length === 0 ? '' : `; unfinished there: ${known.join(', ')}`;
  return `no node knows of a run ${of} that did not end${there}`;
}
