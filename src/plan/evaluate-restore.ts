import { formatSeconds } from '../contract/format';
import type { Manifest } from '../contract/generation';
import type { RestoreInput } from '../contract/input';
import {
  type AcceptCode,
  type ChosenGeneration,
  CLUSTER_DOWN,
  type LiveView,
  type LostRun,
  type RestorePlan,
  type RecoverySettings,
} from '../contract/plan';
import { configuredId } from '../contract/peer-ids';
import { type Finding, weigh } from './findings';
import { holdsData, evaluateNode, type NodeInspection, productIn, versionOf } from './evaluate-node';
import { auditWarnings, configWarnings } from './config-findings';
import { importFindings, importWarnings } from './imported-backup';
import { liveCredentialFindings, liveCredentialWarnings, type SourceView } from './live-credentials';
import { leftOutOf, leftOutWarnings } from './left-out';
import { withLayouts } from './layouts';
import { compareLogEnds, logEndOf } from './log-end';
import { knownNonVoters, memberPlan, memberWarnings, removalFindings } from './members';
import { ownSealWarnings } from './own-seals';
import { inPlaceSteps, restoreSteps, withRemovals } from './node-steps';
import { reachWarnings } from './reach-findings';
import { serviceWarnings } from './service-findings';
import { isForConfigured } from './recipients';
import { findLostRuns, wayBackText, withPutBack } from './lost-runs';
import { mixedVersionFindings, productOfManifest } from './versions';
import { trustOf, trustWarnings } from './trust';
import { uploadFindings } from './upload-findings';
import { wayInWarnings } from './way-in';

export interface RestoreFacts {
  input: RestoreInput;
  settings: RecoverySettings;
  chosen: ChosenGeneration;
  inspections: NodeInspection[];
  live: LiveView;
  /** Fingerprint of the login that is configured, and why there is none. */
  credential: { fingerprint: string | null; problem: string | null };
  /** For whom the configuration has backups of the source encrypted; empty where it has not. */
  recipients: readonly string[];
  /** Why the leader's host can't load a snapshot in place. */
  inPlaceProblem: string | null;
  /** Of the cluster that the generation is of, where it goes into another one. */
  source?: SourceView | null;
  /** Runs of whose end there is a report, among those that hosts take for unfinished. */
  ended?: readonly string[];
  now: string;
}

export type Evaluation<P> = { refusals: string[]; plan: null } | { refusals: []; plan: P };

/** Room that a restored data directory needs, as a multiple of the archive: snapshot and database at once. */
const DATA_ROOM = 3;
/** What clocks may differ by without a word. */
const LARGEST_SKEW_SECONDS = 60;
/** What is counted again after the restore: only what changes when somebody writes. */
const COUNTED = /^(logical|auth|sys\/policy|identity)(\/|$)/;
const MOST_COUNTED = 200;

/** Decides whether a restore may begin. Lists every reason against it, not only the first. */
export function evaluateRestore(given: RestoreFacts): Evaluation<RestorePlan> {
  // In place nothing is put back; and what is deleted for good must not be what was there before a lost run.
  const leave = given.input.inPlace || given.settings.setAside === 'delete';
  const { lost, ...found } = findLostRuns(given.inspections, given.ended ?? [], { leave });
  const planned = { settings: withLayouts(given.settings, given.inspections), live: withoutBlank(given) };
  const facts = { ...given, ...planned, inspections: found.inspections };
  const { input, settings, chosen, inspections, live, now } = facts;
  const { manifest, manifestSha256 } = chosen.copy;
  const { removePeers = [] } = input;
  const first = input.inPlace ? settings.nodes.find((node) => node.name === live.leader) : settings.nodes[0];
  const rpoSeconds = Math.max(0, (Date.parse(now) - Date.parse(manifest.capturedAt)) / 1_000);
  const changed = input.inPlace ? inspections.filter((inspection) => inspection.node === first?.name) : inspections;
  const leftOut = input.inPlace ? leftOutOf(settings.nodes, live) : [];
  const concerned = inspections.filter((inspection) => !leftOut.includes(inspection.node));

  const beside = { settings, manifest, source: facts.source ?? null, drill: input.drill };

  const findings = [
    ...liveCredentialFindings(beside),
    ...importFindings(manifest, settings, live),
    ...(input.inPlace ? removalFindings(settings.nodes, live, removePeers) : []),
    ...(input.inPlace ? inPlaceFindings(facts) : lossFindings(facts, rpoSeconds, lost)),
    ...clusterFindings(facts),
    ...(chosen.healthy.length === 0 ? [{ text: 'no copy of this generation could be read whole' }] : []),
    ...changed.flatMap((inspection) =>
      evaluateNode(inspection, settings.nodes, {
        sealType: manifest.seal.type,
        serverVersion: manifest.serverVersion || null,
        product: productOfManifest(manifest),
        dataBytes: Math.max(manifest.archive.sizeBytes * DATA_ROOM, manifest.keys.bytes * 2),
        setAside: input.inPlace ? null : settings.setAside,
      }),
    ),
    ...mixedVersionFindings(concerned.map(versionOf)),
    ...changed
      .filter((inspection) => inspection.node === first?.name)
      .flatMap((inspection) => uploadFindings(inspection, manifest)),
    ...loginFindings(facts),
    ...(settings.setAside === 'delete' && !input.inPlace && inspections.some(holdsData)
      ? [
          {
            text: 'restore.setAside is `delete`: the old data directories are deleted, and there is no way back',
            accept: 'delete-data' as const,
          },
        ]
      : []),
  ];
  const { refusals, accepted, warnings } = weigh(findings, input.accept);
  const product = productIn(inspections).product ?? live.product ?? productOfManifest(manifest);
  if (refusals.length > 0 || !first) return { refusals, plan: null };
  const members = input.inPlace
    ? memberPlan(settings.nodes, live, removePeers)
    : knownNonVoters(settings.nodes, manifest);

  return {
    refusals: [],
    plan: {
      method: input.inPlace ? 'inPlace' : 'snapshot',
      cluster: settings.cluster,
      source: settings.source,
      generation: manifest.generation,
      capturedAt: manifest.capturedAt,
      raftIndex: manifest.raft.index,
      clusterId: manifest.clusterId,
      clusterName: manifest.clusterName,
      serverVersion: manifest.serverVersion,
      ...(product ? { product } : {}),
      archiveBytes: manifest.archive.sizeBytes,
      storedBytes: manifest.stored.sizeBytes,
      storedSha256: manifest.stored.sha256,
      manifestSha256,
      seal: manifest.seal,
      recoveryConfig: manifest.recovery,
      canary: manifest.canary,
      loginOf: settings.source,
      keyCount: manifest.keys.count,
      keyCounts: countedKeys(manifest),
      leases: manifest.leases,
      ...(manifest.reach ? { reach: manifest.reach } : {}),
      peers: manifest.raft.peers,
      copies: chosen.healthy,
      firstNode: first.name,
      nodes: settings.nodes,
      rpoSeconds,
      approvals: approvalsOf(settings, accepted),
      ...trustOf(settings),
      ...(settings.drill ? { drill: settings.drill } : {}),
      setAside: settings.setAside,
      // In place nothing is stopped, and nobody is there to unseal.
      rollingRestart: settings.rollingRestart && !input.inPlace,
      steps: input.inPlace
        ? withRemovals(inPlaceSteps(first.name), first.name, removePeers)
        : withPutBack(restoreSteps(settings, manifest), lost, settings.nodes),
      ...(lost.length === 0 ? {} : { lost }),
      holdData: inspections.filter(holdsData).map((inspection) => inspection.node),
      ...(input.inPlace ? { leftOut } : {}),
      ...members,
      accepted,
      plannedAt: now,
      warnings: [
        ...warnings,
        ...importWarnings(manifest),
        ...liveCredentialWarnings(beside),
        ...found.warnings,
        ...trustWarnings(settings),
        ...leftOutWarnings(leftOut),
        ...(input.inPlace ? memberWarnings(settings.nodes, live, members, product) : []),
        ...(input.inPlace
          ? [`what was written after ${manifest.capturedAt} is thrown away on a cluster that serves`]
          : []),
        ...chosen.problems.map(({ repository, problem }) => `${repository}: ${problem}`),
        ...clockWarnings(manifest, now),
        ...(input.inPlace ? [] : topologyWarnings(settings, manifest)),
        ...unknownWarnings(changed),
        ...changed.flatMap(({ node, report }) =>
          (report ? configWarnings(report, !input.inPlace, manifest.reach?.plugins) : []).map(
            (text) => `${node}: ${text}`,
          ),
        ),
        ...auditWarnings(manifest.reach?.auditDevices ?? 0),
        ...(input.inPlace ? [] : [...serviceWarnings(changed), ...reachWarnings(changed)]),
        ...(input.inPlace ? [] : ownSealWarnings(manifest.ownSeals)),
        ...wayInWarnings(inspections, first.name, product, manifest.serverVersion),
        ...recipientWarnings(facts),
      ],
    },
  };
}

/** What may harm somebody else is not for one person to decide, also where a rehearsal wants no approval. */
function approvalsOf({ approvals }: RecoverySettings, accepted: readonly AcceptCode[]): number {
  return accepted.includes('live-credentials') ? Math.max(1, approvals) : approvals;
}

/** The cluster that an install makes until the snapshot is in holds nothing, also when its run has left it behind. */
function withoutBlank({ live, inspections }: RestoreFacts): LiveView {
  const leading = inspections.find(({ node }) => node === live.leader)?.report;
  const blank = leading?.install?.blankClusterId ?? null;
  if (blank === null || blank !== live.clusterId) return live;
  return { ...CLUSTER_DOWN, problem: `${live.leader} holds the blank cluster of run ${leading?.install?.run}` };
}

/** Said first: a cluster that serves, or a disk that is newer, has lost less than a restore would lose. */
function lossFindings(
  { settings, chosen, inspections, live }: RestoreFacts,
  rpoSeconds: number,
  lost: readonly LostRun[],
): Finding[] {
  const { cluster, source } = settings;
  const { manifest } = chosen.copy;
  if (cluster !== source) return [];
  if (live.leader !== null) {
    return [
      {
        text:
          `the cluster has a quorum and serves (leader ${live.leader}; unsealed: ${live.serving.join(', ')}), so nothing is lost there; ` +
          `a restore throws away what was written in the last ${formatSeconds(rpoSeconds)}. Is one node broken: \`vault-dr rebuild-node\`. Is the data wrong: \`vault-dr restore --in-place\``,
        accept: 'lose-newer-data',
      },
    ];
  }
  const newer = inspections.flatMap(({ node, report }) => {
    const storage = report?.storage;
    // By the index alone: what was applied was acknowledged, and terms may have begun anew since the capture.
    const isNewer = storage?.seal && storage.appliedIndex > manifest.raft.index;
    return isNewer
      ? [{ node, index: storage.appliedIndex, end: logEndOf(storage), install: report?.install ?? null }]
      : [];
  });
  // The one that `recover-quorum` would take.
  const byLog = newer.toSorted((left, right) => compareLogEnds(right.end, left.end));
  const best = byLog.find(({ install }) => install === null) ?? byLog[0];
  if (!best) return [];
  if (lost.length > 0) {
    const newerText = `raft index ${best.index} on ${best.node}, ${manifest.raft.index} in this generation`;
    return [
      {
        text: `${wayBackText(cluster, lost)} and loses nothing that is on it (${newerText})`,
        accept: 'lose-newer-data',
      },
    ];
  }
  const { install } = best;
  if (install) {
    return [
      {
        text:
          `${best.node} holds the generation ${install.generation}, which run ${install.run} put there before it ended, ` +
          'and what was written since, if anybody has unsealed it: then `vault-dr recover-quorum` keeps that',
        accept: 'lose-newer-data',
      },
    ];
  }
  return [
    {
      text:
        `the disk of ${best.node} survives and is newer (raft index ${best.index}) than this generation (${manifest.raft.index}): ` +
        `\`vault-dr recover-quorum --cluster ${cluster}\` brings the cluster back from it and loses nothing`,
      accept: 'lose-newer-data',
    },
  ];
}

/** In place the seal stays as it is, so it has to be the snapshot's own. */
function inPlaceFindings({ settings, live, chosen, inPlaceProblem }: RestoreFacts): Finding[] {
  if (live.leader === null) {
    return [
      {
        text: `in place needs a cluster that serves, and this one has no leader: ${live.problem ?? 'no reason given'}`,
      },
    ];
  }
  const findings: Finding[] = inPlaceProblem === null ? [] : [{ text: inPlaceProblem }];
  const { seal, recovery: recoveryConfig } = chosen.copy.manifest;
  const { secretShares: n, secretThreshold: t } = recoveryConfig ?? seal;
  if (live.seal && (live.seal.n !== n || live.seal.t !== t)) {
    findings.push({
      text: `${settings.cluster} has ${live.seal.t} of ${live.seal.n} shares now, the snapshot ${t} of ${n}: it was rekeyed since, so it can't be restored in place`,
    });
  }
  return findings;
}

function clusterFindings({ settings, chosen, live, inspections }: RestoreFacts): Finding[] {
  const { cluster, source } = settings;
  const { clusterId } = chosen.copy.manifest;
  if (cluster !== source) {
    if (live.leader === null && !inspections.some(holdsData)) return [];
    return [
      {
        text: `${cluster} has data of its own, which would be replaced by that of ${source}`,
        accept: 'other-cluster',
      },
    ];
  }
  if (clusterId === null || live.clusterId === null || live.clusterId === clusterId) return [];
  return [
    {
      text: `the cluster that runs has the id ${live.clusterId}, the generation is of ${clusterId}: it was initialised anew since, or the configuration leads elsewhere`,
      accept: 'other-cluster',
    },
  ];
}

/** Discovered missing afterwards, it would leave a cluster that nobody of us can check. */
function loginFindings({ chosen, credential, live, settings }: RestoreFacts): Finding[] {
  const { credential: recorded, imported } = chosen.copy.manifest;
  if (credential.problem !== null) {
    return [{ text: `vault-dr has no login for the restored cluster: ${credential.problem}`, accept: 'login' }];
  }
  if (recorded !== null && recorded === credential.fingerprint) return [];
  if (recorded === null && live.login === true && !imported) return [];
  const why = imported
    ? 'the backup was imported, and does not say which logins it holds'
    : recorded === null
      ? 'the generation, made by an earlier version, does not say which login made it'
      : 'the generation was made with another login than the configured one, which may not be in it';
  return [
    {
      text: `it is not proved that the login of ${settings.source} works after the restore: ${why}`,
      accept: 'login',
    },
  ];
}

/** "Latest" and what is lost go by the time of the capture, and that by the controller's clock. */
function clockWarnings({ capturedAt }: Manifest, now: string): string[] {
  const ahead = (Date.parse(capturedAt) - Date.parse(now)) / 1_000;
  if (ahead < LARGEST_SKEW_SECONDS) return [];
  return [
    `this generation is dated ${formatSeconds(ahead)} in the future: a clock was, or is, wrong, so newer ones may be hidden behind it; choose by raft index (\`vault-dr generations list\`, \`--generation\`)`,
  ];
}

function recipientWarnings({ chosen, recipients, settings }: RestoreFacts): string[] {
  const { encryption } = chosen.copy.manifest;
  if (encryption.method === 'none') return ['the generation is not encrypted'];
  if (isForConfigured(encryption, recipients)) return [];
  return [
    `the generation was made for other recipients (${encryption.recipients.join(', ')}) than the configuration of ${settings.source} names (${recipients.join(', ')}): did you change them since? If not, find out who made it before you approve this`,
  ];
}

function topologyWarnings({ nodes, cluster, source }: RecoverySettings, { raft }: Manifest): string[] {
  if (cluster !== source) return [];
  const before = raft.peers.map((peer) => configuredId(peer, nodes)).sort();
  const after = nodes.map((node) => node.nodeId).sort();
  if (before.join() === after.join()) return [];
  const gone = before.filter((id) => !after.includes(id));
  return [
    `the snapshot's peers were ${before.join(', ')}; the configuration has ${after.join(', ')}`,
    ...(gone.length === 0
      ? []
      : [`nothing stops ${gone.join(', ')}: see to it that they stand still, or they may go on as the old cluster`]),
  ];
}

/** What could not be checked is said, not taken for granted. */
function unknownWarnings(inspections: readonly NodeInspection[]): string[] {
  return inspections.flatMap(({ node, report }) => {
    if (report === null) return [];
    const unknown = [
      ...(report.vault.version === null ? ['the version of its Vault'] : []),
      ...(report.config === null ? ["its Vault's configuration, which is not under configFiles"] : []),
      ...(report.config?.problems ?? []),
      ...(report.vault.sealType === null && report.config === null ? ['its seal'] : []),
      ...(report.config?.seal && !report.seal.checked
        ? [`whether its seal '${report.config.seal.type}' reaches its key`]
        : []),
    ];
    return unknown.length === 0 ? [] : [`${node}: not checked: ${unknown.join(', ')}`];
  });
}

function countedKeys({ keys }: Manifest): Record<string, number> {
  const counted = Object.entries(keys.byPrefix)
    .filter(([prefix]) => COUNTED.test(prefix))
    .map(([prefix, { count }]): [string, number] => [prefix, count])
    .toSorted(([, left], [, right]) => right - left);
  return Object.fromEntries(counted.slice(0, MOST_COUNTED));
}
