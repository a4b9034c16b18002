import { canonicalJson } from './canonical-json';
import type { SandboxProgress, SandboxReport } from './drill';
import type { CopyProblem } from './plan';
import type { MISSING_REASONS, VersionState } from './recovered';
import type { WhichVersions } from './wanted';

/** What is brought back of a backup, and for whom: approvers sign the hash of exactly this. */
export interface SecretPlan {
  /** No other plan has it, so an approval of one is none of the other. */
  method: 'secret';
  cluster: string;
  generation: string;
  manifestSha256: string;
  paths: string[];
  versions: WhichVersions;
  /** Also versions that were deleted. */
  deleted: boolean;
  /** For whom it is encrypted, and for nobody else. */
  recipients: string[];
  /** How many people must approve. */
  approvals: number;
  trust: 'approvers';
}

/** The plan, and what is needed to carry it out. */
export interface SecretChoice {
  plan: SecretPlan;
  planHash: string;
  capturedAt: string;
  /** Null: of an imported backup it is not known. */
  clusterId: string | null;
  /** Where to fetch it from, in this order. */
  repositories: string[];
  /** How many shares make a root token; of a cluster that unseals itself, recovery keys. */
  sharesNeeded: number;
  /** What could not be read meanwhile. */
  problems: CopyProblem[];
}

/** What came of one path. No names but the path itself: those of the backup's other secrets stay in the file. */
export interface PathRead {
  path: string;
  items: number;
  /** Of one secret. */
  versions: { version: number | null; state: VersionState; recovered: boolean }[];
  missing: (typeof MISSING_REASONS)[number] | null;
}

/** What a sandbox host has read, encrypted. */
export interface SecretsRead {
  repository: string;
  /** Of the cluster that the backup was made of; null: of an imported one it is not known. */
  clusterId: string | null;
  /** Of the Vault in the sandbox. */
  serverVersion: string | null;
  paths: PathRead[];
  /** Armored age file for the recipients of the plan. */
  sealed: string;
  /** Of the host that has read it; see `secretsReadStatement`. */
  signature: string;
}

export const SECRET_STEPS = ['choose', 'approve', 'prepare', 'shares', 'read', 'record'] as const;
export type SecretStep = (typeof SECRET_STEPS)[number];

/** An approval, as a run keeps it. */
export interface GivenApproval {
  approver: string;
  at: string;
  signature?: string | undefined;
}

/** Answer to the `progress` query. */
export interface SecretProgress extends SandboxProgress {
  kind: 'recover';
  step: SecretStep;
  plan: SecretPlan | null;
  planHash: string | null;
  /** Until then approvals and shares count. */
  planValidUntil: string | null;
  capturedAt: string | null;
  clusterId: string | null;
  approvals: GivenApproval[];
}

/** Result of such a run. */
export interface SecretReport extends SecretsRead, Omit<SandboxReport, 'notProved'> {
  plan: SecretPlan;
  planHash: string;
  approvals: GivenApproval[];
  /** Without the time for which approvals and shares were waited for. */
  machineSeconds: number;
  humanSeconds: number;
}

/** Results are history, which is kept and shown in pieces of this size at most. */
export const MOST_SEALED_CHARACTERS = 512 * 1024;

/** What a sandbox host signs: somebody else's ciphertext for the same recipient must not be taken for a backup's. */
export function secretsReadStatement(
  about: { cluster: string; run: string; host: string; planHash: string },
  { repository, clusterId, serverVersion, paths, sealed }: Omit<SecretsRead, 'signature'>,
): string {
  const { cluster, run, host, planHash } = about;
  const read = canonicalJson({ repository, clusterId, serverVersion, paths, sealed }, 2 * MOST_SEALED_CHARACTERS);
  return ['vault-dr secrets read, version 1', cluster, run, host, planHash, read].join('\n');
}
