import { formatBytes, formatCount, formatSeconds } from '../contract/format';
import type { CopyNodeInput } from '../contract/input';
import type { CopyPlan, LiveView, NodePlan, RecoverySettings } from '../contract/plan';
import { allowanceMs, isOpen, type Window, windowText } from './copy-window';
import { evaluateNode, type NodeInspection } from './evaluate-node';
import type { Evaluation } from './evaluate-restore';
import { type Finding, notInspected, weigh } from './findings';
import { leftOutOf, leftOutWarnings } from './left-out';
import { memberPlan, memberWarnings, quorumWithout } from './members';
import { methodFindings } from './method-findings';
import { copySteps } from './node-steps';
import { reachFindings, reachWarnings } from './reach-findings';
import { serviceFindings, serviceWarnings } from './service-findings';

export interface CopyFacts {
  input: CopyNodeInput;
  settings: RecoverySettings;
  /** Of the controller's own configuration. */
  how: { node?: string | undefined; window?: Window | undefined };
  inspections: NodeInspection[];
  live: LiveView;
  now: string;
}

/** Decides which node is stopped for a backup, and whether any may be. */
export function evaluateCopy(facts: CopyFacts): Evaluation<CopyPlan> {
  const { settings, how, inspections, live, now } = facts;
  const { cluster, nodes } = settings;
  const storage = live.storageType === 'file' ? 'file' : 'raft';
  const node = chooseNode(facts);
  const inspection = inspections.find((item) => item.node === node?.name);
  const findings: Finding[] = [
    ...methodFindings('filesystem', live.storageType),
    ...windowFindings(how.window, Date.parse(now)),
    ...servingFindings(settings, live, node),
    ...(node ? hostFindings(node, nodes, storage, inspection, live) : []),
  ];
  const { refusals, warnings } = weigh(findings, []);
  const report = inspection?.report ?? null;
  if (refusals.length > 0 || !node || !live.seal || report === null) return { refusals, plan: null };

  const human = { type: live.seal.type, secretShares: live.seal.n, secretThreshold: live.seal.t };
  const leftOut = leftOutOf(nodes, live);
  const members = memberPlan(nodes, live, []);
  const stepDown = nodes.length > 1 && live.leader === node.name;
  return {
    refusals: [],
    plan: {
      method: 'copy',
      node: node.name,
      stores: storage,
      dataBytes: report.dataDir.sizeBytes,
      stepDown,
      lag: lagOf(node, nodes, live),
      cluster,
      firstNode: node.name,
      nodes,
      seal: human,
      recoveryConfig: human.type === 'shamir' ? null : { ...human, type: 'shamir' },
      clusterId: live.clusterId,
      clusterName: live.clusterName,
      canary: null,
      ...(live.product ? { product: live.product } : {}),
      loginOf: cluster,
      // The configuration of the host itself is what allows it.
      approvals: 0,
      setAside: 'rename',
      rollingRestart: false,
      steps: copySteps(node, human.type, human.secretThreshold, stepDown),
      holdData: [node.name],
      leftOut,
      ...members,
      accepted: [],
      plannedAt: now,
      warnings: [
        ...warnings,
        ...leftOutWarnings(leftOut),
        ...memberWarnings(nodes, live, members, live.product),
        ...serviceWarnings([{ node: node.name, report }]),
        ...reachWarnings([{ node: node.name, report }]),
        ...(storage === 'raft' && live.deadAfterSeconds === undefined
          ? [
              'not checked: whether autopilot removes a member that is stopped (sys/storage/raft/autopilot/configuration)',
            ]
          : []),
      ],
    },
  };
}

/** The one that is configured; else the follower that lags least, whose agent answers. Null where there is none. */
function chooseNode({ settings: { nodes }, how, live, inspections }: CopyFacts): NodePlan | null {
  if (nodes.length === 1 || how.node !== undefined) {
    return nodes.find(({ name }) => nodes.length === 1 || name === how.node) ?? null;
  }
  const answers = (name: string) => inspections.some((item) => item.node === name && item.report !== null);
  const isVoter = ({ nodeId }: NodePlan) => live.voters.includes(nodeId);
  const followers = nodes.filter(
    (node) => node.name !== live.leader && live.serving.includes(node.name) && isVoter(node),
  );
  const lag = (node: NodePlan) => lagOf(node, nodes, live) ?? Infinity;
  const [best = null] = followers.toSorted(
    (left, right) => Number(answers(right.name)) - Number(answers(left.name)) || compare(lag(left), lag(right)),
  );
  return best;
}

function compare(left: number, right: number): number {
  return left === right ? 0 : left < right ? -1 : 1;
}

/** Entries by which a node is behind the leader; null where autopilot does not say. */
export function lagOf(
  node: Pick<NodePlan, 'nodeId'>,
  nodes: readonly NodePlan[],
  { leader, logIndexes = {} }: LiveView,
): number | null {
  const leading = logIndexes[nodes.find(({ name }) => name === leader)?.nodeId ?? ''];
  const own = logIndexes[node.nodeId];
  return leading === undefined || own === undefined ? null : Math.max(0, leading - own);
}

function windowFindings(window: Window | undefined, now: number): Finding[] {
  if (window === undefined || isOpen(window, now)) return [];
  const text = `outside the maintenance window (${windowText(window)}): start the backup in it, or change filesystem.window`;
  return [{ code: 'outside-window', text }];
}

/** Whether the cluster gets along without the node. */
function servingFindings(settings: RecoverySettings, live: LiveView, node: NodePlan | null): Finding[] {
  const { nodes } = settings;
  if (live.leader === null) {
    return [
      {
        code: 'no-leader',
        text: `the cluster has no leader (${live.problem ?? 'no reason given'}), and no node is stopped before it serves`,
      },
    ];
  }
  if (live.login !== true) {
    return [
      {
        code: 'no-login',
        text: `vault-dr can't log in, so it could not verify that the node serves again: ${live.problem ?? 'no reason given'}`,
      },
    ];
  }
  if (node === null) {
    const text =
      'no follower that votes and serves could be stopped: bring one back, or name a node in filesystem.node';
    return [{ code: 'no-follower', text }];
  }
  if (!live.serving.includes(node.name)) {
    return [{ code: 'no-follower', text: `${node.name} does not serve, so its data may be old: bring it back first` }];
  }
  if (nodes.length === 1) return [];
  const { voters, needed, serving } = quorumWithout(node, nodes, live, []);
  if (serving.length >= needed) return [];
  const text = `without ${node.name} only ${serving.length} of ${formatCount(voters, 'voter')} would serve (${serving.join(', ') || 'none'}), ${needed} are needed: the cluster would lose its quorum`;
  return [{ code: 'quorum-at-risk', text }];
}

/** Whether the host can do it, and whether the cluster keeps the member meanwhile. */
function hostFindings(
  node: NodePlan,
  nodes: readonly NodePlan[],
  storage: CopyPlan['stores'],
  inspection: NodeInspection | undefined,
  live: LiveView,
): Finding[] {
  const { name } = node;
  const report = inspection?.report ?? null;
  if (inspection === undefined || report === null) return [notInspected(name, inspection?.problem ?? null)];
  const { dataDir, stagingFreeBytes } = report;
  const demands = { sealType: live.seal?.type ?? null, serverVersion: null, dataBytes: 0, setAside: null };
  const ofHost = evaluateNode(inspection, nodes, demands).filter(
    // That it stores in files is what the method is for.
    ({ code }) => storage !== 'file' || code !== 'storage-type',
  );
  const ofService = [...serviceFindings(report), ...reachFindings(report)]
    .filter(({ code }) => code !== 'cannot-set-aside')
    .map(({ code, text }): Finding => ({ code, text: `${name}: ${text}` }));
  const allowanceSeconds = allowanceMs(dataDir.sizeBytes) / 1_000;
  const { deadAfterSeconds } = live;
  return [
    // Nobody is asked, so nothing can be overridden.
    ...ofHost.map(({ code, text }): Finding => ({ code, text })),
    ...ofService,
    ...(stagingFreeBytes < dataDir.sizeBytes
      ? [
          {
            code: 'no-room' as const,
            text: `${name}: ${formatBytes(stagingFreeBytes)} free in stateDir, ${formatBytes(dataDir.sizeBytes)} needed for the archive`,
          },
        ]
      : []),
    ...(nodes.length > 1 && typeof deadAfterSeconds === 'number' && deadAfterSeconds < allowanceSeconds
      ? [
          {
            code: 'dead-server-cleanup' as const,
            text: `autopilot removes a member that is silent for ${formatSeconds(deadAfterSeconds)} (cleanup_dead_servers), and ${name} may be stopped for ${formatSeconds(allowanceSeconds)}: set dead_server_last_contact_threshold to at least ${Math.ceil(allowanceSeconds / 60)}m`,
          },
        ]
      : []),
  ];
}
