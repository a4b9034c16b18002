import type { Canary, GenerationCopy, LeaseCount, RaftPeer, SealConfig } from './generation';
import type { RaftStorage, VaultConfig } from './host';

export const RESTORE_PHASES = [
  'plan',
  'approve',
  'stage',
  'stop',
  'setAside',
  'install',
  'unseal',
  'verify',
  'join',
  'converge',
  'finish',
] as const;
/** `rollBack` and `remove` are no part of a restore that goes through. */
export type RestorePhase = (typeof RESTORE_PHASES)[number] | 'rollBack' | 'remove';

/** The way that each kind of run takes. */
export const ROUTES = {
  snapshot: RESTORE_PHASES,
  inPlace: ['plan', 'approve', 'stage', 'install', 'verify', 'converge', 'finish'],
  peers: ['plan', 'approve', 'stop', 'setAside', 'install', 'unseal', 'verify', 'join', 'converge', 'finish'],
  rebuild: ['plan', 'stop', 'setAside', 'join', 'converge', 'finish'],
  remove: ['plan', 'remove'],
} as const satisfies Record<string, readonly RestorePhase[]>;
export type RecoveryMethod = keyof typeof ROUTES;

/** Names one run to the agents. A later run of the same cluster takes the nodes over; an earlier one never does. */
export interface RunClaim {
  run: string;
  cluster: string;
  startedAt: string;
}

export interface NodePlan {
  name: string;
  nodeId: string;
  address: string;
  clusterAddress: string;
  dataDir: string;
}

/** What a plan may be refused for and an operator may accept, each by its name. Everything else has to be mended. */
export const ACCEPTABLE = {
  'lose-newer-data': 'the cluster, or a disk of it, holds newer data than the generation',
  version: 'the servers are older than the snapshot, much newer, or of different versions',
  'other-cluster': 'the generation is of another cluster than the data that is there',
  'delete-data': 'old data directories are deleted instead of renamed (restore.setAside), so there is no way back',
  login: 'it is not proved that vault-dr can log in after the restore',
  'read-timeout': 'the upload may take longer than `http_read_timeout` allows',
  grace: 'the grace period of what was set aside is not over',
} as const;
export type AcceptCode = keyof typeof ACCEPTABLE;

/** What a recovery run needs of the configuration; goes into history, so it holds no secret. */
export interface RestoreSettings {
  /** The one whose nodes are changed. */
  cluster: string;
  /** The one whose generation is restored; another one only with `into`. */
  source: string;
  /** The first one is restored, the others join it. */
  nodes: NodePlan[];
  repositories: string[];
  approvals: number;
  /** How long a plan, and the approvals of it, count. */
  approvalMinutes: number;
  setAside: 'rename' | 'delete';
  rollingRestart: boolean;
  graceDays: number;
  reminders: ReminderSettings;
}

/** When people who are waited for are told again, and when somebody else is. */
export interface ReminderSettings {
  remindMinutes: number;
  escalateMinutes: number;
  alternates: string[];
}

export interface DataDirectoryReport {
  path: string;
  exists: boolean;
  /** Nothing in it but, perhaps, our own marker. */
  empty: boolean;
  /** A mount point can't be renamed. */
  mountPoint: boolean;
  sizeBytes: number;
  freeBytes: number;
}

/** What an install has put into a data directory that nobody has opened since, as far as vault-dr knows. */
export interface InstallNote {
  run: string;
  generation: string;
  /** Of the cluster that is there until the snapshot is in. */
  blankClusterId: string | null;
}

export interface NodeReport {
  node: string;
  agentVersion: string;
  host: string;
  service: 'running' | 'stopped';
  vault: {
    reachable: boolean;
    initialized: boolean | null;
    sealed: boolean | null;
    /** Also of a server that stands still, where it can be had. */
    version: string | null;
    /** `shamir`, or the type of the auto-unseal seal. */
    sealType: string | null;
    /** While it is unsealed. */
    clusterId: string | null;
  };
  dataDir: DataDirectoryReport;
  install: InstallNote | null;
  /** What the data directory says of itself; null when there is nothing of Raft in it. */
  storage: RaftStorage | null;
  /** Why the data directory could not be read. */
  storageProblem: string | null;
  /** What the configuration of the Vault server says; null when it is not among `configFiles`. */
  config: VaultConfig | null;
  /** Whether an auto-unseal seal reaches its key. */
  seal: { checked: boolean; problem: string | null };
  /** Free bytes where the generation is staged. */
  stagingFreeBytes: number;
  /** Where Vault spools an uploaded snapshot, and what is free there. */
  temp: { path: string; freeBytes: number };
}

/** What the controller sees of the cluster over the network; it may be down. */
export interface LiveView {
  leader: string | null;
  clusterId: string | null;
  clusterName: string | null;
  serverVersion: string | null;
  /** Names of nodes that are unsealed and not removed. */
  serving: string[];
  /** Of those that serve. Absent in what an earlier version saw. */
  versions?: Record<string, string>;
  /** Voters that the leader knows, by node id; empty without a login. */
  voters: string[];
  /** Whether vault-dr's own login works now; null when nobody could be asked. */
  login: boolean | null;
  /** Of the leader. */
  seal: SealReport | null;
  /** Why there is no leader, or no login. */
  problem: string | null;
}

/** What is seen of a cluster that nobody answers for. */
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
  /** The one whose nodes are changed. */
  cluster: string;
  firstNode: string;
  nodes: NodePlan[];
  seal: SealConfig;
  /** Recovery keys of an auto-unseal cluster; they never unseal. */
  recovery: SealConfig | null;
  /** Null where nothing says it before the cluster is back. */
  clusterId: string | null;
  clusterName: string | null;
  canary: Canary | null;
  /** Whose login is used after it. */
  loginOf: string;
  approvals: number;
  setAside: 'rename' | 'delete';
  rollingRestart: boolean;
  /** What will be done, by node. */
  steps: { node: string; steps: string[] }[];
  /** Node names that had data when the plan was made: what a way back leads to. */
  holdData: string[];
  /** In place and in a rebuild: nodes that did not serve when it was made, and are no part of it. */
  leftOut?: string[];
  accepted: AcceptCode[];
  warnings: string[];
  plannedAt: string;
}

/** Of a restore from a generation: on blank nodes, or (`inPlace`) into the running cluster. */
export interface RestorePlan extends PlanBase {
  method: 'snapshot' | 'inPlace';
  /** Cluster that the generation is of. */
  source: string;
  generation: string;
  capturedAt: string;
  raftIndex: number;
  clusterId: string;
  clusterName: string;
  serverVersion: string;
  archiveBytes: number;
  storedBytes: number;
  storedSha256: string;
  manifestSha256: string;
  keyCount: number;
  /** Keys by prefix, of those that change only when somebody writes. */
  keyCounts: Record<string, number>;
  /** Leases by mount; what has expired of them is revoked as soon as the cluster is active. Null when unknown. */
  leases: LeaseCount | null;
  peers: RaftPeer[];
  /** Repositories whose copy was read end to end. */
  copies: string[];
  /** From the capture to the making of this plan: everything written since is lost. */
  rpoSeconds: number;
}

/** Of a recovery of the quorum from the disk of one node; nothing that it holds is lost. */
export interface QuorumPlan extends PlanBase {
  method: 'peers';
  /** Of the first node's disk. */
  appliedIndex: number;
  lastLogIndex: number | null;
  /** Where its log ends; only if the logs of the disks that survived end in different terms. */
  lastLogTerm?: number;
}

/** Of one node that is made anew while the others serve. */
export interface RebuildPlan extends PlanBase {
  method: 'rebuild';
  node: string;
}

export type RecoveryPlan = RestorePlan | QuorumPlan | RebuildPlan;

export type NodeState =
  | 'unknown'
  | 'ready'
  | 'staged'
  | 'stopped'
  | 'set aside'
  | 'installing'
  | 'sealed'
  | 'unsealing'
  | 'unsealed'
  | 'joining'
  | 'voter'
  | 'put back'
  | 'skipped';

export interface NodeProgress {
  name: string;
  role: 'first' | 'follower';
  state: NodeState;
  detail: string | null;
}

export interface PhaseProgress {
  phase: RestorePhase;
  startedAt: string;
  finishedAt: string | null;
  /** Part of the phase that was spent waiting for people. */
  humanSeconds: number;
}

/** Where a share for one node's agent goes; signed by the agent, so that nobody else can slip one in. */
export interface RunRecipient {
  node: string;
  /** age recipient. */
  recipient: string;
  /** Ed25519 signature, base64, of the agent's key over `recipientStatement`. */
  signature: string;
}

/** What an agent signs. */
export function recipientStatement(cluster: string, node: string, run: string, recipient: string): string {
  return ['vault-dr/recipient/v1', cluster, node, run, recipient].join('\n');
}

export interface ShareProgress {
  required: number;
  accepted: { holder: string; at: string }[];
  refused: { holder: string; at: string; reason: string }[];
  /** Why the shares that are here are not enough, though there are as many as required. */
  problem: string | null;
}

export type WaitingFor = 'approval' | 'shares' | 'operator';
export const PARK_CHOICES = ['resume', 'skipNode', 'rollBack', 'abort'] as const;
export type ParkChoice = (typeof PARK_CHOICES)[number];

export interface Parked {
  phase: RestorePhase;
  node: string | null;
  code: string;
  problem: string;
  advice: string;
  choices: ParkChoice[];
  /** Names of nodes that may be left out. */
  skippable: string[];
  since: string;
}

export type RestoreStatus =
  'running' | 'waiting' | 'parked' | 'planned' | 'completed' | 'rolled back' | 'aborted' | 'refused';

/** A step that used up its retries, or was taken up again by itself. */
export interface MetError {
  at: string;
  phase: RestorePhase;
  node: string | null;
  code: string;
  problem: string;
  /** What came of it, such as `resumed by ana`. */
  outcome: string;
}

/** Answer of the `progress` query, and part of the result. */
export interface RestoreProgress {
  cluster: string;
  run: string;
  method: RecoveryMethod;
  requestedBy: string;
  status: RestoreStatus;
  phase: RestorePhase;
  waitingFor: WaitingFor | null;
  /** When the alternates are told, while people are waited for. */
  escalatesAt: string | null;
  startedAt: string;
  nodes: NodeProgress[];
  phases: PhaseProgress[];
  plan: RecoveryPlan | null;
  planHash: string | null;
  /** When the plan, and the approvals of it, are over. */
  planValidUntil: string | null;
  approvals: { approver: string; at: string }[];
  /** age recipients of this run, one per agent: encrypt a share to all of them. */
  recipients: RunRecipient[];
  shares: ShareProgress | null;
  /** Steps that have used up their retries; several may stand at once, for several nodes. */
  parked: Parked[];
  errors: MetError[];
  /** Who had the old data put back, and in which phase. */
  rollBack: { by: string; at: string; from: RestorePhase } | null;
}

const CHANGES_NOTHING: readonly RestorePhase[] = ['plan', 'approve', 'stage'];

/** Whether a run has come so far that nodes are not as they were. */
export function hasChangedNodes({ phases }: Pick<RestoreProgress, 'phases'>): boolean {
  return phases.some(({ phase }) => !CHANGES_NOTHING.includes(phase));
}

export interface RestoreReport extends RestoreProgress {
  finishedAt: string;
  rtoSeconds: number;
  rtoMachineSeconds: number;
  rtoHumanSeconds: number;
  /** Null where nothing was lost. */
  rpoSeconds: number | null;
  /** Data directories that were set aside, by node; they stay until somebody removes them. */
  setAside: { node: string; path: string | null }[];
  /** When they may be removed. */
  setAsideUntil: string | null;
  /** What an explicit removal deleted. */
  removed: { node: string; path: string; sizeBytes: number }[];
  backup: { generation: string } | { problem: string } | null;
  warnings: string[];
}

export interface ShareVerdict {
  accepted: boolean;
  reason: string | null;
  /** Tells shares apart for this run only; not derivable without the run's identity. */
  fingerprint: string | null;
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

export interface UnsealOutcome {
  state: 'unsealed' | 'wrong shares' | 'not joined';
  problem: string | null;
  /** Shares of somebody's half-done round that were dropped before ours began. */
  dropped: number;
}

export interface ChosenGeneration {
  copy: GenerationCopy;
  /** Repositories whose copy was read end to end. */
  healthy: string[];
  problems: { repository: string; problem: string }[];
}

/** Copies that could not be used, and why. */
export type CopyProblem = ChosenGeneration['problems'][number];

/** What one run left beside a data directory. */
export interface LeftOver {
  path: string;
  sizeBytes: number;
  /** RFC 3339. Null for what the run made and rolled back. */
  setAsideAt: string | null;
}
