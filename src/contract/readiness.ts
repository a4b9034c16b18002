import type { DrillLevel } from './drill-levels';
import type { Encryption } from './generation';
import type { KitContents } from './kit';
import type { ChosenGeneration, CopyProblem, LiveView } from './plan';
import type { NodeReport, Validity } from './host';
import type { Objective, RtoObjective } from './objectives';
import type { FailureCode } from './failures';
import type { RollCalled } from './roll-call';

/** `unchecked`: it could not be found out, which is never a yes. */
export const READINESS_VERDICTS = ['yes', 'no', 'unchecked'] as const;
export type ReadinessVerdict = (typeof READINESS_VERDICTS)[number];

/** What is asked, in the order in which it is printed. Names of metrics and documents, so none is renamed. */
export const READINESS_CHECKS = [
  'backup-usable',
  'backup-age',
  'recovery-time',
  'copies',
  'chain',
  'marks',
  'copies-in-reach',
  'agents',
  'clocks',
  'identity',
  'login',
  'rights',
  'room',
  'versions',
  'seal',
  'reach',
  'plan',
  'lock',
  'plugins',
  'way-in',
  'certificates',
  'login-expiry',
  'signing-key',
  'audit-trail',
  'drill',
  'roll-call',
] as const;
export type ReadinessCheckName = (typeof READINESS_CHECKS)[number];

/** What one check has found. */
export interface ReadinessFinding {
  verdict: ReadinessVerdict;
  /** As a sentence without its full stop. */
  seen: string;
  /** What to do; null with a yes. */
  remedy: string | null;
}

export type ReadinessCheck = { check: ReadinessCheckName } & ReadinessFinding;

/** Result of an evaluation, from which everything else is computed: nothing of it is kept anywhere else. */
export interface ReadinessReport {
  cluster: string;
  run: string;
  requestedBy: string;
  startedAt: string;
  /** When the facts were weighed. */
  evaluatedAt: string;
  /** `no` if one check says so; else `unchecked` if one says that. */
  verdict: ReadinessVerdict;
  /** What a restore would load; null if there is nothing. */
  backup: { generation: string; capturedAt: string; copies: string[] } | null;
  /** How old the data of a restore would be. */
  rpo: Objective;
  /** How long a restore would take. Absent in results of earlier versions. */
  rto?: RtoObjective;
  /** Checks that concern this cluster. */
  checks: ReadinessCheck[];
  /** What a break-glass kit says now; the one before where that is not known. Absent if no evaluation knew it. */
  kit?: KitContents;
}

/** What a controller says of the backups of a cluster. */
export interface BackupSurvey {
  /** What a restore would load, every copy read end to end; null if there is none. */
  chosen: ChosenGeneration | null;
  /** Why there is none; `retryable`: only for now. */
  problem: { code: FailureCode; text: string; retryable: boolean } | null;
  /** By their ids, readable or not; null if there is none. */
  newest: string | null;
  /** Repositories that could not be listed. */
  unanswered: CopyProblem[];
  /** Marks that can't be trusted, and missing ones. */
  marks: CopyProblem[];
  /** Where the chain of backups is broken. */
  chain: CopyProblem[];
  /** Of the copies in repositories that are to lock them. */
  locks: CopyLock[];
  /** What drills of any backup have found, newest first. */
  drills: { at: string; passed: boolean; level: DrillLevel | null; seconds: number }[];
  /** What restores of the cluster took, newest first. */
  restores: { at: string; machineSeconds: number; peopleSeconds: number }[];
  rollCalls: RollCalled[];
  own: ControllerState;
}

/** Until when a copy can't be removed. */
export interface CopyLock {
  repository: string;
  /** Null: it can be removed now; `held`: nothing ends it. */
  until: string | null;
  held: boolean;
  /** Why that is unknown; null if it is known. */
  problem: string | null;
}

/** What a controller says of itself. */
export interface ControllerState {
  controller: string;
  /** Whether its two signing keys belong together; null if one can't be read. */
  signingKeysMatch: boolean | null;
  signingProblem: string | null;
  /** Of its own trail. */
  trail: { records: number; problems: string[] } | null;
  trailProblem: string | null;
  /** Of the certificates in its configuration of the cluster, and for Temporal. Absent in results of earlier versions. */
  certificates?: Validity[];
}

/** A file in memory, encrypted as backups are, that the first node is to decrypt. */
export interface SealedCanary {
  encryption: Encryption;
  /** Base64. */
  sealed: string;
  /** Of its content. */
  sha256: string;
}

/** What became of it there. */
export interface OpenedCanary {
  /** Of what was decrypted; null if it was not. */
  sha256: string | null;
  problem: string | null;
  advice: string | null;
}

/** A step whose result is missing is not a no. */
export type Answer<T> = { result: T; problem: null } | { result: null; problem: string };

/** What an agent says of its host, and when it was asked by Temporal's clock. */
export interface TimedReport {
  node: string;
  report: NodeReport | null;
  problem: string | null;
  askedAt: string;
  answeredAt: string;
}

/** Everything that was gathered for one evaluation. */
export interface GatheredFacts {
  live: Answer<LiveView>;
  inspections: TimedReport[];
  backups: Answer<BackupSurvey>;
  /** Absent: backups are not encrypted. */
  canary?: { made: SealedCanary; opened: Answer<OpenedCanary> };
}

/** Beside what a failed evaluation says: that people were notified, or by the one before. */
export const FAILURE_SAID = { notified: true } as const;

/** @param details of the failure of an evaluation, which anybody may have made */
export function isFailureSaid(details: readonly unknown[] | null | undefined): boolean {
  return (details?.[1] as Partial<typeof FAILURE_SAID> | null | undefined)?.notified === true;
}

/** All checks together. */
export function verdictOf(checks: readonly ReadinessFinding[]): ReadinessVerdict {
  const all = checks.map(({ verdict }) => verdict);
  if (all.includes('no')) return 'no';
  return all.includes('unchecked') || all.length === 0 ? 'unchecked' : 'yes';
}
