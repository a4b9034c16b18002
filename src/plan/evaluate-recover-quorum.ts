import type { RaftStorage } from '../contract/host';
import type { RecoverQuorumInput } from '../contract/input';
import type { LiveView, RecoverQuorumPlan, RecoverySettings } from '../contract/plan';
import { acceptable, type Finding, weigh } from './findings';
import { holdsData, evaluateNode, type NodeInspection, productIn, versionOf } from './evaluate-node';
import type { Evaluation } from './evaluate-restore';
import { compareLogEnds, type LogEnd, logEndOf, unknownEnd } from './log-end';
import { withLayouts } from './layouts';
import { findLostRuns, wayBackText } from './lost-runs';
import { formerNonVoterWarnings } from './members';
import { recoverQuorumSteps } from './node-steps';
import { unknownSealWarnings } from './own-seals';
import { reachWarnings } from './reach-findings';
import { serviceWarnings } from './service-findings';
import { mixedVersionFindings } from './versions';
import { trustOf, trustWarnings } from './trust';

export interface RecoverQuorumFacts {
  input: RecoverQuorumInput;
  settings: RecoverySettings;
  inspections: NodeInspection[];
  live: LiveView;
  /** Which of the runs that hosts list as unfinished have a report of their end. */
  ended?: readonly string[];
  now: string;
}

/** A copy of the data directory, and room to grow. */
const COPY_ROOM = 1.1;

/** Decides whether a lost quorum can be recovered from a surviving disk, and from which. */
export function evaluateRecoverQuorum({
  input,
  settings: given,
  inspections,
  live,
  ended = [],
  now,
}: RecoverQuorumFacts): Evaluation<RecoverQuorumPlan> {
  const settings = withLayouts(given, inspections);
  const { cluster, nodes } = settings;
  const { lost } = findLostRuns(inspections, ended);
  const survivors = inspections
    .flatMap((inspection) => {
      const { storage } = inspection.report ?? {};
      return storage?.seal ? [{ inspection, storage, seal: storage.seal, end: logEndOf(storage) }] : [];
    })
    // Everything acknowledged is in the log that Raft itself would elect.
    .toSorted((left, right) => compareLogEnds(right.end, left.end));
  const [best, ...others] = survivors;
  const first = nodes.find((node) => node.name === best?.inspection.node);

  const findings = [
    ...(live.leader === null
      ? []
      : [
          {
            code: 'has-quorum' as const,
            text: `the cluster has a quorum (leader ${live.leader}), so there is nothing to recover. If one node is broken: \`vault-dr rebuild-node\``,
          },
        ]),
    ...(lost.length > 0
      ? [{ code: 'lost-run' as const, text: `${wayBackText(cluster, lost)}; after that, plan again` }]
      : []),
    ...(best
      ? []
      : [
          {
            code: 'no-data-left' as const,
            text: `no disk with data is left: \`vault-dr restore --cluster ${cluster}\` brings the cluster back from a backup`,
          },
        ]),
    ...inspections.flatMap((inspection) =>
      evaluateNode(inspection, nodes, {
        sealType: best?.seal.type ?? null,
        serverVersion: null,
        dataBytes: inspection === best?.inspection ? (inspection.report?.dataDir.sizeBytes ?? 0) * COPY_ROOM : 0,
        setAside: 'rename',
      }),
    ),
    ...choiceFindings(survivors),
    ...mixedVersionFindings(inspections.map(versionOf)),
  ];
  const { refusals, accepted, warnings } = weigh(findings, input.accept);
  if (refusals.length > 0 || !best || !first) return { refusals, plan: null };

  const { seal, storage, end } = best;
  const { recoveryConfig } = storage;
  const termsDiffer = others.some((other) => other.end.term !== end.term);
  return {
    refusals: [],
    plan: {
      method: 'peers',
      cluster,
      firstNode: first.name,
      nodes,
      seal,
      recoveryConfig,
      clusterId: null,
      clusterName: null,
      canary: null,
      ...productIn(inspections),
      loginOf: cluster,
      approvals: settings.approvals,
      ...trustOf(settings),
      // Regardless of the configuration: there is no other copy of this data.
      setAside: 'rename',
      rollingRestart: settings.rollingRestart,
      steps: recoverQuorumSteps(nodes, first, seal.type, (recoveryConfig ?? seal).secretThreshold),
      holdData: inspections.filter(holdsData).map((inspection) => inspection.node),
      appliedIndex: storage.appliedIndex,
      lastLogIndex: storage.lastLogIndex,
      ...(termsDiffer ? { lastLogTerm: end.term } : {}),
      accepted,
      plannedAt: now,
      warnings: [
        ...warnings,
        ...trustWarnings(settings),
        ...others.flatMap((other) => otherDiskWarnings(other, best, termsDiffer)),
        ...serviceWarnings(inspections),
        ...formerNonVoterWarnings(nodes, storage.peers),
        ...unknownSealWarnings(productIn(inspections).product),
        ...reachWarnings(inspections),
      ],
    },
  };
}

interface Survivor {
  inspection: NodeInspection;
  storage: RaftStorage;
  end: LogEnd;
}

function otherDiskWarnings({ inspection, end }: Survivor, best: Survivor, termsDiffer: boolean): string[] {
  const [own, chosen] = [inspection.node, best.inspection.node];
  const term = termsDiffer ? ` in term ${end.term}` : '';
  return [
    `${own} also has data, up to raft index ${end.index}${term}; it is set aside`,
    ...(end.index > best.end.index
      ? [
          `the log of ${own} is longer than that of ${chosen} (${best.end.index} in term ${best.end.term}), but ends in an older term: ` +
            `${own} was cut off from the others, and entries that only it has were never acknowledged. ` +
            `A restore resets Raft terms: if ${chosen} was skipped in one, move its data directory away and plan again`,
        ]
      : []),
  ];
}

/** An unknown log could be the newest; with a single disk that does not matter. */
function choiceFindings(survivors: readonly Survivor[]): Finding[] {
  if (survivors.length < 2) return [];
  return survivors.flatMap(({ inspection, storage }) => {
    const reason = unknownEnd(storage);
    return reason === null ? [] : [acceptable('unknown-log', `${inspection.node}: ${reason}`)];
  });
}
