import type { RollBackRunInput } from '../contract/input';
import type { LiveView, RecoverySettings, RollBackPlan } from '../contract/plan';
import { consulReachFindings } from './consul-findings';
import type { Evaluation } from './evaluate-restore';
import type { NodeInspection } from './evaluate-node';
import { acceptable, type Finding, notInspected, weigh } from './findings';
import { findLostRuns, withPutBack } from './lost-runs';
import { withLayouts } from './layouts';
import { trustOf, trustWarnings } from './trust';

export interface RollBackFacts {
  input: RollBackRunInput;
  settings: RecoverySettings;
  inspections: NodeInspection[];
  live: LiveView;
  /** It was planned before and has claimed the hosts since, so they no longer record who had claimed them. */
  again: boolean;
  /** Runs with a report of their end. */
  ended: readonly string[];
  now: string;
}

/** Decides whether the original data that a lost run had set aside can be put back. */
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
  const isConsul = lost.some((item) => item.isConsul);
  const first = nodes.find((node) => lost.some((item) => item.node === node.name)) ?? nodes[0];

  const findings: Finding[] = [
    ...(ended.includes(of)
      ? [
          {
            code: 'run-ended' as const,
            text: `run ${of} has ended: \`vault-dr report --cluster ${cluster} --run ${of}\``,
          },
        ]
      : []),
    ...(again || others.includes(of) || ended.includes(of)
      ? []
      : [{ code: 'unknown-run' as const, text: nothingOf(of, others) }]),
    ...(live.leader !== null && lost.length === 0 && (again || others.includes(of))
      ? [
          {
            code: 'nothing-to-put-back' as const,
            text: `the cluster serves (leader ${live.leader}), and run ${of} had set nothing aside: there is nothing to put back`,
          },
        ]
      : []),
    ...inspections.flatMap(({ node, report, problem }) => (report === null ? [notInspected(node, problem)] : [])),
    ...(isConsul ? consulReachFindings(live) : []),
    ...(live.leader !== null && lost.length > 0
      ? [
          acceptable(
            'lose-newer-data',
            isConsul
              ? `the cluster serves (leader ${live.leader}); a roll-back replaces everything in Consul by what run ${of} had kept of it`
              : `the cluster has a quorum and serves (leader ${live.leader}); a roll-back sets the data that it serves aside on ${lost.map(({ node }) => node).join(', ')} ` +
                  `and puts back what run ${of} had set aside`,
          ),
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
      ...(isConsul ? { storage: 'consul' as const } : {}),
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
      holdData: isConsul
        ? lost.map(({ node }) => node)
        : after.flatMap(({ node, report }) => (report?.storage?.seal ? [node] : [])),
      accepted,
      plannedAt: now,
      warnings: [...warnings, ...found, ...trustWarnings(settings)],
    },
  };
}

function nothingOf(of: string, others: readonly string[]): string {
  const known = [...new Set(others)].filter((run) => run !== of);
  const there = known.length === 0 ? '' : `; unfinished runs: ${known.join(', ')}`;
  return `no node has an unfinished run ${of}${there}`;
}
