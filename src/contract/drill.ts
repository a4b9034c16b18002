/** What a drill has proved, each with all before it: the copy is whole · a Vault loads it · the original shares open it. */
export const DRILL_LEVELS = ['fetched', 'installed', 'restored'] as const;
export type DrillLevel = (typeof DRILL_LEVELS)[number];

export const DRILL_PHASES = ['fetch', 'decrypt', 'fence', 'start', 'load', 'unseal', 'verify'] as const;
export type DrillPhase = (typeof DRILL_PHASES)[number];

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
  /** Empty if the Vault stayed sealed. */
  checks: DrillCheck[];
  phases: { phase: DrillPhase; milliseconds: number }[];
}
