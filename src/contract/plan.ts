import { formatBytes, formatSeconds } from './format';
import type { ChosenGeneration, NodeReport, RestorePlan, RestoreSettings } from './restore';

export interface NodeLook {
  node: string;
  report: NodeReport | null;
  problem: string | null;
}

export interface PlanFacts {
  settings: RestoreSettings;
  chosen: ChosenGeneration;
  looks: NodeLook[];
  now: string;
}

export type PlanJudgement = { refusals: string[]; plan: null } | { refusals: []; plan: RestorePlan };

/** Room that a restored data directory needs, as a multiple of the archive: spool, snapshot and database at once. */
const DATA_ROOM = 3;

/** Decides whether a restore may begin. Lists every reason against it, not only the first. */
export function judgePlan({ settings, chosen, looks, now }: PlanFacts): PlanJudgement {
  const { manifest, manifestSha256 } = chosen.copy;
  const [first] = settings.nodes;
  if (!first) return { refusals: ['the cluster has no nodes'], plan: null };
  const rpoSeconds = Math.max(0, (Date.parse(now) - Date.parse(manifest.capturedAt)) / 1_000);

  const refusals = [
    ...sealRefusals(chosen),
    ...looks.flatMap((look) => nodeRefusals(look, first.name, chosen)),
    ...(chosen.healthy.length === 0 ? ['no copy of this generation could be read whole'] : []),
  ];
  if (refusals.length > 0) return { refusals, plan: null };

  return {
    refusals: [],
    plan: {
      cluster: settings.cluster,
      generation: manifest.generation,
      capturedAt: manifest.capturedAt,
      raftIndex: manifest.raft.index,
      clusterId: manifest.clusterId,
      serverVersion: manifest.serverVersion,
      archiveBytes: manifest.archive.sizeBytes,
      storedBytes: manifest.stored.sizeBytes,
      storedSha256: manifest.stored.sha256,
      manifestSha256,
      seal: manifest.seal,
      recovery: manifest.recovery,
      canary: manifest.canary,
      keyCount: manifest.keys.count,
      peers: manifest.raft.peers,
      copies: chosen.healthy,
      firstNode: first.name,
      nodes: settings.nodes,
      rpoSeconds,
      approvals: settings.approvals,
      warnings: [
        ...chosen.problems.map(({ repository, problem }) => `${repository}: ${problem}`),
        ...aliveWarnings(looks, rpoSeconds),
        ...topologyWarnings(settings, chosen),
        ...(manifest.encryption.method === 'none' ? ['the generation is not encrypted'] : []),
      ],
    },
  };
}

function sealRefusals({ copy }: ChosenGeneration): string[] {
  const { type } = copy.manifest.seal;
  if (type === 'shamir') return [];
  return [
    `the snapshot was made under the seal '${type}'; only Shamir-sealed clusters can be restored by this version`,
  ];
}

function nodeRefusals({ node, report, problem }: NodeLook, firstNode: string, { copy }: ChosenGeneration): string[] {
  if (report === null) return [`${node}: ${problem ?? 'its agent does not answer'}`];
  const { dataDir, stagingFreeBytes, vault } = report;
  const { archive, stored, serverVersion } = copy.manifest;
  const reasons: string[] = [];
  if (dataDir.mountPoint) {
    reasons.push(`${node}: ${dataDir.path} is a mount point and can't be renamed; use a directory below it as dataDir`);
  }
  if (dataDir.freeBytes < archive.sizeBytes * DATA_ROOM) {
    const needed = formatBytes(archive.sizeBytes * DATA_ROOM);
    reasons.push(`${node}: ${formatBytes(dataDir.freeBytes)} free at ${dataDir.path}, ${needed} needed`);
  }
  if (node === firstNode && stagingFreeBytes < stored.sizeBytes * 1.1) {
    const needed = formatBytes(stored.sizeBytes * 1.1);
    reasons.push(`${node}: ${formatBytes(stagingFreeBytes)} free in stateDir, ${needed} needed for staging`);
  }
  if (vault.version !== null && isOlder(vault.version, serverVersion)) {
    reasons.push(`${node}: runs Vault ${vault.version}, older than the snapshot's ${serverVersion}`);
  }
  return reasons;
}

function aliveWarnings(looks: NodeLook[], rpoSeconds: number): string[] {
  const alive = looks.filter(({ report }) => report?.vault.initialized && report.vault.sealed === false);
  if (alive.length === 0) return [];
  const names = alive.map((look) => look.node).join(', ');
  return [
    `${names} ${alive.length === 1 ? 'is' : 'are'} up and unsealed: a restore throws away what was written in the last ${formatSeconds(rpoSeconds)}`,
  ];
}

function topologyWarnings({ nodes }: RestoreSettings, { copy }: ChosenGeneration): string[] {
  const before = copy.manifest.raft.peers.map((peer) => peer.id).sort();
  const after = nodes.map((node) => node.nodeId).sort();
  if (before.join() === after.join()) return [];
  return [`the snapshot's peers were ${before.join(', ')}; the configuration has ${after.join(', ')}`];
}

/** Compares `major.minor.patch`; suffixes such as `+ent` don't count. */
export function isOlder(version: string, than: string): boolean {
  const [left, right] = [version, than].map((text) => text.split(/[+-]/)[0]?.split('.').map(Number) ?? []);
  for (let index = 0; index < 3; index++) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
