import type { SignedApproval } from './approval';
import type { CopyOutcome } from './copied';
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
/** `rollBack`, `remove` and `archive` are no part of a restore that goes through. */
export type RecoveryPhase = (typeof RESTORE_PHASES)[number] | 'rollBack' | 'remove' | 'archive';

/** The phases of each kind of run. */
export const ROUTES = {
  snapshot: RESTORE_PHASES,
  inPlace: ['plan', 'approve', 'stage', 'install', 'verify', 'converge', 'finish'],
  peers: ['plan', 'approve', 'stop', 'setAside', 'install', 'unseal', 'verify', 'join', 'converge', 'finish'],
  rebuild: ['plan', 'approve', 'stop', 'setAside', 'join', 'converge', 'finish'],
  remove: ['plan', 'approve', 'remove'],
  rollBack: ['plan', 'approve', 'rollBack'],
  migrate: RESTORE_PHASES,
  copy: ['plan', 'stop', 'archive', 'unseal', 'converge', 'finish'],
} as const satisfies Record<string, readonly RecoveryPhase[]>;
export type RecoveryMethod = keyof typeof ROUTES;

/** Identifies a run to the agents. A later run of the same cluster takes over the nodes; an earlier one never does. */
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

/** A plan with its approvals, as an agent receives it. */
export interface ApprovedPlan {
  plan: RecoveryPlan;
  requestedBy: string;
  /** RFC 3339; part of what was signed. */
  expires: string;
  /** Empty if no signature is needed. */
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

/** The recipient of shares for one node's agent; signed by the agent, so that nobody can insert another. */
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

/** What the first node's agent signs once a backup is verified on its disk. */
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
  /** Why the submitted shares are not enough, though there are as many as required. */
  problem: string | null;
}

export type WaitingFor = 'approval' | 'shares' | 'operator' | 'goLive';
export const PARK_CHOICES = ['resume', 'skipNode', 'rollBack', 'abort'] as const;
export type ParkChoice = (typeof PARK_CHOICES)[number];

export interface Parked {
  phase: RecoveryPhase;
  /** The step that has used up its retries, such as `stopping vault-2`. */
  step?: string;
  node: string | null;
  code: string;
  problem: string;
  advice: string;
  choices: ParkChoice[];
  /** Nodes that may be left out. */
  skippable: string[];
  since: string;
}

export type RecoveryStatus =
  'running' | 'waiting' | 'parked' | 'planned' | 'completed' | 'rolled back' | 'aborted' | 'refused' | 'failed';

/** A step that used up its retries, or was repaired by the run itself. */
export interface MetError {
  at: string;
  phase: RecoveryPhase;
  node: string | null;
  code: string;
  problem: string;
  /** Such as `resumed by ana`. */
  outcome: string;
}

/** The failure of a step, in words for the operator. */
export interface StepProblem {
  code: string;
  problem: string;
  advice: string | null;
}

/** A step that has failed and is retried automatically. */
export interface Retrying extends StepProblem {
  /** Activity type, such as `joinNode`. */
  step: string;
  node: string | null;
  since: string;
  /** Failed attempts when this was reported. */
  attempt: number;
}

/** Answer to the `progress` query, and part of the result. */
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
  /** When the plan and its approvals expire. */
  planValidUntil: string | null;
  /** With `trust: approvers`, each with the signature that the hosts verify. */
  approvals: { approver: string; at: string; signature?: string }[];
  /** age recipients of this run, one per agent: encrypt a share to all of them. */
  recipients: RunRecipient[];
  shares: ShareProgress | null;
  /** Steps that have used up their retries; several nodes may have one. */
  parked: Parked[];
  errors: MetError[];
  /** Absent in answers of earlier versions. */
  retrying?: Retrying[];
  /** Who requested a roll-back, and in which phase. */
  rollBack: { by: string; at: string; from: RecoveryPhase } | null;
  /** Once somebody has ended the quiet of a quiet restore. */
  live?: { by: string; at: string };
  /** Once leases were given a later end. */
  leases?: Pick<LeaseOutcome, 'byMount' | 'left' | 'skipped'>;
  /** Only of a copy of a node's data, once it has ended. */
  copied?: CopyOutcome;
}

const CHANGES_NOTHING: readonly string[] = ['plan', 'approve', 'stage'] satisfies RecoveryPhase[];

/** Whether the run has begun to change nodes. */
export function hasChangedNodes({ phases }: { phases: readonly { phase: string }[] }): boolean {
  return phases.some(({ phase }) => !CHANGES_NOTHING.includes(phase));
}

export interface RecoveryReport extends RecoveryProgress {
  finishedAt: string;
  rtoSeconds: number;
  rtoMachineSeconds: number;
  rtoHumanSeconds: number;
  /** Null if nothing was lost. */
  rpoSeconds: number | null;
  /** Data directories set aside, by node; they stay until somebody removes them. */
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
  /** Distinguishes shares within this run only; can't be derived without the run's identity. */
  fingerprint: string | null;
}

/** What became of the leases of a backup before its Vault served. */
export interface LeaseOutcome {
  /** `unsealed`: it already was, so that nothing could be done. */
  state: 'extended' | 'wrong shares' | 'unsealed';
  problem: string | null;
  /** Leases with a later end, named as in a plan. */
  byMount: Record<string, number>;
  /** Leases that end later anyway, and those that Vault had given up revoking. */
  left: number;
  /** Leases that could not be changed. */
  skipped: number;
}

export interface UnsealOutcome {
  state: 'unsealed' | 'wrong shares' | 'not joined';
  problem: string | null;
  /** Shares of an unfinished manual attempt that were dropped first. */
  dropped: number;
}
