import type { SignedApproval } from './approval';
import type { RecoveryPlan } from './plan';

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
export type RecoveryPhase = (typeof RESTORE_PHASES)[number] | 'rollBack' | 'remove';

/** The way that each kind of run takes. */
export const ROUTES = {
  snapshot: RESTORE_PHASES,
  inPlace: ['plan', 'approve', 'stage', 'install', 'verify', 'converge', 'finish'],
  peers: ['plan', 'approve', 'stop', 'setAside', 'install', 'unseal', 'verify', 'join', 'converge', 'finish'],
  rebuild: ['plan', 'approve', 'stop', 'setAside', 'join', 'converge', 'finish'],
  remove: ['plan', 'approve', 'remove'],
  rollBack: ['plan', 'approve', 'rollBack'],
  migrate: RESTORE_PHASES,
} as const satisfies Record<string, readonly RecoveryPhase[]>;
export type RecoveryMethod = keyof typeof ROUTES;

/** Names one run to the agents. A later run of the same cluster takes the nodes over; an earlier one never does. */
export interface RunClaim {
  run: string;
  cluster: string;
  startedAt: string;
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
  | 'put back'
  | 'skipped';

/** A plan with people's word for it, as an agent gets it. */
export interface ApprovedPlan {
  plan: RecoveryPlan;
  requestedBy: string;
  /** RFC 3339; part of what was signed. */
  expires: string;
  /** Empty where nobody's signature is needed. */
  approvals: SignedApproval[];
}

export interface NodeProgress {
  name: string;
  role: 'first' | 'follower';
  state: NodeState;
  detail: string | null;
}

export interface PhaseProgress {
  phase: RecoveryPhase;
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

/** What the first node's agent signs once a backup is proved on its disk. */
export function stagedStatement(cluster: string, node: string, staged: StagedBackup): string {
  return ['vault-dr/staged/v1', cluster, node, staged.run, staged.generation, staged.manifestSha256].join('\n');
}

export interface StagedBackup {
  run: string;
  generation: string;
  manifestSha256: string;
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
  phase: RecoveryPhase;
  /** What has used up its retries, such as `stopping vault-2`. */
  step?: string;
  node: string | null;
  code: string;
  problem: string;
  advice: string;
  choices: ParkChoice[];
  /** Names of nodes that may be left out. */
  skippable: string[];
  since: string;
}

export type RecoveryStatus =
  'running' | 'waiting' | 'parked' | 'planned' | 'completed' | 'rolled back' | 'aborted' | 'refused';

/** A step that used up its retries, or was taken up again by itself. */
export interface MetError {
  at: string;
  phase: RecoveryPhase;
  node: string | null;
  code: string;
  problem: string;
  /** What came of it, such as `resumed by ana`. */
  outcome: string;
}

/** What a step fails with, in words for the operator. */
export interface StepProblem {
  code: string;
  problem: string;
  advice: string | null;
}

/** A step that has failed, and is tried again by itself. */
export interface Retrying extends StepProblem {
  /** Activity type, such as `joinNode`. */
  step: string;
  node: string | null;
  since: string;
  /** Attempts that had failed when this was reported. */
  attempt: number;
}

/** Answer of the `progress` query, and part of the result. */
export interface RecoveryProgress {
  cluster: string;
  run: string;
  method: RecoveryMethod;
  requestedBy: string;
  status: RecoveryStatus;
  phase: RecoveryPhase;
  waitingFor: WaitingFor | null;
  /** When the alternates are notified, while the run waits for people. */
  escalatesAt: string | null;
  startedAt: string;
  nodes: NodeProgress[];
  phases: PhaseProgress[];
  plan: RecoveryPlan | null;
  planHash: string | null;
  /** When the plan, and the approvals of it, are over. */
  planValidUntil: string | null;
  /** With `trust: approvers`, each with the signature by which hosts know that it is meant. */
  approvals: { approver: string; at: string; signature?: string }[];
  /** age recipients of this run, one per agent: encrypt a share to all of them. */
  recipients: RunRecipient[];
  shares: ShareProgress | null;
  /** Steps that have used up their retries; several may stand at once, for several nodes. */
  parked: Parked[];
  errors: MetError[];
  /** Absent in what an earlier version says. */
  retrying?: Retrying[];
  /** Who had the old data put back, and in which phase. */
  rollBack: { by: string; at: string; from: RecoveryPhase } | null;
}

const CHANGES_NOTHING: readonly RecoveryPhase[] = ['plan', 'approve', 'stage'];

/** Whether a run has come so far that nodes are not as they were. */
export function hasChangedNodes({ phases }: Pick<RecoveryProgress, 'phases'>): boolean {
  return phases.some(({ phase }) => !CHANGES_NOTHING.includes(phase));
}

export interface RecoveryReport extends RecoveryProgress {
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

export interface UnsealOutcome {
  state: 'unsealed' | 'wrong shares' | 'not joined';
  problem: string | null;
  /** Shares of somebody's half-done round that were dropped before ours began. */
  dropped: number;
}
