import { formatSeconds, formatTime } from '../contract/format';
import type { Manifest } from '../contract/generation';
import type { AcceptCode, RestorePlan, RecoverySettings } from '../contract/plan';
import { configuredId } from '../contract/peer-ids';
import { weigh } from './findings';
import { holdsData, type NodeInspection, productIn } from './evaluate-node';
import { auditWarnings, configWarnings } from './config-findings';
import { importWarnings } from './imported-backup';
import { liveCredentialWarnings } from './live-credentials';
import { planLeaseGrace } from './lease-grace';
import { leftOutWarnings } from './left-out';
import { type ConsulContent, methodOf } from '../contract/method';
import { consulWarnings, storageOf } from './consul-findings';
import { filesWarnings } from './files-findings';
import { knownNonVoters, memberPlan, memberWarnings } from './members';
import { ownSealWarnings } from './own-seals';
import { inPlaceSteps, restoreSteps, withRemovals } from './node-steps';
import { quietWarnings } from './quiet';
import { reachWarnings } from './reach-findings';
import { serviceWarnings } from './service-findings';
import { isForConfigured } from './recipients';
import { withPutBack } from './lost-runs';
import { productOfManifest } from './versions';
import { type RestoreFacts, restoreFindings } from './restore-findings';
import { trustOf, trustWarnings } from './trust';
import { wayInWarnings } from './way-in';
import { notice } from '../contract/notice';

export type Evaluation<P> = { refusals: string[]; plan: null } | { refusals: []; plan: P };

/** Clocks may differ by this much without a warning. */
const LARGEST_SKEW_SECONDS = 60;
/** Keys that are counted again after the restore: those that change only when somebody writes. */
const COUNTED = /^(logical|auth|sys\/policy|identity)(\/|$)/;
const MOST_COUNTED = 200;

/** Decides whether a restore may begin. Lists every reason against it, not only the first. */
export function evaluateRestore(given: RestoreFacts): Evaluation<RestorePlan> {
  const found = restoreFindings(given);
  const { facts, findings, lost, first, changed, leftOut, beside, rpoSeconds } = found;
  const { input, settings, chosen, inspections, live, now } = facts;
  const { manifest, manifestSha256 } = chosen.copy;
  const { removePeers = [] } = input;
  const storage = storageOf(manifest);
  const method = methodOf(manifest);
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
      // Of a restore to empty nodes.
      ...(input.inPlace || chosen.rto === undefined ? {} : { rto: chosen.rto }),
      approvals: approvalsOf(settings, accepted),
      ...trustOf(settings),
      ...(settings.drill ? { drill: settings.drill } : {}),
      ...(input.quiet === true ? { quiet: true as const } : {}),
      setAside: settings.setAside,
      // In place nothing is stopped, and no key holder is waiting to unseal.
      rollingRestart: settings.rollingRestart && !input.inPlace,
      steps: input.inPlace
        ? withRemovals(inPlaceSteps(first.name), first.name, removePeers)
        : withPutBack(
            restoreSteps(settings, manifest, { grace: grace.leaseGraceMinutes, quiet: input.quiet }),
            lost,
            settings.nodes,
          ),
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
        ...(input.quiet === true ? quietWarnings(manifest, { quietReach: settings.quietReach, ...grace }) : []),
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
