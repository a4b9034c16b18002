import type { RebuildNodeInput } from '../contract/input';
import type { LiveView, RebuildPlan, RecoverySettings } from '../contract/plan';
import { type Finding, weigh } from './findings';
import { holdsData, evaluateNode, type NodeInspection, versionOf } from './evaluate-node';
import type { Evaluation } from './evaluate-restore';
import { withLayouts } from './layouts';
import { leftOutOf, leftOutWarnings } from './left-out';
import { rebuildSteps } from './node-steps';
import { reachWarnings } from './reach-findings';
import { serviceWarnings } from './service-findings';
import { mixedVersionFindings, type NodeVersion } from './versions';
import { trustOf, trustWarnings } from './trust';

export interface RebuildFacts {
  input: RebuildNodeInput;
  settings: RecoverySettings;
  /** Of the node that is made anew. */
  inspection: NodeInspection;
  live: LiveView;
  now: string;
}

/** Decides whether one node may be made anew: the others have to carry the cluster without it. */
export function evaluateRebuild(facts: RebuildFacts): Evaluation<RebuildPlan> {
  const { input, inspection, live, now } = facts;
  const settings = withLayouts(facts.settings, [inspection]);
  const { cluster, nodes } = settings;
  const node = nodes.find((item) => item.name === input.node);
  const others = live.serving.filter((name) => name !== input.node);
  const findings = [
    ...quorumFindings(settings, live, others),
    ...evaluateNode(inspection, nodes, {
      sealType: live.seal?.type ?? null,
      serverVersion: null,
      dataBytes: 0,
      setAside: 'rename',
    }),
    ...mixedVersionFindings([
      ...servingVersions(live).filter((item) => item.node !== input.node),
      versionOf(inspection),
    ]),
  ];
  const { refusals, accepted, warnings } = weigh(findings, input.accept);
  const first = nodes.find((item) => item.name === (live.leader === input.node ? others[0] : live.leader));
  if (refusals.length > 0 || !node || !first || !live.seal) return { refusals, plan: null };

  const human = { type: live.seal.type, secretShares: live.seal.n, secretThreshold: live.seal.t };
  const automatic = human.type !== 'shamir';
  const leftOut = leftOutOf(nodes, live).filter((name) => name !== node.name);
  return {
    refusals: [],
    plan: {
      method: 'rebuild',
      node: node.name,
      cluster,
      firstNode: first.name,
      nodes,
      seal: human,
      recoveryConfig: automatic ? { ...human, type: 'shamir' } : null,
      clusterId: live.clusterId,
      clusterName: live.clusterName,
      canary: null,
      loginOf: cluster,
      // It loses nothing; but without a signature no host is changed where people's signatures decide.
      approvals: settings.trust === 'approvers' ? 1 : 0,
      ...trustOf(settings),
      setAside: 'rename',
      rollingRestart: false,
      steps: rebuildSteps(node, human.type, human.secretThreshold),
      holdData: [inspection].filter(holdsData).map((item) => item.node),
      leftOut,
      accepted,
      plannedAt: now,
      warnings: [
        ...warnings,
        ...trustWarnings(settings),
        ...leftOutWarnings(leftOut),
        ...serviceWarnings([inspection]),
        ...reachWarnings([inspection]),
        ...(live.serving.includes(node.name)
          ? [`${node.name} serves at the moment; it is stopped and made anew all the same`]
          : []),
      ],
    },
  };
}

function servingVersions({ leader, serverVersion, serving, versions }: LiveView): NodeVersion[] {
  if (versions === undefined) return leader === null ? [] : [{ node: leader, version: serverVersion }];
  return serving.map((node) => ({ node, version: versions[node] ?? null }));
}

function quorumFindings({ cluster, nodes }: RecoverySettings, live: LiveView, others: string[]): Finding[] {
  if (live.leader === null) {
    return [
      {
        text: `no node leads the cluster (${live.problem ?? 'no reason given'}): does a disk survive, \`vault-dr recover-quorum --cluster ${cluster}\`; else \`vault-dr restore --cluster ${cluster}\``,
      },
    ];
  }
  if (live.login !== true) {
    return [
      { text: `vault-dr can't log in, so it could not check what came of it: ${live.problem ?? 'no reason given'}` },
    ];
  }
  const voters = Math.max(live.voters.length, nodes.length);
  const needed = Math.floor(voters / 2) + 1;
  if (others.length >= needed) return [];
  return [
    {
      text: `without this node only ${others.length} of ${voters} voters serve (${others.join(', ') || 'none'}), ${needed} are needed: the cluster would stand still`,
    },
  ];
}
