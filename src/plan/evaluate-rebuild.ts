import { formatCount } from '../contract/format';
import type { RebuildNodeInput } from '../contract/input';
import type { LiveView, NodePlan, RebuildPlan, RecoverySettings } from '../contract/plan';
import { type Finding, weigh } from './findings';
import { holdsData, evaluateNode, type NodeInspection, versionOf } from './evaluate-node';
import type { Evaluation } from './evaluate-restore';
import { withLayouts } from './layouts';
import { leftOutOf, leftOutWarnings } from './left-out';
import { isDead, memberPlan, memberWarnings, quorumWithout, removalFindings } from './members';
import { rebuildSteps, withRemovals } from './node-steps';
import { reachWarnings } from './reach-findings';
import { serviceWarnings } from './service-findings';
import { mixedVersionFindings, type NodeVersion } from './versions';
import { trustOf, trustWarnings } from './trust';

export interface RebuildFacts {
  input: RebuildNodeInput;
  settings: RecoverySettings;
  /** Of the node to rebuild. */
  inspection: NodeInspection;
  live: LiveView;
  now: string;
}

/** Decides whether one node may be rebuilt: the others must have a quorum without it. */
export function evaluateRebuild(facts: RebuildFacts): Evaluation<RebuildPlan> {
  const { input, inspection, live, now } = facts;
  const settings = withLayouts(facts.settings, [inspection]);
  const { cluster, nodes } = settings;
  const { removePeers = [] } = input;
  const node = nodes.find((item) => item.name === input.node);
  const others = live.serving.filter((name) => name !== input.node);
  const findings = [
    ...quorumFindings(settings, live, node, removePeers),
    ...removalFindings(nodes, live, removePeers),
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
  const members = memberPlan(nodes, live, removePeers);
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
      ...(live.product ? { product: live.product } : {}),
      loginOf: cluster,
      // A rebuild loses no data, but with approvers no host is changed without a signature. Removing a peer needs as
      // many as a restore.
      approvals: removePeers.length > 0 ? settings.approvals : settings.trust === 'approvers' ? 1 : 0,
      ...trustOf(settings),
      setAside: 'rename',
      rollingRestart: false,
      steps: withRemovals(rebuildSteps(node, human.type, human.secretThreshold), first.name, removePeers),
      holdData: [inspection].filter(holdsData).map((item) => item.node),
      leftOut,
      ...members,
      accepted,
      plannedAt: now,
      warnings: [
        ...warnings,
        ...trustWarnings(settings),
        ...leftOutWarnings(leftOut),
        ...memberWarnings(nodes, live, members, live.product),
        ...serviceWarnings([inspection]),
        ...reachWarnings([inspection]),
        ...(live.serving.includes(node.name)
          ? [`${node.name} is serving at the moment; it is stopped and rebuilt nevertheless`]
          : []),
      ],
    },
  };
}

function servingVersions({ leader, serverVersion, serving, versions, product = null }: LiveView): NodeVersion[] {
  if (versions === undefined) return leader === null ? [] : [{ node: leader, version: serverVersion, product }];
  return serving.map((node) => ({ node, version: versions[node] ?? null, product }));
}

function quorumFindings(
  { cluster, nodes }: RecoverySettings,
  live: LiveView,
  node: NodePlan | undefined,
  removePeers: readonly string[],
): Finding[] {
  if (live.leader === null) {
    return [
      {
        code: 'no-leader',
        text: `the cluster has no leader (${live.problem ?? 'no reason given'}): if a disk survives, \`vault-dr recover-quorum --cluster ${cluster}\`; otherwise \`vault-dr restore --cluster ${cluster}\``,
      },
    ];
  }
  if (live.login !== true) {
    return [
      {
        code: 'no-login',
        text: `vault-dr can't log in, so it could not verify the result: ${live.problem ?? 'no reason given'}`,
      },
    ];
  }
  const { voters, needed, serving } = quorumWithout(node, nodes, live, removePeers);
  if (serving.length >= needed) return [];
  const gone = (live.members ?? []).filter(isDead).map(({ nodeId }) => nodeId);
  const dead = gone.filter((id) => !removePeers.includes(id) && !nodes.some(({ nodeId }) => nodeId === id));
  const out =
    dead.length === 0
      ? ''
      : `; autopilot reports ${dead.join(', ')} as dead, and dead voters count: remove them with --remove-peer`;
  return [
    {
      code: 'quorum-at-risk',
      text: `without this node only ${serving.length} of ${formatCount(voters, 'voter')} would serve (${serving.join(', ') || 'none'}), ${needed} are needed: the cluster would lose its quorum${out}`,
    },
  ];
}
