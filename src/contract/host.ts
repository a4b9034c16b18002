import type { RaftPeer, SealConfig } from './generation';
import type { Product } from './product';

/** What a data directory says of itself: `vault.db`, `raft/raft.db` or `raft/wal/`, and `node-id` in it. */
export interface RaftStorage {
  /** As Vault generated it; null where the configuration or the environment names the node. */
  nodeId: string | null;
  /** Of the last log entry that is in the storage; 0 in one that no entry has reached. */
  appliedIndex: number;
  appliedTerm: number;
  /** Of the newest entry in the log, applied or not; null when the log is empty or can't be read. */
  lastLogIndex: number | null;
  /** Of the same entry; null when unknown. Absent in what an agent of an earlier version says. */
  lastLogTerm?: number | null;
  /** Why the log does not say where it ends; null when it does. Absent in what an agent of an earlier version says. */
  logProblem?: string | null;
  peers: RaftPeer[];
  /** Null when no cluster was ever made in it. */
  seal: SealConfig | null;
  /** Recovery keys of an auto-unseal cluster; they never unseal. */
  recoveryConfig: SealConfig | null;
}

/** The configuration of a Vault server, as far as a restore depends on it. Holds no secret. */
export interface VaultConfig {
  storage: { type: string; path: string | null; nodeId: string | null } | null;
  /** The enabled stanza, without what may be secret in it; null means `shamir`. */
  seal: { type: string; settings: Record<string, string> } | null;
  listeners: VaultListener[];
  disableMlock: boolean | null;
  /** It lets people with enough keys make a root token, whatever the version. Absent where it does not. */
  rootTokenByKeys?: boolean;
  /** Files that could not be read or understood: what they say is missing here. */
  problems: string[];
  /** Absent in what an agent of an earlier version says. */
  server?: ServerDetails;
}

/** What else a recovery depends on, as the host itself sees it. */
export interface ServerDetails {
  /** Files that it was read from. */
  files: string[];
  /** What decides, too, and could not be seen; empty where nothing is missing. */
  unseen: string[];
  /** Whether its data directory is `dataDir`, by whatever name. */
  ownDataDir: boolean;
  /** `host:port` by which the others know it as a peer; null where that is worked out when it starts. Absent in earlier versions. */
  clusterAddress?: string | null;
  /** Types of the enabled seals. */
  seals: string[];
  /** Every way by which a blank node looks for a cluster. */
  retryJoin: JoinTarget[];
  /** File with OpenBao's `initialize` stanza; null where there is none. */
  initialize: string | null;
  /** What it names and Vault can't start without, yet is not there. */
  missing: { path: string; setting: string }[];
  /** Of external plugins; `files` is null where it can't be read. */
  plugins: { directory: string; files: string[] | null } | null;
}

export interface JoinTarget {
  /** As it stands in the configuration, without what may be secret. */
  text: string;
  file: string;
  /** Node of the configuration that it leads to; null where it leads elsewhere, or nobody knows. */
  node: string | null;
}

/** In milliseconds; null where Vault's own default counts: 30 seconds for reading a request, 90 for all of it. */
export interface VaultListener {
  /** `tcp` or `unix`. */
  type: string;
  address: string | null;
  httpReadTimeoutMs: number | null;
  maxRequestDurationMs: number | null;
}

/** How an agent gets to the Vault of its host. */
export interface VaultReach {
  /** Where it asks. */
  address: string;
  /** Why it gets no answer there that it could work with, and what to change; null when nothing is known against it. */
  problem: string | null;
  /** What could not be checked of it. */
  unchecked: string | null;
}

/** Where a data directory is set aside: beside it, by one rename of the whole; or in it, entry by entry, where it can't be renamed. */
export type Layout = 'beside' | 'inside';

export interface DataDirectoryReport {
  path: string;
  /** Where it lies, if the path is a symbolic link. */
  leadsTo?: string;
  /** How it would be set aside. Absent in what an agent of an earlier version says: `beside`. */
  layout?: Layout;
  exists: boolean;
  /** Nothing in it but, perhaps, our own marker. */
  empty: boolean;
  mountPoint: boolean;
  sizeBytes: number;
  freeBytes: number;
  /** The run that made it, if one did. */
  madeByRun?: string | null;
}

/** What an install has put into a data directory that nobody has opened since, as far as vault-dr knows. */
export interface InstallNote {
  run: string;
  generation: string;
  /** Of the cluster that is there until the snapshot is in. */
  blankClusterId: string | null;
}

/** What systemd says of the unit that the commands of a node's service name. */
export interface UnitReport {
  /** Such as `vault.service`. */
  name: string;
  /** `loaded`, `masked`, `not-found`, `bad-setting`, `error`. */
  loadState: string;
  loadError: string | null;
  /** `enabled`, `disabled`, `static`, `masked-runtime`; null when there is no file. */
  fileState: string | null;
  activeState: string;
  subState: string;
  /** Of its last run: `success`, `exit-code`, `start-limit-hit`. */
  result: string | null;
  restarts: number | null;
  /** Null where it may be started as often as anybody wants. */
  startLimit: { starts: number; interval: string } | null;
  /** Its file is another one than the one that is loaded. */
  needsReload: boolean;
  refusesManual: { start: boolean; stop: boolean };
  /** Of what it starts. */
  missingPrograms: string[];
}

/** What could keep a service from being stopped and started, as far as that can be checked without doing it. */
export interface ServiceCheck {
  /** Null where the service is none of systemd's. */
  unit: UnitReport | null;
  /** Commands of the configuration that can't be run at all: `start: systemctl`. */
  missingCommands: string[];
  /** What could not be checked, and why. */
  unchecked: string[];
}

/** What a run that never ended on this host has done here, by the agent's own notes. */
export interface UnfinishedRun {
  run: string;
  /** RFC 3339, as Temporal said it; empty when the note can't be read. */
  startedAt: string;
  /** The backup that it had proved on this disk. */
  staged: string | null;
  /** Noted before the first rename, so there may be nothing to put back. */
  beganToSetAside: boolean;
  /** What it set aside, as it is now. */
  setAside: { path: string; sizeBytes: number; storage: RaftStorage | null } | null;
  /** It made the data directory that is there now. */
  madeDataDir: boolean;
  /** It was ended between two renames: a part of the original data is in `setAside`, the rest is where it was. */
  isHalfMoved?: boolean;
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
  /** Absent in what an agent of an earlier version says. */
  serviceCheck?: ServiceCheck;
  /** Why the agent could not set the data directory aside; null when nothing is known against it. Absent as above. */
  setAsideProblem?: string | null;
  vault: {
    reachable: boolean;
    initialized: boolean | null;
    sealed: boolean | null;
    /** Also of a server that stands still, where it can be had. */
    version: string | null;
    /** Absent in what an agent of an earlier version says; null where it is unknown. */
    product?: Product | null;
    /** `shamir`, or the type of the auto-unseal seal. */
    sealType: string | null;
    /** While it is unsealed. */
    clusterId: string | null;
  };
  dataDir: DataDirectoryReport;
  install: InstallNote | null;
  /** Absent in what an agent of an earlier version says. */
  unfinished?: UnfinishedRun[];
  /** What the data directory says of itself; null when there is nothing of Raft in it. */
  storage: RaftStorage | null;
  /** Why the data directory could not be read. */
  storageProblem: string | null;
  /** What the configuration of the Vault server says; null when it is not among `configFiles`. */
  config: VaultConfig | null;
  /** Absent in what an agent of an earlier version says. */
  reach?: VaultReach;
  /** Absent where the node has no `migration`, and in what an agent of an earlier version says. */
  migration?: MigrationReport;
  /** Whether an auto-unseal seal reaches its key. */
  seal: { checked: boolean; problem: string | null };
  /** Free bytes where the generation is staged. */
  stagingFreeBytes: number;
  /** Where Vault spools an uploaded snapshot, and what is free there. */
  temp: { path: string; freeBytes: number };
}

/** What a node that was started says of its seal. */
export interface SealReport {
  initialized: boolean;
  sealed: boolean;
  /** `shamir`, or the type of the auto-unseal seal. */
  type: string;
  n: number;
  t: number;
}

/** What one run left beside a data directory. */
export interface LeftOver {
  path: string;
  sizeBytes: number;
  /** RFC 3339. Null for what the run made and rolled back. */
  setAsideAt: string | null;
  /** The run never ended here, so this is the original data of the node. */
  isOriginal?: boolean;
}
