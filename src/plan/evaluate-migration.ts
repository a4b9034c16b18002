import { isLoopbackHost } from '../contract/addresses';
import { formatTime } from '../contract/format';
import type { MigrationReport, NodeReport } from '../contract/host';
import type { MigrateStorageInput } from '../contract/input';
import { METHOD_OF_SOURCE, methodOf, MIGRATION_SOURCES, type MigrationSource } from '../contract/method';
import type {
  ChosenGeneration,
  ConfigSwitch,
  LiveView,
  MigrationPlan,
  NodePlan,
  RecoverySettings,
} from '../contract/plan';
import { configFindings, configWarnings } from './config-findings';
import { evaluateNode, type NodeInspection, productIn, versionOf } from './evaluate-node';
import type { Evaluation } from './evaluate-restore';
import { acceptable, type Finding, weigh } from './findings';
import { findLostRuns, wayBackText } from './lost-runs';
import { withLayouts } from './layouts';
import { migrationSteps } from './node-steps';
import { reachWarnings } from './reach-findings';
import { serviceWarnings } from './service-findings';
import { mixedVersionFindings } from './versions';
import { trustOf, trustWarnings } from './trust';

export interface MigrationFacts {
  input: MigrateStorageInput;
  settings: RecoverySettings;
  inspections: NodeInspection[];
  live: LiveView;
  /** The newest backup that was read end to end; null where there is none, or it could not be asked for. */
  chosen: ChosenGeneration | null;
  /** Why there is none. */
  backupProblem: string | null;
  /** Runs with a report of their end, among those that hosts list as unfinished. */
  ended?: readonly string[];
  now: string;
}

/** Database, log and a snapshot of it: what Raft needs for the same keys. */
const DATA_ROOM = 3;
/** In Consul another backup is made by the run itself; of `storage "file"` it has to be there. */
const LARGEST_AGE_MS = { consul: 7 * 86_400_000, file: 3_600_000 };

/** Decides whether a cluster can be moved from Consul, or from files, to Raft. Lists every reason against it. */
export function evaluateMigration(facts: MigrationFacts): Evaluation<MigrationPlan> {
  const { input, inspections, live, ended = [], now } = facts;
  const settings = withLayouts(facts.settings, inspections);
  const { cluster, nodes } = settings;
  const [first] = nodes;
  const from = sourceOf(inspections);
  const { lost } = findLostRuns(inspections, ended);
  const findings = [
    ...(live.leader === null
      ? [
          {
            code: 'no-leader' as const,
            text: `the cluster has no leader (${live.problem ?? 'nobody leads'}), and only one that serves is migrated`,
          },
        ]
      : []),
    ...(live.leader !== null && live.login !== true
      ? [
          {
            code: 'no-login' as const,
            text: `without a login the migrated cluster could not be verified: ${live.problem ?? 'it was not tried'}`,
          },
        ]
      : []),
    ...(lost.length > 0
      ? [{ code: 'lost-run' as const, text: `${wayBackText(cluster, lost)}; after that, plan again` }]
      : []),
    ...sourceFindings(inspections, nodes),
    ...addressFindings(nodes),
    ...inspections.flatMap((inspection) => nodeFindings(inspection, facts, settings, from)),
    ...mixedVersionFindings(inspections.map(versionOf)),
    ...(from === null ? [] : backupFindings(facts, from)),
  ];
  const { refusals, accepted, warnings } = weigh(findings, input.accept);
  if (refusals.length > 0 || !first || from === null || live.seal === null) return { refusals, plan: null };

  const { type, n, t } = live.seal;
  const human = { type, secretShares: n, secretThreshold: t };
  const automatic = type !== 'shamir';
  const manifest = accepted.includes('no-backup') ? null : (facts.chosen?.copy.manifest ?? null);
  return {
    refusals: [],
    plan: {
      method: 'migrate',
      from,
      path: from === 'consul' ? pathIn(inspections[0]) : null,
      configs: inspections.map((inspection) => ({ node: inspection.node, files: switchesOf(inspection) })),
      backup: manifest && { generation: manifest.generation, capturedAt: manifest.capturedAt },
      cluster,
      firstNode: first.name,
      nodes,
      // With auto-unseal these are the recovery keys; they never unseal.
      seal: automatic ? { type, secretShares: 1, secretThreshold: 1 } : human,
      recoveryConfig: automatic ? { ...human, type: 'shamir' } : null,
      clusterId: live.clusterId,
      clusterName: live.clusterName,
      // The backup that is made before anything stops writes another one.
      canary: null,
      ...productIn(inspections),
      loginOf: cluster,
      approvals: settings.approvals,
      ...trustOf(settings),
      // Whatever the configuration says: it is the way back.
      setAside: 'rename',
      rollingRestart: settings.rollingRestart,
      steps: migrationSteps(nodes, first, from, type, t),
      holdData: nodes.map(({ name }) => name),
      accepted,
      plannedAt: now,
      warnings: [
        ...warnings,
        ...trustWarnings(settings),
        ...(facts.chosen?.problems ?? []).map(({ repository, problem }) => `${repository}: ${problem}`),
        ...(from === 'consul' && manifest === null
          ? ['not checked: whether the data fits on the disks; no backup says how much there is in Consul']
          : []),
        ...inspections.flatMap(({ node, report }) =>
          (report ? configWarnings(prepared(report), true) : []).map((text) => `${node}: ${text}`),
        ),
        ...serviceWarnings(inspections),
        ...reachWarnings(inspections),
      ],
    },
  };
}

/** What all of them store in; null where they do not agree. */
function sourceOf(inspections: readonly NodeInspection[]): MigrationSource | null {
  const types = new Set(inspections.map(typeIn));
  const [type] = types;
  return types.size === 1 ? (MIGRATION_SOURCES.find((source) => source === type) ?? null) : null;
}

function typeIn({ report }: NodeInspection): string | null {
  return report?.migration?.source?.type ?? report?.config?.storage?.type ?? null;
}

/** As Vault has it: without a slash in front, with one behind. */
function pathIn(inspection: NodeInspection | undefined): string {
  const path = inspection?.report?.migration?.source?.path ?? '';
  return `${(path === '' ? 'vault/' : path).replace(/^\/+|\/+$/g, '')}/`;
}

function sourceFindings(inspections: readonly NodeInspection[], nodes: readonly NodePlan[]): Finding[] {
  const seen = inspections.filter(({ report }) => report !== null);
  const other = (text: string): Finding[] => [{ code: 'migration-storage', text }];
  const types = [...new Set(seen.map((inspection) => typeIn(inspection) ?? 'unknown'))];
  const each = (valueOf: (inspection: NodeInspection) => string) =>
    seen.map((inspection) => `${inspection.node}: ${valueOf(inspection)}`).join(', ');
  if (seen.length === 0) return [];
  if (types.length > 1) {
    return other(`the servers do not all store in the same storage (${each((item) => typeIn(item) ?? 'unknown')})`);
  }
  const [type = 'unknown'] = types;
  if (type === 'raft') return other('the servers store in Raft already: there is nothing to migrate');
  if (type === 'unknown') {
    return other('what the servers store in is unknown: list their configuration under `configFiles`');
  }
  if (sourceOf(inspections) === null) {
    return other(`the servers store in '${type}', and only consul and file are migrated to Raft`);
  }
  if (type === 'file' && nodes.length > 1) {
    return other(
      '`storage "file"` is of a single server, and the cluster has more nodes: migrate that one, then add the others',
    );
  }
  const paths = new Set(seen.map(pathIn));
  if (type === 'consul' && paths.size > 1) return other(`the servers use different paths in Consul (${each(pathIn)})`);
  return [];
}

/** The Raft configuration is born with the address of the first node, and the others dial it. */
function addressFindings(nodes: readonly NodePlan[]): Finding[] {
  const local = nodes.filter(({ clusterAddress }) => isLoopbackHost(hostIn(clusterAddress)));
  if (local.length === 0 || local.length === nodes.length) return [];
  return local.map(({ name, clusterAddress }) => ({
    code: 'migration-address',
    text: `${name}: its clusterAddress ${clusterAddress} leads the other nodes to themselves: it must be the address by which they reach it`,
  }));
}

function hostIn(address: string): string {
  return address.slice(0, address.lastIndexOf(':'));
}

/** With the configuration that it will have. */
function prepared(report: NodeReport): NodeReport {
  return { ...report, config: report.migration?.config ?? null };
}

function nodeFindings(
  inspection: NodeInspection,
  { live, chosen }: MigrationFacts,
  { nodes }: RecoverySettings,
  from: MigrationSource | null,
): Finding[] {
  const { node, report } = inspection;
  const dataBytes =
    from === 'file'
      ? (report?.dataDir.sizeBytes ?? 0) * DATA_ROOM
      : (chosen?.copy.manifest.keys.bytes ?? 0) * DATA_ROOM;
  const demands = { sealType: live.seal?.type ?? null, serverVersion: null, dataBytes, setAside: 'rename' as const };
  // The prepared configuration is looked at by itself, for what is wrong with it is elsewhere.
  const bare = report && { ...report, config: null };
  const found = evaluateNode({ ...inspection, report: bare }, nodes, demands);
  if (report === null) return found;
  const own = nodes.find(({ name }) => name === node);
  const more = [...directoryFindings(report, from), ...preparedFindings(report, own)];
  return [...found, ...more.map((finding) => ({ ...finding, text: `${node}: ${finding.text}` }))];
}

function directoryFindings({ dataDir, config }: NodeReport, from: MigrationSource | null): Finding[] {
  const other = (text: string): Finding[] => [{ code: 'migration-data-dir', text }];
  if (from === 'consul' && !dataDir.exists) {
    return other(`${dataDir.path} does not exist: create it, empty, for the user that Vault runs as`);
  }
  if (from === 'consul' && !dataDir.empty) {
    return other(`${dataDir.path} is not empty, and Raft starts in an empty directory: move what is in it away`);
  }
  if (from === 'file' && config?.storage?.path && config.server?.ownDataDir === false) {
    return other(
      `its files are in ${config.storage.path}, but \`dataDir\` is ${dataDir.path}: make both the same; the files are set aside, and Raft takes their place`,
    );
  }
  return [];
}

function preparedFindings(report: NodeReport, own: NodePlan | undefined): Finding[] {
  const { migration } = report;
  if (migration === undefined) {
    return [
      {
        code: 'migration-config',
        text: 'it has no `migration`: prepare its configuration with `storage "raft"` in a file of another name, and name both under `migration.configFiles`',
      },
    ];
  }
  const unusable = migration.files.filter(({ problem }) => problem !== null);
  return [
    ...unusable.map(({ prepared: file, problem }): Finding => ({
      code: 'migration-config',
      text: `${file} can't be put in place: ${problem}`,
    })),
    ...(migration.programProblem === null
      ? []
      : [
          {
            code: 'migration-program' as const,
            text: `\`vault operator migrate\` can't be run: ${migration.programProblem}`,
          },
        ]),
    ...(unusable.length > 0 ? [] : futureFindings(report, migration, own)),
  ];
}

function futureFindings(
  report: NodeReport,
  { config, sameSeals }: MigrationReport,
  own: NodePlan | undefined,
): Finding[] {
  const files = report.migration?.files.map(({ prepared: file }) => file).join(', ') ?? '';
  const wrong = (text: string): Finding => ({ code: 'migration-config', text: `${files}: ${text}` });
  if (config === null) return [wrong('no configuration of a server can be read with it')];
  const { storage, problems, server } = config;
  const address = server?.clusterAddress ?? null;
  return [
    ...problems.map(wrong),
    ...(storage?.type === 'raft' && storage.nodeId === null
      ? [wrong(`it has no \`node_id\`, by which the new cluster knows its first peer: set it to ${own?.nodeId}`)]
      : []),
    ...(storage?.type === 'raft'
      ? configFindings(prepared(report), own, true).map((finding) => ({
          ...finding,
          text: `${files}: ${finding.text}`,
        }))
      : [wrong(`the storage is '${storage?.type ?? 'none'}', not raft`)]),
    ...(own && address !== null && address.toLowerCase() !== own.clusterAddress.toLowerCase()
      ? [
          {
            code: 'cluster-address-mismatch' as const,
            text: `${files}: \`cluster_addr\` is ${address}, but \`clusterAddress\` is ${own.clusterAddress}: make both the same`,
          },
        ]
      : []),
    ...(sameSeals
      ? []
      : [
          {
            code: 'migration-seal' as const,
            text: `${files}: its seal is not the present one, and seal and storage can't be migrated in one step: keep the seal, and migrate it afterwards`,
          },
        ]),
  ];
}

/** Of the present storage, fresh. */
function backupFindings({ settings, chosen, backupProblem, now }: MigrationFacts, from: MigrationSource): Finding[] {
  const wanted = METHOD_OF_SOURCE[from];
  const lacking = (text: string) => [
    acceptable('no-backup', `${text}; without one, the storage that is left behind is the only way back`),
  ];
  const { backupMethod = 'raft', cluster } = settings;
  if (backupMethod !== wanted) {
    return lacking(
      `the cluster is configured with \`method: ${backupMethod}\`, which can't back up the storage '${from}': set \`method: ${wanted}\`, and back it up`,
    );
  }
  if (chosen === null) {
    return lacking(
      `there is no backup (${backupProblem ?? 'none was found'}): \`vault-dr backup --cluster ${cluster}\``,
    );
  }
  const { manifest } = chosen.copy;
  if (chosen.healthy.length === 0 || methodOf(manifest) !== wanted) {
    return lacking(`the newest backup is not a whole one of '${from}': \`vault-dr backup --cluster ${cluster}\``);
  }
  if (Date.parse(now) - Date.parse(manifest.capturedAt) <= LARGEST_AGE_MS[from]) return [];
  return lacking(
    `the newest backup is of ${formatTime(manifest.capturedAt)}, too old: \`vault-dr backup --cluster ${cluster}\``,
  );
}

function switchesOf({ report }: NodeInspection): ConfigSwitch[] {
  return (report?.migration?.files ?? []).flatMap(({ path, prepared: file, sha256 }) =>
    sha256 === null ? [] : [{ path, prepared: file, sha256 }],
  );
}
