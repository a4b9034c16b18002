import { formatSeconds, formatTime } from '../contract/format';
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
import { acceptable, type Finding, weigh } from './findings';
import { holdsData, evaluateNode, type NodeInspection, productIn, versionOf } from './evaluate-node';
import { auditWarnings, configWarnings } from './config-findings';
import { importFindings, importWarnings } from './imported-backup';
import { liveCredentialFindings, liveCredentialWarnings, type SourceView } from './live-credentials';
import { planLeaseGrace } from './lease-grace';
import { leftOutOf, leftOutWarnings } from './left-out';
import { withLayouts } from './layouts';
import { type ConsulContent, methodOf } from '../contract/method';
import { copyFindings } from './copy-findings';
import { drillFindings } from './drill-findings';
import { consulFindings, consulWarnings, inPlaceMethodFindings, storageOf } from './consul-findings';
import { filesFindings, filesWarnings } from './files-findings';
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
import { notice } from '../contract/notice';

export interface RestoreFacts {
  input: RestoreInput;
  settings: RecoverySettings;
  chosen: ChosenGeneration;
  inspections: NodeInspection[];
  live: LiveView;
  /** Fingerprint of the configured login, or why there is none. */
  credential: { fingerprint: string | null; problem: string | null };
  /** Configured recipients of the source's backups; empty if there are none. */
  recipients: readonly string[];
  /** Why the leader's host can't load a snapshot in place. */
  inPlaceProblem: string | null;
  /** Of the cluster that the generation is from, where it goes into another one. */
  source?: SourceView | null;
  /** Which of the runs that hosts list as unfinished have a report of their end. */
  ended?: readonly string[];
  now: string;
}

export type Evaluation<P> = { refusals: string[]; plan: null } | { refusals: []; plan: P };

/** Space that a restored data directory needs, as a multiple of the archive: snapshot and database at once. */
const DATA_ROOM = 3;
/** Clocks may differ by this much without a warning. */
const LARGEST_SKEW_SECONDS = 60;
/** Keys that are counted again after the restore: those that change only when somebody writes. */
const COUNTED = /^(logical|auth|sys\/policy|identity)(\/|$)/;
const MOST_COUNTED = 200;

/** Decides whether a restore may begin. Lists every reason against it, not only the first. */
export function evaluateRestore(given: RestoreFacts): Evaluation<RestorePlan> {
  // In place nothing is put back, and into Consul neither. With `delete` the data deleted must not be what was there before a lost run.
  const leave =
    given.input.inPlace || given.settings.setAside === 'delete' || storageOf(given.chosen.copy.manifest) === 'consul';
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

  const storage = storageOf(manifest);
  const method = methodOf(manifest);
  const beside = { settings, manifest, source: facts.source ?? null, drill: input.drill };

  const findings = [
    ...liveCredentialFindings(beside),
    ...importFindings(manifest, settings, live),
    ...drillFindings(chosen.drilled),
    ...(input.inPlace ? removalFindings(settings.nodes, live, removePeers) : []),
    ...(input.inPlace ? inPlaceMethodFindings(manifest) : []),
    ...consulFindings(manifest, live),
    ...filesFindings(manifest, settings, inspections, live),
    ...(input.inPlace ? inPlaceFindings(facts) : lossFindings(facts, rpoSeconds, lost)),
    ...clusterFindings(facts),
    ...copyFindings(
      chosen.healthy,
      settings.source,
      inspections.find(({ node }) => node === first?.name),
    ),
    ...changed.flatMap((inspection) =>
      evaluateNode(inspection, settings.nodes, {
        sealType: manifest.seal.type,
        storage,
        isCopy: method === 'filesystem',
        serverVersion: manifest.serverVersion || null,
        product: productOfManifest(manifest),
        dataBytes: Math.max(manifest.archive.sizeBytes * DATA_ROOM, manifest.keys.bytes * 2),
        setAside: input.inPlace ? null : settings.setAside,
      }),
    ),
    ...mixedVersionFindings(concerned.map(versionOf)),
    ...changed
      .filter((inspection) => inspection.node === first?.name)
      .flatMap((inspection) => (method === 'raft' ? uploadFindings(inspection, manifest) : [])),
    ...loginFindings(facts),
    ...(settings.setAside === 'delete' && storage !== 'consul' && !input.inPlace && inspections.some(holdsData)
      ? [
          acceptable(
            'delete-data',
            'restore.setAside is `delete`: the old data directories are deleted, and there is no roll-back',
          ),
        ]
      : []),
  ];
  const { refusals, accepted, warnings } = weigh(findings, input.accept);
  const product = productIn(inspections).product ?? live.product ?? productOfManifest(manifest);
  if (refusals.length > 0 || !first) return { refusals, plan: null };
  const members = input.inPlace
    ? memberPlan(settings.nodes, live, removePeers)
    : knownNonVoters(settings.nodes, manifest);

  const { grace, warnings: graceWarnings } = planLeaseGrace(settings, manifest, first, {
    inPlace: input.inPlace,
    server: {
      product,
      version: inspections.find(({ node }) => node === first.name)?.report?.vault.version ?? manifest.serverVersion,
    },
  });

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
      ...(storage === 'raft' ? {} : { storage }),
      ...(method === 'raft' ? {} : { archive: method }),
      ...(manifest.content?.method === 'consul' ? { consul: withoutMethod(manifest.content) } : {}),
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
      ...grace,
      ...(manifest.reach ? { reach: manifest.reach } : {}),
      peers: manifest.raft.peers,
      copies: chosen.healthy,
      ...(chosen.drilled === undefined ? {} : { drilled: chosen.drilled }),
      firstNode: first.name,
      nodes: settings.nodes,
      rpoSeconds,
      approvals: approvalsOf(settings, accepted),
      ...trustOf(settings),
      ...(settings.drill ? { drill: settings.drill } : {}),
      setAside: settings.setAside,
      // In place nothing is stopped, and no key holder is waiting to unseal.
      rollingRestart: settings.rollingRestart && !input.inPlace,
      steps: input.inPlace
        ? withRemovals(inPlaceSteps(first.name), first.name, removePeers)
        : withPutBack(restoreSteps(settings, manifest, grace.leaseGraceMinutes), lost, settings.nodes),
      ...(lost.length === 0 ? {} : { lost }),
      holdData:
        storage === 'consul'
          ? live.consul?.holdsVault !== true
            ? []
            : [first.name]
          : inspections.filter(holdsData).map((inspection) => inspection.node),
      ...(input.inPlace ? { leftOut } : {}),
      ...members,
      accepted,
      plannedAt: now,
      warnings: [
        ...warnings,
        ...importWarnings(manifest),
        ...consulWarnings(manifest, live),
        ...filesWarnings(manifest, settings.nodes),
        ...liveCredentialWarnings(beside),
        ...graceWarnings,
        ...found.warnings,
        ...trustWarnings(settings),
        ...leftOutWarnings(leftOut),
        ...(input.inPlace ? memberWarnings(settings.nodes, live, members, product) : []),
        ...(input.inPlace
          ? [`everything written after ${formatTime(manifest.capturedAt)} is discarded, on a cluster that is serving`]
          : []),
        ...chosen.problems.map(({ repository, problem }) => `${repository}: ${problem}`),
        ...clockWarnings(manifest, now),
        ...(input.inPlace || storage !== 'raft' ? [] : topologyWarnings(settings, manifest)),
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

function withoutMethod({ method: _method, ...consul }: ConsulContent): Omit<ConsulContent, 'method'> {
  return consul;
}

/** One person must not decide what may harm others, even if a rehearsal needs no approval. */
function approvalsOf({ approvals }: RecoverySettings, accepted: readonly AcceptCode[]): number {
  return accepted.includes('live-credentials') ? Math.max(1, approvals) : approvals;
}

/** Until the snapshot is loaded the cluster that an install creates is empty, even if a run left it behind. */
function withoutBlank({ live, inspections }: RestoreFacts): LiveView {
  const leading = inspections.find(({ node }) => node === live.leader)?.report;
  const blank = leading?.install?.blankClusterId ?? null;
  if (blank === null || blank !== live.clusterId) return live;
  return { ...CLUSTER_DOWN, problem: `${live.leader} holds the blank cluster of run ${leading?.install?.run}` };
}

/** Listed first: a cluster that serves, or a newer disk, has lost less than a restore would lose. */
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
      acceptable(
        'lose-newer-data',
        `the cluster has a quorum and serves (leader ${live.leader}; unsealed: ${live.serving.join(', ')}), so nothing is lost there; ` +
          `a restore discards what was written in the last ${formatSeconds(rpoSeconds)}. If one node is broken: \`vault-dr rebuild-node\`. If the data is wrong: \`vault-dr restore --in-place\``,
      ),
    ];
  }
  const newer = inspections.flatMap(({ node, report }) => {
    const storage = report?.storage;
    // By the index alone: applied entries were acknowledged, and terms may have been reset since the capture.
    const isNewer = storage?.seal && storage.appliedIndex > manifest.raft.index;
    return isNewer
      ? [{ node, index: storage.appliedIndex, end: logEndOf(storage), install: report?.install ?? null }]
      : [];
  });
  // The disk that `recover-quorum` would use.
  const byLog = newer.toSorted((left, right) => compareLogEnds(right.end, left.end));
  const best = byLog.find(({ install }) => install === null) ?? byLog[0];
  if (!best) return [];
  if (lost.length > 0) {
    const newerText = `raft index ${best.index} on ${best.node}, ${manifest.raft.index} in this backup`;
    return [
      acceptable('lose-newer-data', `${wayBackText(cluster, lost)} and loses nothing that is on it (${newerText})`),
    ];
  }
  const { install } = best;
  if (install) {
    return [
      acceptable(
        'lose-newer-data',
        `${best.node} holds the backup ${install.generation}, loaded by run ${install.run} before it ended. ` +
          'If anybody has unsealed that node since, it also holds what was written since: `vault-dr recover-quorum` keeps that',
      ),
    ];
  }
  return [
    acceptable(
      'lose-newer-data',
      `the disk of ${best.node} survives and is newer (raft index ${best.index}) than this backup (${manifest.raft.index}): ` +
        `\`vault-dr recover-quorum --cluster ${cluster}\` brings the cluster back from it and loses nothing`,
    ),
  ];
}

/** In place the seal does not change, so it must be the snapshot's. */
function inPlaceFindings({ settings, live, chosen, inPlaceProblem }: RestoreFacts): Finding[] {
  if (live.leader === null) {
    return [
      {
        code: 'no-leader',
        text: `a restore in place needs a cluster that serves, and this one has no leader: ${live.problem ?? 'no reason given'}`,
      },
    ];
  }
  const findings: Finding[] = inPlaceProblem === null ? [] : [{ code: 'in-place-login', text: inPlaceProblem }];
  const { seal, recovery: recoveryConfig } = chosen.copy.manifest;
  const { secretShares: n, secretThreshold: t } = recoveryConfig ?? seal;
  if (live.seal && (live.seal.n !== n || live.seal.t !== t)) {
    findings.push({
      code: 'rekeyed',
      text: `${settings.cluster} needs ${live.seal.t} of ${live.seal.n} shares now, the snapshot ${t} of ${n}: it was rekeyed since, so it can't be restored in place`,
    });
  }
  return findings;
}

function clusterFindings({ settings, chosen, live, inspections }: RestoreFacts): Finding[] {
  const { cluster, source } = settings;
  const { clusterId } = chosen.copy.manifest;
  if (cluster !== source) {
    if (live.leader === null && !inspections.some(holdsData)) return [];
    return [acceptable('other-cluster', `${cluster} has its own data, which would be replaced by that of ${source}`)];
  }
  if (clusterId === null || live.clusterId === null || live.clusterId === clusterId) return [];
  return [
    acceptable(
      'other-cluster',
      `the running cluster has the id ${live.clusterId}, the backup is from ${clusterId}: it was initialised again since, or the configured addresses lead to another cluster`,
    ),
  ];
}

/** Without a login, the restored cluster could not be checked. */
function loginFindings({ chosen, credential, live, settings }: RestoreFacts): Finding[] {
  const { credential: recorded, imported } = chosen.copy.manifest;
  if (credential.problem !== null) {
    return [acceptable('login', `vault-dr has no login for the restored cluster: ${credential.problem}`)];
  }
  if (recorded !== null && recorded === credential.fingerprint) return [];
  if (recorded === null && live.login === true && !imported) return [];
  const why = imported
    ? 'the backup was imported and does not say which logins it holds'
    : recorded === null
      ? 'the backup was made by an earlier version and does not say which login made it'
      : 'the backup was made with a different login than the configured one, which may not be in it';
  return [acceptable('login', `the login of ${settings.source} may not work after the restore: ${why}`)];
}

/** "Latest" and the amount of lost data depend on the time of the capture, which is the controller's clock. */
function clockWarnings({ capturedAt }: Manifest, now: string): string[] {
  const ahead = (Date.parse(capturedAt) - Date.parse(now)) / 1_000;
  if (ahead < LARGEST_SKEW_SECONDS) return [];
  return [
    `this backup is dated ${formatSeconds(ahead)} in the future: a clock was or is wrong, so newer ones may be hidden behind it; choose by raft index (\`vault-dr backups list\`, \`--generation\`)`,
  ];
}

function recipientWarnings({ chosen, recipients, settings }: RestoreFacts): string[] {
  const { encryption } = chosen.copy.manifest;
  if (encryption.method === 'none') return ['the backup is not encrypted'];
  if (isForConfigured(encryption, recipients)) return [];
  return [
    `the backup is encrypted for other recipients (${encryption.recipients.join(', ')}) than the configuration of ${settings.source} names (${recipients.join(', ')}): unless they were changed since, find out who made it before you approve this`,
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
      : [
          notice(
            'old-node-may-run',
            `nothing stops ${gone.join(', ')}: make sure that they are off, or they may continue as the old cluster`,
          ),
        ]),
  ];
}

/** What could not be checked is listed, not assumed. */
function unknownWarnings(inspections: readonly NodeInspection[]): string[] {
  return inspections.flatMap(({ node, report }) => {
    if (report === null) return [];
    const unknown = [
      ...(report.vault.version === null ? ['the version of its Vault'] : []),
      ...(report.config === null ? ["its Vault's configuration, which is not under configFiles"] : []),
      ...(report.config?.problems ?? []),
      ...(report.vault.sealType === null && report.config === null ? ['its seal'] : []),
      ...(report.config?.seal && !report.seal.checked
        ? [`whether its seal '${report.config.seal.type}' can reach its key`]
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
