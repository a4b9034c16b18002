import type { RecoverQuorumInput } from '../contract/input';
import type { LiveView, QuorumPlan, RestoreSettings } from '../contract/restore';
import { weigh } from './findings';
import { holdsData, judgeNode, type NodeLook } from './judge-node';
import type { Judgement } from './judge-restore';
import { quorumSteps } from './steps';

export interface QuorumFacts {
  input: RecoverQuorumInput;
  settings: RestoreSettings;
  looks: NodeLook[];
  live: LiveView;
  now: string;
}

/** The copy of the data directory, and some to grow. */
const COPY_ROOM = 1.1;

/** Decides whether a lost quorum can be recovered from a disk that survived, and from which. */
export function judgeQuorum({ input, settings, looks, live, now }: QuorumFacts): Judgement<QuorumPlan> {
  const { cluster, nodes } = settings;
  const survivors = looks
    .flatMap((look) => {
      const { storage } = look.report ?? {};
      return storage?.seal ? [{ look, storage, seal: storage.seal }] : [];
    })
    // Whatever was acknowledged is in the longest log of those that are left.
    .toSorted(
      (left, right) =>
        (right.storage.lastLogIndex ?? right.storage.appliedIndex) -
        (left.storage.lastLogIndex ?? left.storage.appliedIndex),
    );
  const [best] = survivors;
  const first = nodes.find((node) => node.name === best?.look.node);

  const findings = [
    ...(live.leader === null
      ? []
      : [
          {
            text: `the cluster has a quorum (leader ${live.leader}), so there is nothing to recover. Is one node broken: \`vault-dr rebuild-node\``,
          },
        ]),
    ...(best
      ? []
      : [
          {
            text: `no disk with data is left: \`vault-dr restore --cluster ${cluster}\` brings it back from a generation`,
          },
        ]),
    ...looks.flatMap((look) =>
      judgeNode(look, nodes, {
        sealType: best?.seal.type ?? null,
        serverVersion: null,
        dataBytes: look === best?.look ? (look.report?.dataDir.sizeBytes ?? 0) * COPY_ROOM : 0,
        setAside: 'rename',
      }),
    ),
  ];
  const { refusals, accepted, warnings } = weigh(findings, input.accept);
  if (refusals.length > 0 || !best || !first) return { refusals, plan: null };

  const { seal, storage } = best;
  const { recovery } = storage;
  return {
    refusals: [],
    plan: {
      method: 'peers',
      cluster,
      firstNode: first.name,
      nodes,
      seal,
      recovery,
      clusterId: null,
      clusterName: null,
      canary: null,
      loginOf: cluster,
      approvals: settings.approvals,
      // Whatever the configuration says: these are the only data there are.
      setAside: 'rename',
      rollingRestart: settings.rollingRestart,
      steps: quorumSteps(nodes, first, seal.type, (recovery ?? seal).secretThreshold),
      holdData: looks.filter(holdsData).map((look) => look.node),
      appliedIndex: storage.appliedIndex,
      lastLogIndex: storage.lastLogIndex,
      accepted,
      plannedAt: now,
      warnings: [
        ...warnings,
        ...survivors
          .slice(1)
          .map(
            ({ look, storage: other }) =>
              `${look.node} has data as well, up to raft index ${other.lastLogIndex ?? other.appliedIndex}; it is set aside`,
          ),
      ],
    },
  };
}
