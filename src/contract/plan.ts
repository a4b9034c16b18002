import type { Trust } from './approval';
import type { DrillVerdict } from './drill-record';
import type { Canary, GenerationCopy, LeaseCount, RaftPeer, Reach, SealConfig } from './generation';
import type { SealReport, Validity } from './host';
import type { ConsulContent, Method, MigrationSource } from './method';
import type { Product } from './product';
import type { RtoObjective } from './objectives';

export interface NodePlan {
  name: string;
  nodeId: string;
  address: string;
  clusterAddress: string;
  dataDir: string;
  /** Its entries are set aside one by one, because it can't be renamed. */
  layout?: 'inside';
}

/** Refusals that an operator may override, each by its code. All others must be fixed. */
export const ACCEPTABLE = {
  'lose-newer-data': 'the cluster, or a disk of it, holds newer data than the backup',
  version: 'the servers are older than the snapshot, much newer, or of different versions',
  'other-product': 'the servers are OpenBao and the snapshot is from Vault, or the other way round',
  'other-cluster': 'the backup is from another cluster than the existing data',
  'delete-data': 'old data directories are deleted instead of renamed (restore.setAside), so there is no roll-back',
  login: 'vault-dr may not be able to log in after the restore',
  'retry-join': 'a `retry_join` may lead a blank node to a cluster outside the plan',
  'server-config': "a server's configuration contradicts vault-dr's, and not all of it could be read",
  'read-timeout': 'the upload may take longer than `http_read_timeout` allows',
  'unknown-log': 'the end of the log of a surviving disk is unknown, so a disk other than the newest may be chosen',
  reach: 'the agent of a node may not be able to reach its Vault',
  'consul-token': 'the ACL token for Consul may not exist after the restore',
  'live-credentials': 'the restored Vault may revoke or rotate credentials that a running cluster uses',
  'failed-drill': 'a drill of this backup failed, and no later one has got further',
  grace: 'the grace period of the old data is not over',
  'no-backup': 'no recent backup by the present method exists, so the old storage is the only way back',
} as const;
export type AcceptCode = keyof typeof ACCEPTABLE;

/** Settings of a recovery. In history, so without secrets. */
export interface RecoverySettings {
  /** The cluster whose nodes are changed. */
  cluster: string;
  /** The cluster of the generation; another one only with `into`. */
  source: string;
  /** The first one is restored, the others join it. */
  nodes: NodePlan[];
  repositories: string[];
  /** The controller that serves a directory among them, if one is for one controller alone. */
  servedBy?: string;
  /** How the source is backed up. Absent in what an earlier version planned: `raft`. */
  backupMethod?: Method;
  approvals: number;
  /** Absent in plans of earlier versions: `namespace`. */
  trust?: Trust;
  /** How long a plan and its approvals are valid. */
  approvalMinutes: number;
  /** A rehearsal, with approvals of its own. */
  drill?: true;
  setAside: 'rename' | 'delete';
  rollingRestart: boolean;
  /** Addresses that a Vault behind a fence may reach besides its own host. Absent if there are none. */
  quietReach?: string[];
  /** For how long leases are valid after a restore, at least. Absent if Vault decides. */
  leaseGraceMinutes?: number;
  graceDays: number;
  reminders: ReminderSettings;
}

/** When people are reminded, and when somebody else is notified. */
export interface ReminderSettings {
  remindMinutes: number;
  escalateMinutes: number;
  alternates: string[];
}

/** An external plugin as Vault's catalogue has it. */
export interface CataloguePlugin {
  /** With its type, such as `database/oracle`. */
  plugin: string;
  /** Empty if it was registered without one. */
  version: string;
  /** Lower-case hexadecimal, of its file. */
  sha256: string;
}

export interface LiveMember {
  nodeId: string;
  /** Cluster address, `host:port`. */
  address: string;
  voter: boolean;
  /** By autopilot; null if it does not know. */
  alive: boolean | null;
  /** A permanent non-voter: other new members become voters later. */
  neverVotes: boolean;
}

/** The cluster as the controller sees it over the network; it may be down. */
export interface LiveView {
  leader: string | null;
  clusterId: string | null;
  clusterName: string | null;
  serverVersion: string | null;
  /** Of the leader. Absent in results of earlier versions; null if unknown. */
  product?: Product | null;
  /** Names of nodes that are unsealed and not removed. */
  serving: string[];
  /** Of the serving nodes. Absent in results of earlier versions. */
  versions?: Record<string, string>;
  /** Voters that the leader knows, by node id; empty without a login. */
  voters: string[];
  /** All members, voters or not. Absent without a login, and in results of earlier versions. */
  members?: LiveMember[];
  /** Whether the login may remove a peer. Absent as above. */
  mayRemovePeers?: boolean;
  /** Whether vault-dr's own login works; null if no node could be asked. */
  login: boolean | null;
  /** Of what it logs in with. Absent without a login, and in results of earlier versions. */
  loginValidity?: Validity;
  /** External plugins that Vault's catalogue knows. Absent where it could not be read, and in results of earlier versions. */
  plugins?: CataloguePlugin[];
  /** Of the leader. */
  seal: SealReport | null;
  /** Only where Vault stores in Consul. */
  consul?: ConsulView;
  /** What Vault calls its storage. Absent in what an earlier version saw, and where it is unknown; so are the next two. */
  storageType?: string;
  /** Last log entry of each member, by node id, as autopilot heard of it. */
  logIndexes?: Record<string, number>;
  /** After how long a silent member is removed for good; null: never. */
  deadAfterSeconds?: number | null;
  /** Why there is no leader, or no login. */
  problem: string | null;
}

/** What the controller sees of the Consul that a cluster stores in. */
export interface ConsulView {
  /** `host:port` of the server that leads; null without a leader. */
  leader: string | null;
  /** How many servers Consul has, and how many of them are healthy; null where nobody could be asked. */
  servers: { all: number; healthy: number } | null;
  /** Of the token that is configured; null without ACLs. */
  accessor: string | null;
  /** Of Vault's keys, as it is configured. */
  path: string;
  /** Whether Vault's keys are there; null where nobody could be asked. */
  holdsVault: boolean | null;
  /** Why it could not be asked. */
  problem: string | null;
}

/** A cluster in which no node answers. */
export const CLUSTER_DOWN: LiveView = {
  leader: null,
  clusterId: null,
  clusterName: null,
  serverVersion: null,
  serving: [],
  voters: [],
  login: null,
  seal: null,
  problem: null,
};

interface PlanBase {
  /** The cluster whose nodes are changed. */
  cluster: string;
  firstNode: string;
  nodes: NodePlan[];
  seal: SealConfig;
  /** Recovery keys of an auto-unseal cluster; they never unseal. */
  recoveryConfig: SealConfig | null;
  /** Null if unknown until the cluster is back. */
  clusterId: string | null;
  clusterName: string | null;
  canary: Canary | null;
  /** Absent in plans of earlier versions, and if unknown. */
  product?: Product;
  /** Where they store, unless in Raft: then there are no peers, and nobody joins anybody. */
  storage?: 'file' | 'consul';
  /** Whose login is used afterwards. */
  loginOf: string;
  approvals: number;
  /** What authorises changes of hosts. Absent in plans of earlier versions: `namespace`. */
  trust?: Trust;
  setAside: 'rename' | 'delete';
  rollingRestart: boolean;
  /** What will be done, by node. */
  steps: { node: string; steps: string[] }[];
  /** Nodes that had data when the plan was made: what a roll-back returns to. */
  holdData: string[];
  /** In place and in a rebuild: nodes that did not serve then, and are not part of it. */
  leftOut?: string[];
  /** Nodes that join as permanent non-voters. Absent if there are none; so are the next two. */
  nonVoters?: string[];
  /** In place and in a rebuild: node ids of members that are not configured. */
  bystanders?: string[];
  /** Node ids of dead members that are removed from the cluster. */
  removePeers?: string[];
  accepted: AcceptCode[];
  warnings: string[];
  plannedAt: string;
}

/** What a run that never ended had set aside on a node: the original data, which is put back first. */
export interface LostRun {
  node: string;
  run: string;
  /** Null if there was no data. */
  original: string | null;
  /** `original` is what was in Consul. */
  isConsul?: boolean;
}

/** A restore from a generation: on blank nodes, or (`inPlace`) into the running cluster. */
export interface RestorePlan extends PlanBase {
  method: 'snapshot' | 'inPlace';
  /** What is restored; absent: a Raft snapshot. */
  archive?: Exclude<Method, 'raft'>;
  /** With the archive `consul`. */
  consul?: Omit<ConsulContent, 'method'>;
  /** A rehearsal: `restore.drills` on its hosts says how many must approve. */
  drill?: true;
  /** The first node comes up behind a fence, until somebody says `goLive`. */
  quiet?: true;
  /** Leases get at least this long before the first node serves. Absent if they are left as they are. */
  leaseGraceMinutes?: number;
  /** Absent if no run was lost. */
  lost?: LostRun[];
  /** Cluster of the generation. */
  source: string;
  generation: string;
  capturedAt: string;
  raftIndex: number;
  /** Null if unknown, for an imported backup. */
  serverVersion: string | null;
  archiveBytes: number;
  storedBytes: number;
  storedSha256: string;
  manifestSha256: string;
  keyCount: number;
  /** Keys by prefix, only those that change when somebody writes. */
  keyCounts: Record<string, number>;
  /** Leases by mount; expired ones are revoked as soon as the cluster is active. Null if unknown. */
  leases: LeaseCount | null;
  /** Absent if unknown. */
  reach?: Reach;
  peers: RaftPeer[];
  /** Repositories whose copy was read end to end. */
  copies: string[];
  /** What drills say of it; null if there was none. Absent in plans of earlier versions. */
  drilled?: DrillVerdict | null;
  /** From the capture to this plan: everything written since is lost. */
  rpoSeconds: number;
  /** How long it should take. Absent in place, where that is not known, and in plans of earlier versions. */
  rto?: RtoObjective;
}

/** A recovery of the quorum from the disk of one node, which loses nothing on that disk. */
export interface RecoverQuorumPlan extends PlanBase {
  method: 'peers';
  /** Of the first node's disk. */
  appliedIndex: number;
  lastLogIndex: number | null;
  /** Where its log ends; only if the logs of the surviving disks end in different terms. */
  lastLogTerm?: number;
}

/** One node is rebuilt while the others serve. */
export interface RebuildPlan extends PlanBase {
  method: 'rebuild';
  node: string;
}

/** Data that an earlier run set aside is deleted for good. */
export interface RemovalPlan extends PlanBase {
  method: 'remove';
  /** Run that set it aside. */
  of: string;
  /** Paths by node. */
  found: { node: string; paths: string[] }[];
}

/** What a run that never ended had set aside is put back. */
export interface RollBackPlan extends PlanBase {
  method: 'rollBack';
  /** The run that was lost. */
  of: string;
  lost: LostRun[];
}

/** A file of a server's configuration, and the one that takes its place. */
export interface ConfigSwitch {
  /** Absolute. */
  path: string;
  /** Absolute; what the operator has prepared. */
  prepared: string;
  /** Of what is prepared: nothing else is put there. */
  sha256: string;
}

/** Of a cluster that stores elsewhere, and is moved to Raft. */
export interface MigrationPlan extends PlanBase {
  method: 'migrate';
  from: MigrationSource;
  /** Of Vault's keys in Consul, such as `vault/`; null with `file`. */
  path: string | null;
  /** New configuration by node. */
  configs: { node: string; files: ConfigSwitch[] }[];
  /** The newest backup by the method of the old storage; null where somebody accepted that there is none. */
  backup: { generation: string; capturedAt: string } | null;
}

/** Of a backup for which a node is stopped, its data directory archived, and the node started again. */
export interface CopyPlan extends PlanBase {
  method: 'copy';
  node: string;
  stores: 'raft' | 'file';
  /** Of the data directory. */
  dataBytes: number;
  /** It leads, so another node has to take over first. */
  stepDown: boolean;
  /** Entries by which it was behind the leader when this was planned; null where nobody knows. */
  lag: number | null;
}

export type RecoveryPlan =
  RestorePlan | RecoverQuorumPlan | RebuildPlan | RemovalPlan | RollBackPlan | MigrationPlan | CopyPlan;

export interface ChosenGeneration {
  copy: GenerationCopy;
  /** Repositories whose copy was read end to end. */
  healthy: string[];
  problems: { repository: string; problem: string }[];
  /** What drills say of it; null if there was none. Absent in choices of earlier versions. */
  drilled?: DrillVerdict | null;
  /** How long a restore should take. Absent where that is not known, and in choices of earlier versions. */
  rto?: RtoObjective;
}

/** Copies that can't be used, and why. */
export type CopyProblem = ChosenGeneration['problems'][number];
