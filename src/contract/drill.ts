import type { DrillLevel, DrillPhase } from './drill-levels';
import type { SealConfig } from './generation';
import type { CopyProblem } from './plan';
import type { RunClaim, RunRecipient, ShareProgress } from './recovery';
import type { ShareOutcome } from './share-outcome';

/** What was removed from the Vault in the sandbox before it was unsealed, so that it could not act even without a fence. */
export interface DrillLeases {
  leases: number;
  /** Static roles of databases that are not rotated any more. */
  staticRoles: number;
  /** Why nothing was, or not all; null if all was. */
  problem: string | null;
}

/** What is compared once the backup is unsealed; a difference fails the drill. */
export const DRILL_CHECKS = ['counts', 'mounts', 'authMethods', 'policies', 'hook'] as const;

export interface DrillCheck {
  check: (typeof DRILL_CHECKS)[number];
  outcome: 'passed' | 'not checked';
  /** What was found, or why it was not checked: in words, printable. */
  detail: string;
}

export interface DrillResult {
  level: DrillLevel;
  generation: string;
  repository: string;
  /** Of the Vault in the sandbox. */
  serverVersion: string | null;
  /** How many addresses were proved to be out of reach, each time. */
  targets: number;
  /** Names of the configuration that have no address here, so that they were not tried. */
  unresolved: string[];
  /** Whether the canary of the backup was read; null if that was not tried, because the Vault stayed sealed or there is none. */
  canary: 'read' | 'not checked' | null;
  /** Why not. */
  canaryProblem: string | null;
  /** Absent if the Vault stayed sealed. */
  leases?: DrillLeases | undefined;
  /** What was found out of each share that was given, in their order; absent if they were tried as one set. */
  shares?: ShareOutcome[] | undefined;
  /** Empty if the Vault stayed sealed. */
  checks: DrillCheck[];
  phases: { phase: DrillPhase; milliseconds: number }[];
}

/** The backup that a drill takes. */
export interface DrillChoice {
  generation: string;
  manifestSha256: string;
  /** Where to fetch it from, in this order. */
  repositories: string[];
  seal: SealConfig;
  /** Of the recovery keys, with auto-unseal. */
  recovery?: SealConfig | null | undefined;
  /** What could not be read meanwhile. */
  problems: CopyProblem[];
  /** Somebody is to know of a success, too. */
  isTold?: true;
}

/** A sandbox host that has taken a run. */
export interface PreparedSandbox {
  host: string;
  /** age recipient, signed with the key of the host. */
  recipient: string;
  signature: string;
  /** Whether the identity behind it is in memory only. */
  inMemory: boolean;
}

export const DRILL_STEPS = ['choose', 'prepare', 'shares', 'rehearse', 'record'] as const;
export type DrillStep = (typeof DRILL_STEPS)[number];

/** What every run in a sandbox shows of itself. */
export interface SandboxProgress extends RunClaim {
  /** Absent: a drill. */
  kind?: 'roll-call' | 'recover' | undefined;
  workflowId: string;
  requestedBy: string;
  /** The sandbox host; null until one has taken the run. */
  host: string | null;
  recipients: RunRecipient[];
  shares: ShareProgress | null;
  /** Until when shares are waited for. */
  sharesUntil: string | null;
  /** The backup; null until it is chosen. */
  generation: string | null;
  warnings: string[];
}

/** What every run in a sandbox reports of itself at its end. */
export interface SandboxReport {
  cluster: string;
  run: string;
  requestedBy: string;
  startedAt: string;
  finishedAt: string;
  host: string;
  /** Why it did not prove what it should; null if it did. */
  notProved: string | null;
  warnings: string[];
}

/** Answer to the `progress` query of a drill. */
export interface DrillProgress extends SandboxProgress {
  step: DrillStep;
}

/** Result of a drill as a run. */
export interface DrillReport extends DrillResult, SandboxReport {
  /** Without the time for which shares were waited for. */
  machineSeconds: number;
  humanSeconds: number;
}
