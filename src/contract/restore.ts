import type { Canary, GenerationCopy, RaftPeer, SealConfig } from './generation';

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
export type RestorePhase = (typeof RESTORE_PHASES)[number];

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

/** What a restore run needs of the configuration; goes into history, so it holds no secret. */
export interface RestoreSettings {
  cluster: string;
  /** The first one is restored, the others join it. */
  nodes: NodePlan[];
  repositories: string[];
  approvals: number;
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

export interface NodeReport {
  node: string;
  agentVersion: string;
  host: string;
  service: 'running' | 'stopped';
  vault: { reachable: boolean; initialized: boolean | null; sealed: boolean | null; version: string | null };
  dataDir: DataDirectoryReport;
  /** Free bytes where the generation is staged. */
  stagingFreeBytes: number;
}

export interface RestorePlan {
  cluster: string;
  generation: string;
  capturedAt: string;
  raftIndex: number;
  clusterId: string;
  serverVersion: string;
  archiveBytes: number;
  storedBytes: number;
  storedSha256: string;
  manifestSha256: string;
  seal: SealConfig;
  recovery: SealConfig | null;
  canary: Canary | null;
  keyCount: number;
  peers: RaftPeer[];
  /** Repositories whose copy was read end to end. */
  copies: string[];
  firstNode: string;
  nodes: NodePlan[];
  /** From the capture to the making of this plan: everything written since is lost. */
  rpoSeconds: number;
  approvals: number;
  warnings: string[];
}

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
export const PARK_CHOICES = ['resume', 'skipNode', 'abort'] as const;
export type ParkChoice = (typeof PARK_CHOICES)[number];

export interface Parked {
  phase: RestorePhase;
  node: string | null;
  code: string;
  problem: string;
  advice: string;
  choices: ParkChoice[];
  since: string;
}

export type RestoreStatus = 'running' | 'waiting' | 'parked' | 'completed' | 'aborted' | 'refused';

/** Answer of the `progress` query, and part of the result. */
export interface RestoreProgress {
  cluster: string;
  run: string;
  status: RestoreStatus;
  phase: RestorePhase;
  waitingFor: WaitingFor | null;
  /** When the alternates are told, while people are waited for. */
  escalatesAt: string | null;
  startedAt: string;
  nodes: NodeProgress[];
  phases: PhaseProgress[];
  plan: RestorePlan | null;
  planHash: string | null;
  approvals: { approver: string; at: string }[];
  /** age recipients of this run, one per agent: encrypt a share to all of them. */
  recipients: RunRecipient[];
  shares: ShareProgress | null;
  /** Steps that have used up their retries; several may stand at once, for several nodes. */
  parked: Parked[];
}

export interface RestoreReport extends RestoreProgress {
  finishedAt: string;
  rtoSeconds: number;
  rtoMachineSeconds: number;
  rtoHumanSeconds: number;
  rpoSeconds: number;
  /** Data directories that were set aside, by node; they stay until somebody removes them. */
  setAside: { node: string; path: string | null }[];
  backup: { generation: string } | { problem: string };
  warnings: string[];
}

export interface ShareVerdict {
  accepted: boolean;
  reason: string | null;
  /** Tells shares apart for this run only; not derivable without the run's identity. */
  fingerprint: string | null;
}

export interface UnsealOutcome {
  state: 'unsealed' | 'wrong shares' | 'not joined';
  problem: string | null;
  /** Shares of somebody's half-done round that were dropped before ours began. */
  dropped: number;
}

export interface ClusterCheck {
  node: string;
  clusterId: string;
  serverVersion: string;
  seal: SealConfig;
  peers: RaftPeer[];
}

export interface ChosenGeneration {
  copy: GenerationCopy;
  /** Repositories whose copy was read end to end. */
  healthy: string[];
  problems: { repository: string; problem: string }[];
}

/** Copies that could not be used, and why. */
export type CopyProblem = ChosenGeneration['problems'][number];
