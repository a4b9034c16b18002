import type { CheckLevel, ConfigBundle, Encryption, FileDigest, Manifest } from './generation';
import type { Method } from './method';
import type { Product } from './product';

/** What a backup run needs of the configuration; goes into history, so it holds no secret. */
export interface BackupPlan {
  cluster: string;
  /** Absent in what an earlier version planned: `raft`. */
  method?: Method;
  /** By `raft`, whatever the configuration says: the cluster has just been migrated to it. */
  migrated?: true;
  nodes: { name: string; address: string }[];
  encryption: Encryption & { gpgHome: string | null };
  /** KV path of the canary. */
  canary: string | null;
  /** Nodes whose configuration files go along. */
  configNodes: string[];
  /** In order of preference. */
  repositories: string[];
  retention: RetentionPolicy;
  /** A fall in size or key count against the generation before by more than this becomes a warning. */
  dropWarningPercent: number;
}

/** What stays; everything counts in UTC. A count of 0 asks for nothing. */
export interface RetentionPolicy {
  /** The newest ones, whenever they were made. */
  last: number;
  /** The newest one of each of so many hours that have one; the others likewise. */
  hourly: number;
  daily: number;
  weekly: number;
  monthly: number;
  yearly: number;
  /** What is older goes, also when a count would keep it. */
  maxAgeSeconds: number | null;
  /** So many of the newest stay, however old they are. */
  minimum: number;
}

/** What an agent answers: its files leave the host encrypted or not at all. */
export interface CollectedConfig {
  /** `content` is base64. Null when there is nothing to take or it can't be taken. */
  bundle: (ConfigBundle & { content: string }) | null;
  /** What is missing in it, and why. */
  problems: string[];
}

export interface NodeHealth {
  node: string;
  reachable: boolean;
  sealed: boolean | null;
  leader: boolean;
  version: string | null;
  problem: string | null;
}

export interface ClusterHealth {
  leader: string;
  clusterId: string;
  clusterName: string;
  serverVersion: string;
  /** Absent in what an earlier version saw; null where it is unknown. */
  product?: Product | null;
  nodes: NodeHealth[];
  /** Reasons for concern that don't keep a backup from being made. */
  warnings: string[];
}

/** A verified, encrypted generation on the controller's own disk, not yet in any repository. */
export interface StagedGeneration {
  generation: string;
  directory: string;
  manifest: Manifest;
  manifestSha256: string;
}

export interface PublishedCopy {
  repository: string;
  check: CheckLevel;
  stored: FileDigest;
}

export interface CopyFailure {
  repository: string;
  code: string;
  problem: string;
}

export interface RetentionReport {
  repository: string;
  kept: number;
  removed: string[];
  keptLocked: string[];
  failed: { generation: string; problem: string }[];
  warnings: string[];
}

export interface BackupResult {
  cluster: string;
  generation: string;
  capturedAt: string;
  raftIndex: number;
  sizeBytes: number;
  sha256: string;
  encryption: Encryption['method'];
  copies: PublishedCopy[];
  /** Repositories without a copy; a later backup catches them up. */
  missing: CopyFailure[];
  /** Earlier generations that this run brought to repositories that had been down. */
  caughtUp: { repository: string; generation: string }[];
  retention: RetentionReport[];
  warnings: string[];
}

export const BACKUP_PHASES = ['health', 'capture', 'publish', 'replicate', 'retention', 'audit'] as const;
export type BackupPhase = (typeof BACKUP_PHASES)[number];

export interface BackupProgress {
  cluster: string;
  run: string;
  phase: BackupPhase;
  generation: string | null;
  copies: PublishedCopy[];
  missing: CopyFailure[];
  warnings: string[];
}
