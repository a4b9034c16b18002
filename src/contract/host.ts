import type { RaftPeer, SealConfig } from './generation';
import type { Product } from './product';

/** Contents of a data directory: `vault.db`, `raft/raft.db` or `raft/wal/`, and `node-id`. */
export interface RaftStorage {
  /** As Vault generated it; null if the configuration or the environment sets it. */
  nodeId: string | null;
  /** Of the last log entry in the storage; 0 if there is none. */
  appliedIndex: number;
  appliedTerm: number;
  /** Of the newest entry in the log, applied or not; null if the log is empty or unreadable. */
  lastLogIndex: number | null;
  /** Of the same entry; null if unknown. Absent in results of earlier agents. */
  lastLogTerm?: number | null;
  /** Why the end of the log is unknown; null if it is known. Absent in results of earlier agents. */
  logProblem?: string | null;
  peers: RaftPeer[];
  /** Null if it was never initialised. */
  seal: SealConfig | null;
  /** Recovery keys of an auto-unseal cluster; they never unseal. */
  recoveryConfig: SealConfig | null;
}

/** The configuration of a Vault server, as far as a restore depends on it. Contains no secret. */
export interface VaultConfig {
  storage: { type: string; path: string | null; nodeId: string | null } | null;
  /** The enabled stanza, without possible secrets; null means `shamir`. */
  seal: { type: string; settings: Record<string, string> } | null;
  listeners: VaultListener[];
  disableMlock: boolean | null;
  /** People with enough keys can make a root token, whatever the version. Absent if not. */
  rootTokenByKeys?: boolean;
  /** Files that could not be read or parsed: their settings are missing here. */
  problems: string[];
  /** Absent in results of earlier agents. */
  server?: ServerDetails;
}

/** From when until when something is accepted, RFC 3339. */
export interface Validity {
  /** For people, such as the setting and its file. */
  what: string;
  from: string | null;
  /** Null without a problem: it never ends. */
  until: string | null;
  /** Why it is unknown; null if it is known. */
  problem: string | null;
  /** How often it is still accepted. Absent where that has no limit. */
  usesLeft?: number;
}

/** More settings that a recovery depends on, as seen on the host. */
export interface ServerDetails {
  /** Files it was read from. */
  files: string[];
  /** Sources of settings that could not be seen; empty if there are none. */
  unseen: string[];
  /** Whether its data directory is `dataDir`, under whatever name. */
  ownDataDir: boolean;
  /**
   * `host:port` under which the others know it as a peer; null if Vault determines it at start. Absent in earlier
   * versions.
   */
  clusterAddress?: string | null;
  /** Types of the enabled seals. */
  seals: string[];
  /** Every way in which a blank node looks for a cluster. */
  retryJoin: JoinTarget[];
  /** File with OpenBao's `initialize` stanza; null if there is none. */
  initialize: string | null;
  /** Files that Vault needs to start and that do not exist. */
  missing: { path: string; setting: string }[];
  /** External plugins; null: it names no directory for them. */
  plugins: PluginFiles | null;
  /** Of the certificates in its configuration. Absent in results of earlier agents. */
  certificates?: Validity[];
}

/** What is in the directory for external plugins. */
export interface PluginFiles {
  directory: string;
  /** Null if it is unreadable. */
  files: string[] | null;
  /** Of the files that could be hashed. Absent in results of earlier agents, and where it is unreadable. */
  sha256?: string[];
  /** How many entries could not be hashed: directories, what is too large, what there was no time for. */
  unhashed?: number;
}

export interface JoinTarget {
  /** As in the configuration, without possible secrets. */
  text: string;
  file: string;
  /** The configured node it points to; null if it points elsewhere, or is unknown. */
  node: string | null;
}

/** In milliseconds; null for Vault's default: 30 seconds to read the header, 90 for the whole request. */
export interface VaultListener {
  /** `tcp` or `unix`. */
  type: string;
  address: string | null;
  httpReadTimeoutMs: number | null;
  maxRequestDurationMs: number | null;
}

/** How an agent reaches its host's Vault. */
export interface VaultReach {
  /** Where it asks. */
  address: string;
  /** Why that does not work, and what to change; null if nothing is known to be wrong. */
  problem: string | null;
  /** What could not be checked. */
  unchecked: string | null;
}

/** `beside`: set aside by one rename of the whole directory; `inside`: entry by entry, because it can't be renamed. */
export type Layout = 'beside' | 'inside';

export interface DataDirectoryReport {
  path: string;
  /** Its target, if the path is a symbolic link. */
  leadsTo?: string;
  /** How it would be set aside. Absent in results of earlier agents: `beside`. */
  layout?: Layout;
  exists: boolean;
  /** Empty except, perhaps, for our own marker. */
  empty: boolean;
  mountPoint: boolean;
  sizeBytes: number;
  freeBytes: number;
  /** The run that created it, if one did. */
  madeByRun?: string | null;
}

/** What an install has put into a data directory that nobody has unsealed since, as far as vault-dr knows. */
export interface InstallNote {
  run: string;
  generation: string;
  /** Of the cluster that exists until the snapshot is loaded. */
  blankClusterId: string | null;
}

/** The systemd unit in the commands of a node's service. */
export interface UnitReport {
  /** Such as `vault.service`. */
  name: string;
  /** `loaded`, `masked`, `not-found`, `bad-setting`, `error`. */
  loadState: string;
  loadError: string | null;
  /** `enabled`, `disabled`, `static`, `masked-runtime`; null if there is no file. */
  fileState: string | null;
  activeState: string;
  subState: string;
  /** Of its last run: `success`, `exit-code`, `start-limit-hit`. */
  result: string | null;
  restarts: number | null;
  /** Null if starts are not limited. */
  startLimit: { starts: number; interval: string } | null;
  /** Its file has changed since systemd loaded it. */
  needsReload: boolean;
  refusesManual: { start: boolean; stop: boolean };
  /** Programs it starts that do not exist. */
  missingPrograms: string[];
  /** With the driver `systemd`; absent in results of earlier agents. */
  managed?: ManagedUnit;
}

/** What the agent knows of a unit that it starts and stops itself. */
export interface ManagedUnit {
  /** Units that systemd stops with it, and does not start again. */
  alsoStops: string[];
  /** Sockets, timers and paths that start it. */
  triggeredBy: string[];
  /** Why it can't be kept from starting while a recovery needs it stopped; null if it can. */
  holdProblem: string | null;
  /** The run that keeps it from starting; null if none does. */
  heldBy: string | null;
}

/** What could prevent a service from being stopped and started, as far as that can be checked without doing it. */
export interface ServiceCheck {
  /** Null if the service is not a systemd unit. */
  unit: UnitReport | null;
  /** Configured commands whose program does not exist: `start: systemctl`. */
  missingCommands: string[];
  /** What could not be checked, and why. */
  unchecked: string[];
}

/** What a run that never ended has done on this host, by the agent's own records. */
export interface UnfinishedRun {
  run: string;
  /** RFC 3339, by Temporal's clock; empty if the record is unreadable. */
  startedAt: string;
  /** The backup that it had verified on this disk. */
  staged: string | null;
  /** Recorded before the first rename, so there may be nothing to put back. */
  beganToSetAside: boolean;
  /** The data it set aside. */
  setAside: { path: string; sizeBytes: number; storage: RaftStorage | null } | null;
  /** It created the current data directory. */
  madeDataDir: boolean;
  /** It was ended between two renames: part of the original data is in `setAside`, the rest is still in place. */
  isHalfMoved?: boolean;
  /** What was in Consul, kept before it was replaced. */
  keptConsul?: { path: string; sizeBytes: number };
}

/** What a host has prepared for a migration to Raft, as far as it can be read. Holds no secret. */
export interface MigrationReport {
  /** What selects the storage that is used now; null where the configuration does not say it. */
  source: { type: string; path: string | null; token: 'configuration' | 'environment' | 'none' } | null;
  files: PreparedFile[];
  /** The configuration as it will be; null where it can't be read. */
  config: VaultConfig | null;
  /** Whether its seals are those of the present one, secrets included. */
  sameSeals: boolean;
  /** Why the program of the server can't be run; null when it can. */
  programProblem: string | null;
}

/** What is to take the place of a file of the server's configuration. */
export interface PreparedFile {
  path: string;
  prepared: string;
  sha256: string | null;
  /** Why it can't be put in its place. */
  problem: string | null;
}

export interface NodeReport {
  node: string;
  agentVersion: string;
  host: string;
  service: 'running' | 'stopped';
  /** Absent in results of earlier agents. */
  serviceCheck?: ServiceCheck;
  /** Why the agent could not set the data directory aside; null if nothing is known to be wrong. Absent as above. */
  setAsideProblem?: string | null;
  vault: {
    reachable: boolean;
    initialized: boolean | null;
    sealed: boolean | null;
    /** Also of a stopped server, if it can be determined. */
    version: string | null;
    /** Absent in results of earlier agents; null if unknown. */
    product?: Product | null;
    /** `shamir`, or the type of the auto-unseal seal. */
    sealType: string | null;
    /** Only while it is unsealed. */
    clusterId: string | null;
  };
  dataDir: DataDirectoryReport;
  install: InstallNote | null;
  /** Absent in results of earlier agents. */
  unfinished?: UnfinishedRun[];
  /** Contents of the data directory; null if it has no Raft storage. */
  storage: RaftStorage | null;
  /** Why the data directory could not be read. */
  storageProblem: string | null;
  /** Vault's own configuration; null if it is not among `configFiles`. */
  config: VaultConfig | null;
  /** Absent in results of earlier agents. */
  reach?: VaultReach;
  /** Absent where the node has no `migration`, and in what an agent of an earlier version says. */
  migration?: MigrationReport;
  /** Whether an auto-unseal seal reaches its key. */
  seal: { checked: boolean; problem: string | null };
  /** Directories of backups that the agent can't read. Absent in results of earlier agents. */
  unreadable?: { repository: string; cluster: string; problem: string }[];
  /** When it looked, by its own clock. Absent in results of earlier agents. */
  clock?: string;
  /** Of the certificates with which the agent connects to Temporal. Absent in results of earlier agents. */
  certificates?: Validity[];
  /** Free bytes where the generation is staged. */
  stagingFreeBytes: number;
  /** Where Vault buffers an uploaded snapshot, and the free space there. */
  temp: { path: string; freeBytes: number };
}

/** Seal of a node that was started. */
export interface SealReport {
  initialized: boolean;
  sealed: boolean;
  /** `shamir`, or the type of the auto-unseal seal. */
  type: string;
  n: number;
  t: number;
}

/** What one run left next to a data directory. */
export interface LeftOver {
  path: string;
  sizeBytes: number;
  /** RFC 3339. Null for data written and rolled back by the run. */
  setAsideAt: string | null;
  /** The run never ended here, so this is the original data of the node. */
  isOriginal?: boolean;
}
