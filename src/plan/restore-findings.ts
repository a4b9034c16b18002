import type { FindingCode } from '../catalogue/refusals';
import { formatSeconds } from '../contract/format';
import type { RestoreInput } from '../contract/input';
import { methodOf } from '../contract/method';
import {
  type ChosenGeneration,
  CLUSTER_DOWN,
  type LiveView,
  type LostRun,
  type RecoverySettings,
} from '../contract/plan';
import { consulFindings, inPlaceMethodFindings, storageOf } from './consul-findings';
import { copyFindings } from './copy-findings';
import { drillFindings } from './drill-findings';
import { evaluateNode, holdsData, type NodeInspection, versionOf } from './evaluate-node';
import { filesFindings } from './files-findings';
import { acceptable, type Finding } from './findings';
import { importFindings } from './imported-backup';
import { withLayouts } from './layouts';
import { leftOutOf } from './left-out';
import { liveCredentialFindings, type SourceView } from './live-credentials';
import { compareLogEnds, logEndOf } from './log-end';
import { findLostRuns, wayBackText } from './lost-runs';
import { removalFindings } from './members';
import { quietFindings } from './quiet';
import { uploadFindings } from './upload-findings';
import { mixedVersionFindings, productOfManifest } from './versions';

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
  /** Why the first node's host can't keep its Vault behind a fence. */
  quietProblem?: string | null | undefined;
  /** Of the cluster that the generation is from, where it goes into another one. */
  source?: SourceView | null;
  /** Which of the runs that hosts list as unfinished have a report of their end. */
  ended?: readonly string[];
  now: string;
}

/** Space that a restored data directory needs, as a multiple of the archive: snapshot and database at once. */
const DATA_ROOM = 3;

/** Everything that stands against a restore, and what it was weighed with. */
export function restoreFindings(given: RestoreFacts) {
  // In place nothing is put back, and into Consul neither. With `delete` the data deleted must not be what was there before a lost run.
  const leave =
    given.input.inPlace || given.settings.setAside === 'delete' || storageOf(given.chosen.copy.manifest) === 'consul';
  const { lost, ...found } = findLostRuns(given.inspections, given.ended ?? [], { leave });
  const planned = { settings: withLayouts(given.settings, given.inspections), live: withoutBlank(given) };
  const facts = { ...given, ...planned, inspections: found.inspections };
  const { input, settings, chosen, inspections, live, now } = facts;
  const { manifest } = chosen.copy;
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
    ...(input.quiet === true ? quietFindings(manifest, facts.quietProblem) : []),
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
  return { facts, findings, lost, warnings: found.warnings, first, changed, leftOut, beside, rpoSeconds };
}

/** Reasons that are there only because the cluster serves, or still has its data. */
const WHILE_WELL: readonly FindingCode[] = ['lose-newer-data', 'delete-data'];

/** What would stand against a restore once the cluster is lost. */
export function findingsOnceLost(facts: RestoreFacts): Finding[] {
  return restoreFindings(facts).findings.filter(({ code }) => !WHILE_WELL.includes(code));
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
